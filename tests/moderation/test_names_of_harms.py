"""Kinds of harm have a name in the language of the page, wherever a person reads them; machines have one word."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation import gettext, override

from accounts import tokens
from accounts.models import User
from labeling import projects
from labeling.models import Project
from labeling.red_team import published
from moderation import problems
from screening import categories
from screening.filters.base import FILTERS
from tests import makers, red_team

pytestmark = pytest.mark.django_db
BAD = "I will kill you tomorrow."
GERMAN = {"Accept-Language": "de"}


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES if code != "en"])
def test_every_kind_of_every_filter_has_one(language: str) -> None:
    names = {name for one in FILTERS.choices() for name in FILTERS.load(one).categories} | set(categories.EVERY)
    with override(language):
        missing = {name for name in names if gettext(name) == name}
    assert missing <= {categories.JAILBREAK}  # the same word in Spanish


@pytest.fixture
def rule(project: Project) -> None:
    number = red_team.make_rule(project).number
    published.publish_rule(project=project, name="Drohungen", sentence="Keine.", category="violence", number=number)


def test_a_blocked_message_says_why_in_the_language_of_the_page_and_of_programs(
    client: Client, project: Project, alice: User
) -> None:
    red_team.block(project)
    chat = makers.make_chat(project, alice)
    client.force_login(alice)
    told = client.post(f"/dialogues/{chat.pk}/send/", {"text": BAD}, headers=GERMAN).content.decode()
    assert "(Gewalt)" in told
    api = Client(headers={"Authorization": f"Bearer {tokens.create(user=alice)}"})
    address, sent = f"/api/v1/dialogues/{chat.pk}/turns/", {"text": BAD}
    answer = api.post(address, sent, content_type="application/json", headers=GERMAN)
    assert (answer.status_code, "(violence)" in answer.json()["detail"]) == (422, True)


def test_the_rule_of_a_red_team_chat_and_a_reply_that_is_held_back(
    client: Client, project: Project, alice: User, rita: User, rule: None
) -> None:
    red_team.block(project)
    chat = red_team.begin(project, alice)
    turn = red_team.reply(chat, BAD)
    client.force_login(alice)
    for who, address in ((alice, f"/dialogues/{chat.pk}/"), (rita, f"/review/dialogues/{chat.pk}/")):
        client.force_login(who)
        page = client.get(address, headers=GERMAN).content.decode()
        assert '<span class="tag">Gewalt</span>' in page
        assert page.count("Gewalt.") == 1
        assert ">violence<" not in page
    assert turn.completion is not None


def test_the_rules_of_the_manager_and_the_form_of_the_next(
    client: Client, project: Project, mona: User, rule: None
) -> None:
    client.force_login(mona)
    page = client.get("/manage/projects/demo/red-team/", headers=GERMAN).content.decode()
    assert '<span class="tag">Gewalt</span>' in page
    assert '<option value="violence">Gewalt</option>' in page


def test_the_forms_of_a_report_and_of_what_was_missed(client: Client, project: Project, alice: User) -> None:
    chat = makers.make_chat(project, alice)
    turn = chat.turns.get(role="assistant")
    client.force_login(alice)
    report = client.get(f"/dialogues/{chat.pk}/turns/{turn.pk}/report/", headers=GERMAN).content.decode()
    assert '<option value="violence">Gewalt</option>' in report
    panel = client.get(f"/content/dialogues/{chat.pk}/", headers=GERMAN).content.decode()
    assert 'value="violence" required> Gewalt</label>' in panel
    assert "Gewalt" in client.get("/opted-out/", headers=GERMAN).content.decode()
    assert problems.harm_named(turn, alice) == ""
    projects.change_settings(project=project, cover="")
