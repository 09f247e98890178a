"""Marks on verdicts and reports of replies, from the pages where people meet them."""

from django.urls import path

from moderation import deciding, reporting, views
from moderation.thresholds import thresholds

urlpatterns = [
    path("content/<uuid:pk>/", views.mark, name="filter-mark"),
    path("dialogues/<uuid:pk>/turns/<uuid:turn_pk>/report/", reporting.report, name="report"),
    path("content/ranking/<uuid:pk>/", views.of_ranking, name="filter-ranking"),
    path("content/review/<uuid:pk>/", views.of_review, name="filter-review"),
    path("content/dialogues/<uuid:pk>/", views.of_dialogue, name="filter-dialogue"),
    path("projects/<slug:slug>/review/content/", deciding.queue, name="review-queue-content"),
    path("projects/<slug:slug>/content/thresholds/", thresholds, name="filter-thresholds"),
    path("content/<uuid:pk>/decide/", deciding.decide, name="filter-decide"),
]
