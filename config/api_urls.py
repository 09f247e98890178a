"""The API's addresses: each app's own, then the description of them all, then 404 in JSON for the rest."""

from django.urls import include, path, re_path

from config import api_docs, api_schema

urlpatterns = [
    path("", include("labeling.api.urls")),
    path("", include("sampler.api_urls")),
    path("", include("moderation.api")),
    path("", include("insights.api_urls")),
    path("", include("exports.api")),
    path("", include("hub.api")),
    path("", include("webhooks.api_urls")),
    path("schema/", api_docs.Description.as_view(**api_schema.SCHEMA_VIEW), name="api_schema"),
    path("docs/", api_docs.docs, name="api_docs"),
    re_path(r"^(?P<rest>.*)$", api_schema.NoSuchAddress.as_view(), name="api_not_found"),
]
