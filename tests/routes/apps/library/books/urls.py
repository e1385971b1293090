"""The routes of the books."""

from django.urls import path

from . import views

app_name = "books"
urlpatterns = [
    path("<int:number>/", views.Book.as_view(), name="book"),
    path("new/", views.new),
    path("<str:title>/", views.by_title),
]
