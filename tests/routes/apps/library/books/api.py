"""The REST framework."""

from rest_framework.decorators import action
from rest_framework.routers import DefaultRouter
from rest_framework.viewsets import ViewSet


class AuthorViewSet(ViewSet):
    def list(self, request):
        return None

    def retrieve(self, request, pk=None):
        return None

    @action(detail=True, methods=["post"], url_path="rename")
    def new_name(self, request, pk=None):
        return None


router = DefaultRouter()
router.register("authors", AuthorViewSet, basename="author")
