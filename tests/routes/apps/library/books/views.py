"""Views: functions, and classes that inherit."""

from django.http import HttpResponse
from django.views import View
from django.views.generic import TemplateView


def home(request):
    return HttpResponse("home")


def archive(request, year):
    return HttpResponse(year)


def hook(request):
    return HttpResponse("hook")


def new(request):
    return HttpResponse("new")


def by_title(request, title):
    return HttpResponse(title)


class Readable(View):
    def get(self, request, number):
        return HttpResponse(number)


class Book(Readable):
    def delete(self, request, number):
        return HttpResponse(number)


class About(TemplateView):
    template_name = "about.html"
