import os
from typing import cast

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)

from asgiref.typing import ASGI3Application  # noqa: E402
from django.conf import settings  # noqa: E402 (settings are ready only now)
from django.db import connections  # noqa: E402

from common.asgi_handler import ThreadedHandler  # noqa: E402
from common.body_limit import BodyLimit  # noqa: E402

connections.settings["default"]["CONN_MAX_AGE"] = 300  # seconds; only here, where threads last
application = BodyLimit(
    cast(ASGI3Application, ThreadedHandler(threads=settings.WEB_THREADS)),
    max_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
)
