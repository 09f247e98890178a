"""Every address. Pages of each app are in its own `urls.py`."""

from django.contrib import admin
from django.urls import include, path

handler500 = "config.errors.server_error"
urlpatterns = [
    path("admin/insights/", include("insights.urls")),
    path("admin/", admin.site.urls),
    path("manage/", include("managing.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("config.api_urls")),
    path("", include("operations.urls")),
    path("", include("moderation.urls")),
    path("", include("labeling.urls")),
]
