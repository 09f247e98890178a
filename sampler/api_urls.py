from django.urls import path

from sampler import api

urlpatterns = [path("model-versions/", api.ModelVersions.as_view())]
