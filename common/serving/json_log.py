"""Lines of the log as JSON, one object a line (`DUOLOGUE_LOG_FORMAT=json`)."""

from __future__ import annotations

import datetime as dt
import json
import logging

EXTRA = ("request_id", "user_id", "route", "method", "status", "duration_ms", "client")


class JsonFormatter(logging.Formatter):
    """`time`, `level`, `logger`, `message`; of a request also its number, user, route, status and duration."""

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, tz=dt.UTC)
        line: dict[str, object] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in EXTRA if (value := getattr(record, name, None)) not in (None, "")}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
