"""Marks on verdicts, from the pages where people meet them."""

from django.urls import path

from moderation import views

urlpatterns = [
    path("content/<uuid:pk>/", views.mark, name="filter-mark"),
    path("content/turns/<uuid:pk>/harmful/", views.harmful, name="filter-harmful"),
]
