"""Debian's logrotate takes the file, rotates what is large, and leaves the file open to who writes it."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy import proxies

pytestmark = pytest.mark.slow
PACKAGES = {"logrotate": "usr/sbin/logrotate", "libpopt0": "usr/share/doc/libpopt0"}
BASE = Path(__file__).resolve().parents[2]


def test_logs_are_rotated_under_a_process_that_goes_on_writing(tmp_path: Path) -> None:
    root = proxies.unpacked(BASE / "var" / "test" / "logrotate", PACKAGES)
    libraries = {"LD_LIBRARY_PATH": str(next(root.glob("**/libpopt.so.0")).parent)}
    logs = tmp_path / "log"
    logs.mkdir(mode=0o700)
    user = getpass.getuser()
    text = (BASE / "deploy" / "logrotate.conf").read_text().replace("/var/lib/duologue/log", str(logs))
    config = tmp_path / "logrotate.conf"
    config.write_text(text.replace("duologue duologue", f"{user} {user}"))
    config.chmod(0o600)
    with (logs / "web.log").open("a") as log:
        for number in range(3):
            log.write(f"line {number}\n")
            log.flush()
            done = subprocess.run(
                [str(root / "usr/sbin/logrotate"), "--force", "--state", str(tmp_path / "state"), str(config)],
                capture_output=True, text=True, timeout=30,
                env={**os.environ, **libraries},
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        log.write("last\n")
    assert (logs / "web.log").read_text() == "last\n"
    assert (logs / "web.log.1").read_text() == "line 2\n"
    names = {path.name for path in logs.iterdir()}
    assert names == {"web.log", "web.log.1", "web.log.2.gz", "web.log.3.gz"}
