"""What uvicorn runs: Django in lasting threads, and around it what keeps one request or person from stopping all."""

import os
from importlib import import_module
from typing import cast

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)

from asgiref.typing import ASGI3Application  # noqa: E402
from django.conf import settings  # noqa: E402 (settings are ready only now)
from django.db import connections  # noqa: E402

from common import environment  # noqa: E402
from common.asgi_handler import ThreadedHandler  # noqa: E402
from common.body_limit import BodyLimit  # noqa: E402
from common.serving.access import Access  # noqa: E402
from common.serving.deadline import Deadline  # noqa: E402
from common.serving.fair_share import FairShare  # noqa: E402
from common.serving.sign_of_life import SignOfLife  # noqa: E402

AT_ONCE = 2  # requests of one person at work at the same time; more wait without a thread
connections.settings["default"]["CONN_MAX_AGE"] = 300  # seconds; only here, where threads last
import_module(settings.ROOT_URLCONF)  # some seconds, which the first person would wait
django_application = cast(ASGI3Application, ThreadedHandler(threads=settings.WEB_THREADS))
limited = BodyLimit(django_application, max_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
served = Access(Deadline(FairShare(limited, at_once=AT_ONCE)))
application = SignOfLife(served, environment.var_dir(settings.BASE_DIR) / "run" / "web")
