"""Second stage of `bin/test`, inside `.venv`: browser, services and model of its own, the checks, then pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from common import embedded, processes
from launcher import browser, model, options
from launcher.options import BASE, StartError

# Two processes keep two cores busy; with more, tests that wait for a browser only wait for each other.
WORKERS = 2
CHECKS = {
    "ruff format": ["ruff", "format", "--check", "."],
    "ruff check": ["ruff", "check", "."],
    "import-linter": ["lint-imports"],
    "migrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
    "unsafe migrations": ["manage.py", "lintmigrations", "--settings=tests.upgrade.linted"],
    "templates": ["djlint", "templates", "--lint", "--quiet"],
    "mypy": ["mypy", "."],
}


def main(arguments: Sequence[str]) -> int:
    chosen, rest = options.test_parser().parse_known_args(arguments)
    began = time.monotonic()
    var = _separate_var()
    try:
        os.environ[browser.VARIABLE] = browser.ensure()
        with embedded.running(var) as services:
            os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = services.database_url, services.redis_url
            _hurry(services)
            print(f"browser and services after {time.monotonic() - began:.0f} s", flush=True)
            checks = {} if chosen.no_checks else _start_checks()
            model.ensure(var)
            print(f"model after {time.monotonic() - began:.0f} s", flush=True)
            tests = _pytest(rest, var, everything=chosen.all)
            good = _end_checks(checks)
    except (StartError, embedded.ServiceError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    spent = os.times()
    cpu = spent.children_user + spent.children_system
    print(f"bin/test took {time.monotonic() - began:.0f} s, {cpu:.0f} s of processor time", flush=True)
    return tests or (0 if good else 1)


def _separate_var() -> Path:
    """Never the data of a running Duologue: a folder, servers and a model of its own, kept for the next run."""
    var = Path(os.environ.get("DUOLOGUE_TEST_VAR") or BASE / "var" / "test").resolve()
    os.environ["DUOLOGUE_VAR"] = str(var)
    for name in ("DATABASE_URL", "REDIS_URL", "DUOLOGUE_URL", "DUOLOGUE_PORT", "DUOLOGUE_NIGHTLY_AT", "SECRET_KEY"):
        os.environ.pop(name, None)
    return var


def _hurry(services: embedded.Services) -> None:
    """Test data need not survive a power cut."""
    import psycopg2

    from common.environment import database_settings

    settings = database_settings(services.database_url)
    connection = psycopg2.connect(dbname="postgres", user=settings["USER"], host=settings["HOST"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"ALTER SYSTEM SET {name} = off")
        cursor.execute("SELECT pg_reload_conf()")
    connection.close()


def _start_checks() -> dict[str, subprocess.Popen[str]]:
    """All at once, beside the tests, to which they give way: some tests measure time."""
    running = {}
    for name, command in CHECKS.items():
        program = [sys.executable, command[0]] if command[0].endswith(".py") else [str(_tool(command[0]))]
        running[name] = subprocess.Popen(
            ["nice", *program, *command[1:]],
            cwd=BASE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=processes.die_with_parent(),
        )
    return running


def _end_checks(running: Mapping[str, subprocess.Popen[str]]) -> bool:
    """Whether all passed; the output of those that did not is shown."""
    good = True
    for name, process in running.items():
        output, _ = process.communicate()
        print(f"{name:<18}{'ok' if process.returncode == 0 else 'FAILED'}", flush=True)
        if process.returncode:
            print(output, flush=True)
            good = False
    return good


def _pytest(rest: Sequence[str], var: Path, *, everything: bool) -> int:
    marks = "not gpu" if everything else "not slow and not gpu"
    chosen = [] if any(argument.startswith("-m") for argument in rest) else ["-m", marks]
    few = _names_tests(rest)
    parallel = [] if few else ["-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder"]
    covered = (
        ["--cov", "--cov-report=term:skip-covered", "--override-ini=timeout=600"] if everything and not few else []
    )
    for folder in ("coverage", "tmp"):
        (var / folder).mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pytest", *parallel, *covered, *chosen, *rest]
    # Any pytest that begins closes the folder that all of a user's share, to PostgreSQL's user too: ours has its own.
    places = {"COVERAGE_FILE": str(var / "coverage" / "data"), "PYTEST_DEBUG_TEMPROOT": str(var / "tmp")}
    environment = {**os.environ, **places}
    return subprocess.run(
        command, cwd=BASE, check=False, env=environment, preexec_fn=processes.die_with_parent()
    ).returncode


def _names_tests(rest: Sequence[str]) -> bool:
    """Whether somebody works on a few tests: those run in one process, whose output can be watched."""
    return any((BASE / argument.partition("::")[0]).exists() for argument in rest if not argument.startswith("-"))


def _tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
