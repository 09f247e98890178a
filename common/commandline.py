"""What `manage.py` does around a command: holds the services of the var folder, and turns an error that an
operator can mend into one sentence and a non-zero exit. `--traceback` shows the whole story instead."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from common import embedded, environment

# These touch neither the database nor Redis.
_ALONE = frozenset(
    {"help", "version", "collectstatic", "findstatic", "makemessages", "compilemessages", "diffsettings"}
)


def run(base_dir: Path, argv: list[str], execute: Callable[[list[str]], None]) -> int:
    """Execute a management command; return the exit status."""
    try:
        with _services(base_dir, argv):
            execute(argv)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output went away
        return 1
    except Exception as error:
        sentence = explain(error)
        if sentence is None or "--traceback" in argv:
            raise
        print(sentence, file=sys.stderr)
        return 2 if isinstance(error, environment.SettingError) else 1
    return 0


@contextlib.contextmanager
def _services(base_dir: Path, argv: list[str]) -> Iterator[None]:
    """Those of the var folder are started for the command's lifetime unless they run already."""
    alone = len(argv) < 2 or argv[1].startswith("-") or argv[1] in _ALONE or {"-h", "--help"} & set(argv)
    names = [] if alone else embedded.needed()
    if not names:
        yield
        return
    with embedded.running(environment.var_dir(base_dir), names):
        yield


def explain(error: BaseException) -> str | None:
    """The sentence for an error of the surroundings; None for an error of ours."""
    if isinstance(error, (environment.SettingError, embedded.ServiceError)):
        return str(error)
    text = str(error).strip()
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    if "django.db.utils.OperationalError" in kinds and _is_connecting(text):
        return f"The database does not answer: {_first_line(text)}"
    if "django.db.utils.ProgrammingError" in kinds and "relation" in text and "does not exist" in text:
        return "The database has not been brought up to date: run `manage.py migrate` first."
    if kinds & {
        "redis.exceptions.ConnectionError",
        "redis.exceptions.TimeoutError",
        "redis.exceptions.AuthenticationError",
        "kombu.exceptions.OperationalError",
    }:
        return f"Redis does not answer: {_first_line(text)}"
    return None


def _is_connecting(text: str) -> bool:
    return any(part in text for part in ("connection to server", "could not translate host name", "timeout expired"))


def _first_line(text: str) -> str:
    return f"{text.splitlines()[0].rstrip('. ') if text else 'no reason given'}."
