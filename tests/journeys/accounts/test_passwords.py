"""Getting in by password: lock-out, reset, invitation, other sessions."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect

from accounts.models import AuditEntry, User
from labeling import invitations
from labeling.models import Membership, Project
from tests import makers
from tests.journeys.accounts.conftest import Entrance, sign_in, signed_in

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_a_password_opens_the_door_and_five_wrong_ones_lock_it(page: Page, nina: User) -> None:
    for _ in range(5):
        sign_in(page, password="wrong")
        expect(page.locator("main")).to_contain_text("not correct")
    sign_in(page)
    expect(page.locator("main")).to_contain_text("Too many wrong tries")
    assert AuditEntry.objects.filter(action="sign_in.failed").count() == 5
    cache.clear()  # five minutes later
    sign_in(page)
    signed_in(page)


def test_a_forgotten_password_is_replaced_through_the_mail(page: Page, nina: User, entrance: Entrance) -> None:
    page.goto("/accounts/password/reset/")
    page.fill("input[name=email]", "nina@example.org")
    page.locator("main form button").first.click()
    page.wait_for_url("**/password/reset/done/")
    page.goto(entrance.last_link())
    page.fill("input[name=password1]", "a quite different phrase")
    page.fill("input[name=password2]", "a quite different phrase")
    page.locator("main form button").first.click()
    page.wait_for_url("**/password/reset/key/done/")
    sign_in(page, password="a quite different phrase")
    signed_in(page)


def test_an_invitation_makes_an_account_and_a_member(page: Page, nina: User) -> None:
    project = Project.objects.get()
    _, token = invitations.invite(project=project, role="reviewer", by=nina)
    page.goto(f"/invitations/{token}/")
    page.get_by_role("button", name="Open an account").click()
    page.wait_for_url("**/accounts/signup/")
    page.fill("input[name=username]", "newcomer")
    page.fill("input[name=password1]", makers.PASSWORD)
    page.fill("input[name=password2]", makers.PASSWORD)
    page.locator("main form button[type=submit], main form button").first.click()
    signed_in(page)
    assert Membership.objects.get(user__username="newcomer").role == "reviewer"


def test_what_was_typed_outlives_a_change_of_language_but_a_password_does_not(page: Page, nina: User) -> None:
    project = Project.objects.get()
    _, token = invitations.invite(project=project, role="trainer", by=nina)
    page.goto(f"/invitations/{token}/")
    page.get_by_role("button", name="Open an account").click()
    page.fill("input[name=username]", "newcomer")
    page.fill("input[name=email]", "newcomer@example.org")
    page.fill("input[name=password1]", makers.PASSWORD)
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("input[name=username]")).to_have_value("newcomer")
    expect(page.locator("input[name=email]")).to_have_value("newcomer@example.org")
    expect(page.locator("input[name=password1]")).to_have_value("")
    assert page.evaluate("JSON.stringify({ ...sessionStorage, ...localStorage })") == "{}"
    page.reload()
    expect(page.locator("input[name=username]")).to_have_value("")
    page.fill("input[name=username]", "newcomer")
    page.goto("/accounts/login/")
    expect(page.locator("input[name=login]")).to_have_value("")


def test_other_sessions_are_listed_and_ended(page: Page, nina: User, browser: Browser, entrance: Entrance) -> None:
    elsewhere = browser.new_context(base_url=entrance.url).new_page()
    sign_in(elsewhere)
    signed_in(elsewhere)
    sign_in(page)
    signed_in(page)
    page.goto("/accounts/sessions/")
    expect(page.locator("main .list li")).to_have_count(2)
    page.locator("main form button").first.click()
    expect(page.locator("main .list li")).to_have_count(1)
    elsewhere.goto("/history/")
    assert "/accounts/login/" in elsewhere.url
    elsewhere.context.close()
