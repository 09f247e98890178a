"""Signing in tells nobody which accounts there are, and failures count for the account, however it is named."""

from __future__ import annotations

import statistics
import time

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry, User

pytestmark = pytest.mark.django_db
GOOD = "Right-horse-1!"
KNOWN = ("ada", "ada@example.org", "gone@example.org", "nobodys@example.org", "shared@example.org")
UNKNOWN = ("who", "who@example.org")


@pytest.fixture(autouse=True)
def people() -> None:
    cache.clear()
    User.objects.create_user("ada", email="ada@example.org", password=GOOD)
    User.objects.create_user("gone", email="gone@example.org", password=GOOD, is_active=False)
    User.objects.create_user("nobodys", email="nobodys@example.org")
    for name in ("one", "two"):
        User.objects.create_user(name, email="shared@example.org", password=GOOD + name)


def sign_in(login: str, password: str, address: str = "203.0.113.5") -> int:
    """The status: 302 is in."""
    sent = {"login": login, "password": password}
    return Client().post("/accounts/login/", sent, REMOTE_ADDR=address).status_code


def test_a_wrong_password_costs_the_same_whoever_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    cost = {}
    for login in (*KNOWN, *UNKNOWN):
        hashed.clear()
        sign_in(login, "wrong")
        cost[login] = len(hashed)
    assert set(cost.values()) == {2}, cost


@pytest.mark.slow
@pytest.mark.alone
def test_the_time_of_a_wrong_password_tells_no_known_address(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    ada = User.objects.get(username="ada")
    ada.set_password(GOOD)
    ada.save()
    took: dict[str, list[float]] = {"ada@example.org": [], "who@example.org": []}
    for _ in range(9):
        for login, times in took.items():
            cache.clear()
            began = time.perf_counter()
            sign_in(login, "wrong")
            times.append(time.perf_counter() - began)
    known, unknown = (statistics.median(times) for times in took.values())
    assert abs(known - unknown) < 0.15 * unknown, took


@pytest.mark.parametrize(("login", "password"), [
    ("ada", GOOD), ("ADA", GOOD), ("ada@example.org", GOOD), ("shared@example.org", GOOD + "one"),
    ("two", GOOD + "two"),
])  # fmt: skip
def test_the_right_password_signs_in_by_name_and_by_address(login: str, password: str) -> None:
    assert sign_in(login, password) == 302


@pytest.mark.parametrize(("guessed", "used"), [("ada", "ada@example.org"), ("ada@example.org", "Ada")])
def test_a_lock_out_is_of_the_account_and_not_of_the_name_that_was_typed(guessed: str, used: str) -> None:
    for number in range(5):
        sign_in(guessed, "wrong", f"203.0.113.{number}")
    assert sign_in(used, GOOD, "198.51.100.1") == 200
    assert sign_in("one", GOOD + "one", "198.51.100.1") == 302


def test_what_a_client_claims_to_be_its_address_changes_no_limit_and_no_log() -> None:
    def claims(login: str, password: str, number: int) -> int:
        sent = {"login": login, "password": password}
        claimed = {"X-Forwarded-For": f"198.51.100.{number}", "Forwarded": f"for=198.51.100.{number}"}
        return Client().post("/accounts/login/", sent, REMOTE_ADDR="203.0.113.5", headers=claimed).status_code

    for number in range(20):
        claims(f"who{number}", "wrong", number)
    assert claims("one", GOOD + "one", 99) == 200
    assert set(AuditEntry.objects.values_list("address", flat=True)) == {"203.0.113.5"}
    assert sign_in("one", GOOD + "one", "203.0.113.6") == 302


def test_failures_by_address_stand_at_the_account_in_the_audit_log() -> None:
    sign_in("ada@example.org", "wrong")
    entry = AuditEntry.objects.get(action="sign_in.failed")
    assert entry.object_id == str(User.objects.get(username="ada").pk)


@pytest.mark.parametrize(
    ("stood_on", "next_"),
    [
        ("http://testserver/history/?page=2", "/history/%3Fpage%3D2"),
        ("http://testserver//evil.example/", "/evil.example/"),
        ("https://evil.example/history/", "/"),
        (None, "/"),
    ],
)
def test_whoever_pressed_a_button_after_the_session_ended_is_led_back_to_its_page(
    stood_on: str | None, next_: str
) -> None:
    answer = Client().post("/projects/demo/rank/", headers={"referer": stood_on} if stood_on else {})
    assert answer["Location"] == f"/accounts/login/?next={next_}"
    assert Client().get("/history/?page=2")["Location"] == "/accounts/login/?next=/history/%3Fpage%3D2"


def test_an_address_that_only_buttons_send_to_shows_a_page_to_whoever_opens_it() -> None:
    client = Client()
    client.force_login(User.objects.get(username="ada"))
    for address in ("/projects/demo/rank/", "/language/", "/projects/demo/start/chat/"):
        opened = client.get(address)
        assert (opened.status_code, opened["Allow"]) == (405, "POST")
        assert "This cannot be opened again" in opened.content.decode()
        assert not client.get(address, headers={"x-requested-with": "fetch"}).content
    assert b"<html" not in client.put("/api/v1/opt-outs/1/").content
