"""Values of the environment that cannot be used, each refused with a sentence that names its variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from common import environment


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DUOLOGUE_LOG_LEVEL", "LOUD", "DUOLOGUE_LOG_LEVEL is 'LOUD': it takes debug, info, warning"),
        ("DUOLOGUE_LOG_FORMAT", "xml", "DUOLOGUE_LOG_FORMAT is 'XML': it takes text, json"),
        ("EMAIL_URL", "consolemail://", "EMAIL_URL .* only with DUOLOGUE_DEBUG=1"),
        ("DUOLOGUE_URL", "https://example.org/a?b=c", "DUOLOGUE_URL is .*with a path if you like"),
        ("DUOLOGUE_URL", "https://example.org/a b/", "DUOLOGUE_URL is .*with a path if you like"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    name: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUOLOGUE_VAR", str(tmp_path))
    monkeypatch.setenv(name, value)
    with pytest.raises(environment.SettingError, match=said):
        environment.read(tmp_path)


def test_a_public_address_may_have_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_VAR", str(tmp_path))
    monkeypatch.setenv("DUOLOGUE_URL", "https://example.org:8443/label/")
    read = environment.read(tmp_path)
    assert read.public_path == "/label"
    assert read.csrf_trusted_origins == ["https://example.org:8443"]
    assert "example.org" in read.allowed_hosts
