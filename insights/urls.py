"""Addresses of the dashboards, under the admin site."""

from django.urls import path

from insights import round_views, views

app_name = "insights"
urlpatterns = [
    path("<slug:slug>/", views.insights, name="project"),
    path("<slug:slug>/progress/", views.progress, name="progress"),
    path("<slug:slug>/rounds/", round_views.page, name="rounds"),
    path("<slug:slug>/rounds/tables/<slug:name>.csv", round_views.table, name="rounds-table"),
    path("<slug:slug>/filter/", views.content_filter, name="filter"),
    path("<slug:slug>/filter/tables/<slug:name>.csv", views.content_filter_table, name="filter-table"),
    path("<slug:slug>/red-team/", views.red_team, name="red-team"),
    path("<slug:slug>/red-team/tables/<slug:name>.csv", views.red_team_table, name="red-team-table"),
    path("<slug:slug>/loop/", views.loop, name="loop"),
    path("<slug:slug>/tables/<slug:name>.csv", views.table, name="table"),
]
