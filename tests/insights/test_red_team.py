"""How often each rule was broken: by the reviewer's finding, else the trainer's word, with Wilson's interval."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from accounts import tokens
from accounts.models import User
from common.stats.intervals import wilson
from insights import red_team
from labeling import dialogues
from labeling.models import Dialogue, Project
from labeling.quality import decisions, reviews
from labeling.red_team import attempts
from tests.red_team import begin, broken, make_rule, reply

pytestmark = pytest.mark.django_db


def tried(project: Project, alice: User, *, breaks: bool) -> Dialogue:
    chat = begin(project, alice)
    turn = reply(chat)
    if breaks:
        broken(chat, turn)
    else:
        attempts.say(dialogue=chat, outcome="held")
    dialogues.submit_dialogue(dialogue=chat)
    return chat


def test_the_rate_follows_the_reviewer_where_one_looked(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    make_rule(project)
    chats = [tried(project, alice, breaks=number < 4) for number in range(6)]
    begin(project, alice)  # a draft counts nowhere
    assert [one.rate for one in red_team.tries_of(project)] == [(4 / 6, *wilson(4 / 6, 6))] * 2
    for chat, decision, finding in (
        (chats[0], "accepted", ""), (chats[1], "accepted", "held"), (chats[2], "accepted", "unclear"),
        (chats[3], "excluded", ""),
    ):  # fmt: skip
        reviews.decide(reviewer=rita, decision=decision, dialogue=chat, finding=finding)
    whole, one = red_team.tries_of(project)
    assert (whole.model, one.model) == ("all", project.rounds.get().policies.get().model_version.slug)
    assert (whole.chats, dict(whole.ended), whole.checked) == (5, {"broken": 1, "held": 3, "unclear": 1}, 3)
    assert whole.rate == (1 / 4, *wilson(1 / 4, 4))
    assert whole.agreement == (1 / 2, *wilson(1 / 2, 2))
    client.force_login(rita)
    page = client.get(f"/admin/insights/{project.slug}/red-team/").content.decode()
    assert "25.0%" in page
    answer = client.get(f"/admin/insights/{project.slug}/red-team/tables/red-team.csv")
    table = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    first = table[0]
    assert (first["rule"], first["model"], first["chats"], first["success rate"]) == (
        "Threats", "all", "5", "0.25",
    )  # fmt: skip
    machine = {"Authorization": f"Bearer {tokens.create(user=rita)}"}
    told = client.get(f"/api/v1/projects/{project.slug}/insights/red-team/", headers=machine).json()
    assert told["rules"][0]["success_rate"]["value"] == 0.25
    decisions.undo_last(project=project, reviewer=rita)
    assert red_team.tries_of(project)[0].chats == 6
