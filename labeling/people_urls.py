"""Addresses of `people_views`."""

from django.urls import path

from labeling import people_views as views

urlpatterns = [
    path("invitations/<str:token>/", views.invitation, name="invitation"),
    path("projects/<slug:slug>/people/", views.people, name="people"),
    path("projects/<slug:slug>/people/<str:username>/", views.change_role, name="change_role"),
    path("projects/<slug:slug>/invitations/<uuid:pk>/withdraw/", views.withdraw_invitation, name="withdraw_invitation"),
]
