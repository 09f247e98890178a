"""Addresses of the trainers' pages and of the pages about people."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [path("", include("labeling.people_urls"))]
