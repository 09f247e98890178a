"""What a request causes in a worker bears the request's number and user in the log, and its trace; and workers log as
the settings say, not as Celery would have it."""

from __future__ import annotations

from typing import Protocol

from celery import signals

from common.serving import request_id, tracing

NUMBER, USER = "duologue_request", "duologue_user"


class Context(Protocol):
    """Celery's account of the task that runs."""

    headers: dict[str, object] | None


class Task(Protocol):
    name: str
    request: Context


def connect() -> None:
    """Called once, where the Celery application is made."""
    signals.setup_logging.connect(_leave_as_set, dispatch_uid="task_log.setup")
    signals.before_task_publish.connect(_send, dispatch_uid="task_log.send")
    signals.task_prerun.connect(_begin, dispatch_uid="task_log.begin")
    signals.task_postrun.connect(_end, dispatch_uid="task_log.end")


def _leave_as_set(**kwargs: object) -> None:
    """Celery sets up no logging of its own where somebody listens to this signal."""


def _send(headers: dict[str, object] | None = None, **kwargs: object) -> None:
    if headers is not None and (number := request_id.current.get()):
        headers[NUMBER], headers[USER] = number, request_id.user_now()
    if headers is not None:
        headers |= tracing.carried()


def _begin(task: Task | None = None, **kwargs: object) -> None:
    headers = (task.request.headers if task is not None else None) or {}
    request_id.current.set(str(headers.get(NUMBER) or ""))
    user = headers.get(USER)
    request_id.who.set(lambda: user if isinstance(user, int) else None)
    if task is not None:
        tracing.begin(f"task {task.name}", {name: str(value) for name, value in headers.items()})


def _end(state: str | None = None, **kwargs: object) -> None:
    tracing.end(failed=state == "FAILURE")
    request_id.current.set("")
    request_id.who.set(request_id.nobody)
