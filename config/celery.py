"""The Celery application; tasks are found in each app's `tasks.py`."""

import os

from celery import Celery

from common.serving import task_log

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("duologue")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
task_log.connect()
