"""Headers, cookies, secrets and limits, as an attacker and as `check --deploy` see them."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys

import pytest
from django.conf import settings as live
from django.test import Client
from pytest_django import Settings

from common import csv_safe

PRODUCTION = {
    "DUOLOGUE_URL": "https://label.example.org",
    "SECRET_KEY": "k3-Jq9_vT0xW7bYhZ2nLrP5sDfGmCaEuIoQwXyRtVzBnMkHjUi",
    "EMAIL_URL": "smtp+tls://user:secret@mail.example.org:587",
}


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SECRET_KEY", "DUOLOGUE_"))}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=live.BASE_DIR,
        env={**environment, **PRODUCTION, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_deploy_is_clean_with_the_production_settings() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, "no issues" in done.stdout + done.stderr) == (0, True), done.stderr


def test_an_https_address_turns_on_hsts_redirect_and_secure_cookies() -> None:
    names = ["SECURE_HSTS_SECONDS", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "DEBUG"]
    code = f"from django.conf import settings as s; print([getattr(s, n) for n in {names}])"
    assert manage("shell", "--no-imports", "-c", code).stdout.strip() == "[31536000, True, True, True, False]"


@pytest.mark.parametrize("key", ["short", "a" * 80, "django-insecure-" + "abcdefgh" * 10])
def test_a_weak_secret_key_stops_the_start_with_a_sentence(key: str) -> None:
    done = manage("check", SECRET_KEY=key)
    assert done.returncode != 0
    assert "SECRET_KEY is weak" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("DUOLOGUE_OIDC_ISSUER", "provider", "https://"),
        ("DUOLOGUE_OIDC_ISSUER", "https://id.example.org", "DUOLOGUE_OIDC_CLIENT_ID"),
        ("DUOLOGUE_API_RATE", "many", "1200/min"),
        ("DUOLOGUE_MAX_UPLOAD_MB", "0", "megabytes"),
        ("DUOLOGUE_WEB_THREADS", "0", "whole number"),
        ("DUOLOGUE_OIDC_ORIGINS", "https://a;script-src", "DUOLOGUE_OIDC_ORIGINS"),
    ],
)
def test_wrong_security_settings_stop_the_start_with_a_sentence(
    name: str, value: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from common import environment

    monkeypatch.setenv(name, value)
    with pytest.raises(environment.SettingError, match=word):
        environment.read(live.BASE_DIR)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/accounts/login/", "/nowhere/", "/api/v1/docs/"])
def test_pages_carry_a_policy_without_inline_code_or_other_hosts(client: Client, address: str) -> None:
    response = client.get(address)
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(
        policy.split("; ")
    )
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
def test_the_api_may_load_nothing_at_all(client: Client) -> None:
    assert client.get("/api/v1/projects/").headers["Content-Security-Policy"].startswith("default-src 'none'; frame-")


@pytest.mark.django_db
def test_unknown_api_addresses_are_problem_details(client: Client) -> None:
    for method in ("get", "post", "put", "delete"):
        response = getattr(client, method)("/api/v1/nowhere/")
        assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json")
        assert response.json()["detail"].startswith("There is no such address")


def test_a_decompression_bomb_is_stopped_early() -> None:
    from labeling.imports import Unreadable, reading

    bomb = io.BytesIO(gzip.compress((b'{"text": "' + b"a" * 1_000_000 + b'"}\n') * 150))  # 150 MB
    with pytest.raises(Unreadable, match="decompression bomb"):
        list(reading.records(bomb))
    harmless = gzip.compress(b'{"messages": []}\n' * 1000)
    assert len(list(reading.records(io.BytesIO(harmless)))) == 1000


@pytest.mark.parametrize(
    "text", ["=1+1", "+SUM(A1)", "-2+3", "@cmd", "\t=1", "\r=1", " =HYPERLINK(1)", "＝1", "\ufeff=1", "-", "=-1e5"]
)
def test_a_formula_in_a_cell_becomes_text(text: str) -> None:
    assert csv_safe.cell(text) == "'" + text


@pytest.mark.parametrize("value", ["plain", "", "-1.5", "+3", 7, -2.5, None, "a=b", "1-2"])
def test_everything_else_stays_as_it_is(value: str | float | None) -> None:
    assert csv_safe.cell(value) == value


def test_two_factor_secrets_are_encrypted_and_survive_a_rotated_key(settings: Settings) -> None:
    from accounts.mfa import Adapter

    kept = Adapter().encrypt("JBSWY3DPEHPK3PXP")
    assert "JBSWY3DPEHPK3PXP" not in kept
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "n" * 60
    assert Adapter().decrypt(kept) == "JBSWY3DPEHPK3PXP"
