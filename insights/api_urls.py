from django.urls import path

from insights import api

urlpatterns = [
    path("projects/<slug:slug>/insights/", api.InsightsView.as_view()),
    path("projects/<slug:slug>/insights/red-team/", api.RedTeamView.as_view()),
    path("projects/<slug:slug>/insights/filter/", api.ContentFilterView.as_view()),
]
