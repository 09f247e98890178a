"""PostgreSQL and Valkey of a var folder: started, shared, stopped, and mended after every kind of kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
import redis

from common import embedded, environment, processes
from common.embedded import servers

BASE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One var folder for this file, with all that a path may hold; a cluster is made in it once."""
    return tmp_path_factory.mktemp('it\'s 100% a "var" folder')


@pytest.fixture(autouse=True)
def short_folders_of_sockets_go(tmp_path: Path) -> Iterator[None]:
    """The path of a test's folder may be too long for sockets and be the same in the next run."""
    yield
    if (sockets := embedded.socket_dir(tmp_path)).is_dir():
        shutil.rmtree(sockets)


@pytest.fixture
def held(var: Path) -> Iterator[embedded.Services]:
    with embedded.running(var) as services:
        yield services


def database_of(services: embedded.Services) -> psycopg2.extensions.connection:
    settings = environment.database_settings(services.database_url)
    return psycopg2.connect(dbname=settings["NAME"], user=settings["USER"], host=settings["HOST"])


def ask(services: embedded.Services) -> tuple[int, bool]:
    connection = database_of(services)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 41 + 1")
        row = cursor.fetchone()
        assert row is not None
        answer = row[0]
    connection.close()
    with redis.from_url(services.redis_url) as client:
        return answer, client.ping()


def pid_in(path: Path) -> int:
    return int(path.read_text().split()[0])


def eventually(true: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.05)


def answers(services: embedded.Services) -> bool:
    try:
        return ask(services) == (42, True)
    except (psycopg2.OperationalError, redis.ConnectionError):
        return False


def test_both_servers_answer_while_they_are_held_and_are_gone_afterwards(var: Path) -> None:
    with embedded.running(var) as services:
        assert ask(services) == (42, True)
        pids = [pid_in(var / "postgresql" / "postmaster.pid"), pid_in(var / "run" / "valkey.pid")]
        with embedded.running(var):  # a second holder, as a command is beside bin/start
            pass
        assert ask(services) == (42, True)
    assert not any(processes.alive(pid) for pid in pids)


def test_data_outlives_a_stop(var: Path) -> None:
    with embedded.running(var) as services:
        connection = database_of(services)
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE kept AS SELECT 'yes' AS answer")
        connection.close()
    with embedded.running(var) as services:
        connection = database_of(services)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT answer FROM kept")
            assert cursor.fetchone() == ("yes",)
            cursor.execute("DROP TABLE kept")
        connection.close()


def test_no_tcp_port_is_opened_and_only_the_owner_reaches_the_sockets(held: embedded.Services, var: Path) -> None:
    connection = database_of(held)
    with connection.cursor() as cursor:
        cursor.execute("SHOW listen_addresses")
        assert cursor.fetchone() == ("",)
    connection.close()
    assert redis.from_url(held.redis_url).config_get("port") == {"port": "0"}
    for path in (embedded.socket_dir(var) / "pg", embedded.socket_dir(var) / "valkey.sock"):
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("pid_file", ["postgresql/postmaster.pid", "run/valkey.pid"])
def test_a_killed_server_is_started_again(held: embedded.Services, var: Path, pid_file: str) -> None:
    before = pid_in(var / pid_file)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: answers(held) and pid_in(var / pid_file) != before)  # while it starts the file may be empty


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends the orphans")
def test_a_killed_supervisor_takes_its_server_along_and_is_noticed(held: embedded.Services, var: Path) -> None:
    server = pid_in(var / "run" / "valkey.pid")
    supervisor = int(Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(supervisor, signal.SIGKILL)
    eventually(lambda: not processes.alive(server))
    assert "has ended" in embedded.trouble(var, embedded.VALKEY)
    embedded.revive(var, embedded.VALKEY)
    assert ask(held) == (42, True)


def test_a_holder_waits_for_what_it_started(var: Path) -> None:
    code = "import sys; from pathlib import Path; from common import embedded\n"
    code += "with embedded.running(Path(sys.argv[1])): pass"
    command = [sys.executable, "-W", "always::ResourceWarning", "-c", code, str(var)]
    done = subprocess.run(command, cwd=BASE, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, ""), "a process that nobody waited for"


def test_servers_stop_when_their_only_holder_is_killed(var: Path) -> None:
    code = "import sys, time; from pathlib import Path; from common import embedded\n"
    code += "with embedded.running(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(var)], cwd=BASE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder, holder.stdout:
        assert holder.stdout.readline() == b"held\n"
        pids = [pid_in(var / "postgresql" / "postmaster.pid"), pid_in(var / "run" / "valkey.pid")]
        holder.kill()
    eventually(lambda: not any(processes.alive(pid) for pid in pids))


def test_a_pid_file_whose_number_is_somebody_elses_does_not_stop_the_start(var: Path) -> None:
    with embedded.running(var):
        lines = (var / "postgresql" / "postmaster.pid").read_text().splitlines()
    lines[0] = str(os.getpid())
    (var / "postgresql" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    (var / "run" / "valkey.pid").write_text(str(os.getpid()))
    server = servers.make(embedded.POSTGRESQL, var)
    if (user := server.run_as()) != {}:
        os.chown(var / "postgresql" / "postmaster.pid", user["user"], user["group"])
    with embedded.running(var) as services:
        assert ask(services) == (42, True)


def test_a_folder_on_the_way_that_is_closed_later_locks_nobody_out(var: Path) -> None:
    with embedded.running(var):
        var.parent.chmod(0o700)
        with embedded.running(var) as services:
            assert ask(services) == (42, True)


def test_two_processes_that_start_at_once_share_one_pair_of_servers(var: Path) -> None:
    code = "import sys; from pathlib import Path; from common import embedded\n"
    code += "var = Path(sys.argv[1])\n"
    code += "with embedded.running(var):\n"
    code += "    print((var / 'postgresql/postmaster.pid').read_text().split()[0], flush=True); sys.stdin.read()"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(var)],
            cwd=BASE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [process.stdout.readline().strip() for process in both if process.stdout is not None]
    for process in both:  # neither let go before the other had it
        process.communicate(timeout=100)
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1] != ""


