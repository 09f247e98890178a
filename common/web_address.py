"""Where the web server of a var folder answers: written by `bin/start`, read by commands that are told no address.

Standard library only.
"""

from __future__ import annotations

import socket
from pathlib import Path

from common import processes

START_LOCK = "start.lock"  # held by `bin/start` for as long as it runs
FILE = "web_address"


def loopback() -> str:
    """The address of this machine for itself: 127.0.0.1, or ::1 where there is only IPv6."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", 0))
        except OSError:
            return "::1"
    return "127.0.0.1"


def url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def write(var_dir: Path, url: str) -> None:
    (var_dir / "run" / FILE).write_text(url + "\n")


def clear(var_dir: Path) -> None:
    (var_dir / "run" / FILE).unlink(missing_ok=True)


def read(var_dir: Path) -> str:
    """The address of the `bin/start` that runs for `var_dir`; empty where none runs, though a killed one may have left
    its address."""
    if not processes.is_locked(var_dir / "run" / START_LOCK):
        return ""
    try:
        return (var_dir / "run" / FILE).read_text().strip()
    except OSError:
        return ""
