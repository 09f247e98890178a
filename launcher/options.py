"""The command lines of `bin/start` and `bin/test`, and how they say what went wrong. Standard library only."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8000
MOST_WEB_PROCESSES = 8  # of 16 threads, each with a connection: our own PostgreSQL takes 200


class StartError(Exception):
    """Why it cannot go on, as one sentence."""


def start_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/start",
        description="Install what is missing, then run Duologue on this machine until Ctrl-C: PostgreSQL, Valkey, web, "
        "default worker, sampler worker and beat. All data stays in the var folder; starting again finds it there.",
        epilog="Environment: DUOLOGUE_PORT (8000), DUOLOGUE_VAR (./var), DATABASE_URL and REDIS_URL (instead of our "
        "own servers), DUOLOGUE_URL (the public address); all of them in docs/settings.md.",
    )
    parser.add_argument("--no-demo", action="store_true", help="make no demo project, accounts or model")
    parser.add_argument("--no-sampler", action="store_true", help="start no sampler worker: they run elsewhere")
    parser.add_argument(
        "--web-processes", type=_count, default=1, metavar="N", help="web processes, each with its own threads (1)"
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WEB_PROCESSES:
        raise argparse.ArgumentTypeError(f"it takes a number from 1 to {MOST_WEB_PROCESSES}")
    return int(text)


def test_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/test",
        description="Set up everything the tests need (a browser and the model included), then run the checks "
        "and the test suite. Everything that is not listed here goes to pytest.",
    )
    parser.add_argument("--all", action="store_true", help="the slow tier too (up to an hour), with branch coverage")
    parser.add_argument(
        "--no-checks", action="store_true", help="no ruff, mypy, import-linter, djlint and migration check"
    )
    return parser


def var_dir() -> Path:
    """Where all data lives: DUOLOGUE_VAR, or `var` beside the code."""
    return Path(os.environ.get("DUOLOGUE_VAR") or BASE / "var").expanduser().resolve()


def port() -> int:
    value = os.environ.get("DUOLOGUE_PORT") or str(DEFAULT_PORT)
    if not value.isdecimal() or not 1 <= int(value) <= 65535:
        raise StartError(f"DUOLOGUE_PORT is {value!r}: it takes a number from 1 to 65535.")
    return int(value)
