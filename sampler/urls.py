from django.urls import path

from sampler import views

urlpatterns = [path("metrics", views.metrics_view, name="metrics")]
