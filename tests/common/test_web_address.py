"""The address that a start leaves for commands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from common import processes, web_address
from operations.management.commands.selfcheck import default_url


@pytest.fixture
def var(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


def test_the_address_of_a_start_is_found_as_long_as_it_runs(var: Path) -> None:
    assert web_address.read(var) == ""
    web_address.write(var, "http://127.0.0.1:8123")
    assert web_address.read(var) == "", "what a killed start left is not an address"
    with processes.exclusive(var / "run" / web_address.START_LOCK):
        assert web_address.read(var) == "http://127.0.0.1:8123"
        web_address.clear(var)
        assert web_address.read(var) == ""


def test_selfcheck_asks_the_start_that_runs_unless_it_is_told_an_address(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DUOLOGUE_PORT", raising=False)
    assert default_url(var, public_url="") == "http://127.0.0.1:8000"
    web_address.write(var, "http://127.0.0.1:8123")
    with processes.exclusive(var / "run" / web_address.START_LOCK):
        assert default_url(var, public_url="") == "http://127.0.0.1:8123"
        assert default_url(var, public_url="https://label.example.org") == "https://label.example.org"
        monkeypatch.setitem(os.environ, "DUOLOGUE_PORT", "8200")
        assert default_url(var, public_url="") == "http://127.0.0.1:8200"
