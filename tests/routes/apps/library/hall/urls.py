"""Where the routes begin."""

from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from books import views
from books.api import router

urlpatterns = [
    path("", views.home),
    path("books/", include("books.urls")),
    path("api/", include(router.urls)),
    re_path(r"^archive/(?P<year>[0-9]{4})/$", views.archive),
    path("hook/", csrf_exempt(views.hook)),
]
urlpatterns += [path("about/<slug:page>/", views.About.as_view())]