def test_a_start_beside_a_supervisor_that_is_just_ending_starts_its_own(var: Path) -> None:
    run = var / "run"
    run.mkdir(parents=True, exist_ok=True)
    ending = [processes.lock(run / f"{name}.supervisor") for name in embedded.BOTH]
    ends = threading.Timer(0.7, lambda: [file.close() for file in ending if file])
    ends.start()
    with embedded.running(var) as services:
        assert ask(services) == (42, True)
    ends.join()


def test_one_who_looks_whether_a_lock_is_held_does_not_hold_it(tmp_path: Path) -> None:
    with processes.lock(tmp_path / "lock", shared=True) or pytest.fail("free"):  # what a look does for its moment
        assert not processes.is_locked(tmp_path / "lock")
    with processes.lock(tmp_path / "lock") or pytest.fail("free"):
        assert processes.is_locked(tmp_path / "lock")


def test_a_path_too_long_for_a_socket_gets_a_short_folder_for_its_sockets(tmp_path: Path) -> None:
    var = tmp_path / ("deep" * 20) / ("deeper" * 20)
    sockets = embedded.socket_dir(var)
    assert len(str(sockets / "pg" / ".s.PGSQL.5432")) <= embedded.LONGEST_SOCKET_PATH
    with embedded.running(var, [embedded.VALKEY]) as services:
        assert redis.from_url(services.redis_url).ping()
        assert (sockets / "valkey.sock").exists()


def test_data_of_another_major_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "postgresql").mkdir()
    (tmp_path / "postgresql" / "PG_VERSION").write_text("17\n")
    with pytest.raises(embedded.ServiceError, match=r"is of PostgreSQL 17 and this is 18: back up"):
        embedded.hold(tmp_path, [embedded.POSTGRESQL])


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(embedded.ServiceError, match=r"var folder '/dev/null/var' cannot be written: Not a directory"):
        embedded.hold(Path("/dev/null/var"))


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (embedded.socket_dir(tmp_path) / "valkey.sock" / "in the way").mkdir(parents=True)
    with pytest.raises(embedded.ServiceError, match=r"Valkey could not be started: .*Unix socket: bind"):
        embedded.hold(tmp_path, [embedded.VALKEY])


def test_valkey_writes_no_file_and_minds_none_that_a_power_failure_cut_off(tmp_path: Path) -> None:
    log = tmp_path / "valkey" / "appendonlydir" / "appendonly.aof.1.incr.aof"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"*2\r\n$6\r\nSELECT\r\n" + bytes(4096))
    with embedded.running(tmp_path, [embedded.VALKEY]) as services, redis.from_url(services.redis_url) as client:
        client.set("word", "kept in memory")
    assert not list(tmp_path.rglob("*.aof")) + list(tmp_path.rglob("*.rdb"))


def test_discovering_opens_nothing(tmp_path: Path) -> None:
    services = embedded.discover(tmp_path / "absent")
    assert services.database_url.startswith("postgresql://postgres@/duologue?host=")
    assert not (tmp_path / "absent").exists()
