from django.urls import path

from webhooks import api

urlpatterns = [
    path("projects/<slug:slug>/webhooks/", api.Webhooks.as_view()),
    path("webhooks/<uuid:pk>/", api.OneWebhook.as_view()),
    path("webhooks/<uuid:pk>/secret/", api.Secret.as_view()),
    path("webhooks/<uuid:pk>/deliveries/", api.Deliveries.as_view()),
    path("webhooks/<uuid:pk>/deliveries/<int:number>/again/", api.SendAgain.as_view()),
]
