"""Puts the project's own admin site in place of Django's."""

from django.contrib.admin.apps import AdminConfig


class SiteConfig(AdminConfig):
    default_site = "config.admin_site.Site"
