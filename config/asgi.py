import os
from typing import cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_application = get_asgi_application()

from django.conf import settings  # noqa: E402 (settings are ready only now)

from common.limits import Application, BodyLimit  # noqa: E402

application = BodyLimit(cast(Application, django_application), max_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
