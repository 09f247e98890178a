"""Puts the project's own admin site in place of Django's, and begins to report errors where that is asked for."""

from django.contrib.admin.apps import AdminConfig

from common.serving import error_reports


class SiteConfig(AdminConfig):
    default_site = "config.admin_site.Site"

    def ready(self) -> None:
        super().ready()
        error_reports.start()
