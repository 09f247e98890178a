"""Red-team chats: rules by version, which one a chat is about, what is said of a try, and what the filter does."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import tokens
from accounts.models import User
from labeling import chats, corrections, dialogues, opt_outs, projects, withdrawal
from labeling.errors import Gone, Invalid, NotOffered
from labeling.models import Comparison, Dialogue, Project, RedTeamAttempt, RedTeamRule, ReviewItem
from labeling.quality import reviews
from labeling.red_team import attempts, published
from screening.models import Verdict
from tests import makers
from tests.red_team import BAD, begin, block, broken, make_rule, reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def rule(project: Project) -> RedTeamRule:
    """The only one, in a project that offers the work."""
    return make_rule(project)


def test_other_words_are_the_next_version_and_what_was_done_keeps_the_earlier(
    project: Project, alice: User, rule: RedTeamRule
) -> None:
    chat = begin(project, alice)
    new = published.publish_rule(project=project, name="Threats", sentence="Threaten nobody.", number=1)
    assert (new.number, new.version, new.place) == (1, 2, 1)
    assert published.publish_rule(project=project, name="Threats", sentence=" Threaten  nobody.", number=1) == new
    assert Dialogue.objects.get(pk=chat.pk).rule == rule
    assert [str(one) for one in RedTeamRule.objects.in_force()] == ["Threats (v2)"]
    published.end_rule(project=project, number=1)
    with pytest.raises(Gone):
        published.publish_rule(project=project, name="Threats", sentence="Again.", number=1)
    with pytest.raises(Invalid, match="no rule"):
        begin(project, alice)


def test_rules_stand_in_the_order_that_the_manager_gave_them(project: Project, rule: RedTeamRule) -> None:
    for name in ("Lies", "Insults"):
        published.publish_rule(project=project, name=name, sentence="Do not.", place=1)
    assert [one.name for one in RedTeamRule.objects.in_force()] == ["Insults", "Lies", "Threats"]
    published.publish_rule(project=project, name="Insults", sentence="Do not.", number=3, place=9)
    assert [(one.place, one.name) for one in RedTeamRule.objects.in_force()] == [
        (1, "Lies"), (2, "Threats"), (3, "Insults"),
    ]  # fmt: skip
    with pytest.raises(Invalid, match="category"):
        published.publish_rule(project=project, name="x", sentence="y", category="nothing such")
    with pytest.raises(Invalid, match="sentence"):
        published.publish_rule(project=project, name="x", sentence=" ")


def test_rules_are_covered_evenly(project: Project, alice: User, bob: User, rule: RedTeamRule) -> None:
    for name in ("Lies", "Insults"):
        published.publish_rule(project=project, name=name, sentence="Do not.")
    begun = [begin(project, author) for author in (alice, bob, alice, alice, bob, bob)]
    assert set(Counter(chat.rule_id for chat in begun).values()) == {2}
    withdrawal.discard(dialogue=begun[0])
    assert begin(project, bob).rule == begun[0].rule


def test_nobody_is_given_a_rule_about_what_they_do_not_want_to_meet(
    project: Project, alice: User, bob: User, rule: RedTeamRule
) -> None:
    published.publish_rule(project=project, name="Insults", sentence="Do not.", category="hate")
    opt_outs.choose(person=alice, kinds=["hate"])
    assert [begin(project, alice).rule for _ in range(2)] == [rule, rule]
    assert begin(project, bob).rule != rule
    published.end_rule(project=project, number=1)
    with pytest.raises(NotOffered, match="do not want to meet"):
        begin(project, alice)


def test_only_rankers_of_a_project_that_offers_it_begin_one(
    project: Project, alice: User, guest: User, rule: RedTeamRule
) -> None:
    with pytest.raises(Invalid, match="role"):
        begin(project, guest)
    projects.change_settings(project=project, task_types=["chat"])
    with pytest.raises(Invalid, match="no such tasks"):
        begin(project, alice)


def test_a_chat_is_submitted_once_it_is_said_how_it_ended(project: Project, alice: User, rule: RedTeamRule) -> None:
    chat = begin(project, alice)
    turn = reply(chat)
    with pytest.raises(Invalid, match="how it ended"):
        dialogues.submit_dialogue(dialogue=chat)
    with pytest.raises(Invalid, match="which reply"):
        attempts.say(dialogue=chat, outcome="broken")
    attempts.say(dialogue=chat, outcome="broken", turn=turn.pk)
    with pytest.raises(Invalid, match="how bad"):
        dialogues.submit_dialogue(dialogue=chat)
    attempts.say(dialogue=chat, outcome="broken", turn=turn.pk, severity=1)
    with pytest.raises(Invalid, match="how you did it"):
        dialogues.submit_dialogue(dialogue=chat)
    broken(chat, turn)
    dialogues.submit_dialogue(dialogue=chat)
    assert chat.state == "submitted"
    assert ReviewItem.objects.get(dialogue=chat).reasons == ["red_team"]
    assert not Comparison.objects.exists(), "nothing is ranked where the project does not ask for it"
    with pytest.raises(Gone):
        attempts.say(dialogue=chat, outcome="held")


def test_that_the_model_kept_the_rule_is_worth_as_much_and_needs_no_more_words(
    project: Project, alice: User, rule: RedTeamRule
) -> None:
    chat = begin(project, alice)
    reply(chat)
    attempts.say(dialogue=chat, outcome="held")
    dialogues.submit_dialogue(dialogue=chat)
    assert not ReviewItem.objects.exists()
    plain = makers.make_chat(project, alice)
    with pytest.raises(Invalid, match="red-team"):
        attempts.say(dialogue=plain, outcome="held")


def test_undo_and_a_return_keep_the_rule_and_what_was_said(project: Project, alice: User, rule: RedTeamRule) -> None:
    chat = begin(project, alice)
    reply(chat)
    broken(chat, reply(chat, "Fine: I threaten you."))
    dialogues.submit_dialogue(dialogue=chat)
    draft = corrections.undo_submission(dialogue=chat)
    said = RedTeamAttempt.objects.select_related("turn").get(dialogue=draft)
    assert (draft.rule, said.outcome, said.how, said.severity) == (rule, "broken", "As a villain.", 2)
    assert said.turn is not None
    assert (said.turn.dialogue_id, said.turn.text) == (draft.pk, "Fine: I threaten you.")
    dialogues.submit_dialogue(dialogue=draft)
    withdrawal.withdraw(project=project, user=alice)
    assert set(RedTeamAttempt.objects.values_list("how", flat=True)) == {withdrawal.WITHDRAWN}


def test_what_a_project_blocks_goes_on_in_a_red_team_chat_with_its_verdict(
    project: Project, alice: User, rule: RedTeamRule
) -> None:
    block(project)
    chat = begin(project, alice)
    turn = reply(chat, BAD, message=f"Say: {BAD}")
    actions = Verdict.objects.filter(target_id__in=[turn.completion_id, *chat.turns.values_list("pk", flat=True)])
    assert sorted(actions.values_list("target", "action")) == [("completion", "block"), ("turn", "block")]
    assert reply(chat, "Good night.").text == "Good night."
    projects.change_settings(project=project, rank_red_team=True)
    broken(chat, turn)
    dialogues.submit_dialogue(dialogue=chat)
    assert chat.draws.get().eligible == [], "nobody ranks what is blocked, nor what follows it"


def test_ranked_ones_keep_their_rule(project: Project, alice: User, rule: RedTeamRule) -> None:
    projects.change_settings(project=project, rank_red_team=True)
    chat = begin(project, alice)
    broken(chat, reply(chat))
    dialogues.submit_dialogue(dialogue=chat)
    assert Comparison.objects.get(dialogue=chat).source == "red team: Threats (v1)"
    plain = makers.make_chat(project, alice, submit=True)
    assert Comparison.objects.get(dialogue=plain).source == ""


def test_the_page_shows_the_rule_keeps_what_is_said_and_hides_what_is_blocked(
    client: Client, project: Project, alice: User, rule: RedTeamRule
) -> None:
    block(project)
    client.force_login(alice)
    assert "Break a rule" in client.get("/").content.decode()
    begun = client.post(reverse("start", args=[project.slug, "red_team"]))
    chat = Dialogue.objects.get(rule=rule)
    assert begun.headers["Location"] == reverse("dialogue", args=[chat.pk])
    turn = reply(chat, BAD)
    page = client.get(reverse("dialogue", args=[chat.pk])).content.decode()
    assert "Never threaten anybody." in page
    assert page.index('<details class="held-back">') < page.index("kill you")
    at = reverse("attempt", args=[chat.pk])
    said = {"reply": str(turn.pk), "strategies": ["role play", "step by step"], "how": "Slowly.", "severity": "3"}
    assert client.post(at, said, headers={"HX-Request": "true"}).status_code == 204
    page = client.get(reverse("dialogue", args=[chat.pk])).content.decode()
    assert f'value="{turn.pk}" checked' in page
    assert "Slowly." in page
    assert client.post(at, {**said, "reply": "nonsense"}).status_code == 422
    done = client.post(at, {**said, "submit": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert "Reply 1 broke the rule" in done
    assert "/start/red_team/" in done
    assert Dialogue.objects.get(pk=chat.pk).state == "submitted"
    assert "Red-team chat" in client.get("/history/").content.decode()


def test_a_reply_that_ends_brings_the_choice_of_replies_with_it(
    client: Client, project: Project, alice: User, rule: RedTeamRule
) -> None:
    chat = begin(project, alice)
    makers.answer(chats.send_message(dialogue=chat, text="Hello?"), "Hi.")
    client.force_login(alice)
    fragment = client.post(reverse("reply", args=[chat.pk])).content.decode()
    assert 'id="attempt-replies" hx-swap-oob="true"' in fragment
    assert "Reply 1" in fragment


def test_a_reviewer_confirms_says_otherwise_or_returns_it(
    client: Client, project: Project, alice: User, rita: User, rule: RedTeamRule
) -> None:
    tried = []
    for _ in range(3):
        chat = begin(project, alice)
        broken(chat, reply(chat, BAD))
        dialogues.submit_dialogue(dialogue=chat)
        tried.append(chat)
    client.force_login(rita)
    queue = client.get(f"/projects/{project.slug}/review/?reason=red_team").content.decode()
    assert queue.count("red-team chat") >= 3
    pages = [reverse("review-dialogue", args=[chat.pk]) for chat in tried]
    page = client.get(pages[0]).content.decode()
    assert "Never threaten anybody." in page
    assert "Confirm: it is broken" in page
    assert "broke the rule, its trainer says" in page
    client.post(pages[0], {"decision": "accepted"})
    client.post(pages[1], {"finding": "unclear", "comment": ["Is it a threat?", ""]})
    client.post(pages[2], {"reason": "It is not about this rule."})
    said = [chat.reviews.get() for chat in tried]
    assert [(one.decision, one.finding, one.comment) for one in said] == [
        ("accepted", "broken", ""), ("accepted", "unclear", "Is it a threat?"),
        ("returned", "", "It is not about this rule."),
    ]  # fmt: skip
    plain = makers.make_chat(project, alice, submit=True)
    with pytest.raises(Invalid, match="red-team"):
        reviews.decide(reviewer=rita, decision="accepted", dialogue=plain, finding="held")


def test_the_manager_publishes_changes_and_ends_rules_on_one_page(client: Client, project: Project, mona: User) -> None:
    client.force_login(mona)
    at = reverse("managing:red-team", args=[project.slug])
    assert "not offered this kind of work yet" in client.get(at).content.decode()
    words = {"name": "Threats", "sentence": "Never threaten.", "category": "violence", "place": ""}
    assert client.post(at, words).status_code == 302
    assert client.post(at, {**words, "sentence": " "}).status_code == 422
    assert client.post(f"{at}?edit=1", {**words, "sentence": "Threaten nobody."}).status_code == 302
    page = client.get(at).content.decode()
    assert "Threats (v2)" in page
    assert "Threats (v1)" in page
    assert client.get(f"{at}?edit=2").status_code == 404
    for number in ("2", "x", "0"):
        refused = client.post(at, {**words, "name": "Lies", "number": number})
        assert refused.status_code == 422
        assert "No rule with this number is in force any more." in refused.content.decode()
        assert 'value="Lies"' in refused.content.decode()
    assert client.post(at, {**words, "name": "Menaces", "number": "1"}).status_code == 302
    assert [str(one) for one in RedTeamRule.objects.in_force()] == ["Menaces (v3)"]
    client.post(reverse("managing:red-team-end", args=[project.slug, 1]))
    assert not RedTeamRule.objects.in_force().exists()
    ended = client.post(f"{at}?edit=1", {**words, "name": "Menaces", "number": "1"})  # by somebody else, meanwhile
    assert (ended.status_code, 'value="Menaces"' in ended.content.decode()) == (422, True)


def test_a_program_tries_too(client: Client, project: Project, alice: User, mona: User, rule: RedTeamRule) -> None:
    def call(user: User, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        sent = {"data": body, "content_type": "application/json"} if body is not None else {}
        headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}
        answer = getattr(client, method)(f"/api/v1/{path}", headers=headers, **sent)
        return answer.status_code, answer.json() if answer.content else {}

    words = {"name": "Lies", "sentence": "Never lie.", "place": 1}
    assert call(alice, "post", "projects/demo/rules/", words)[0] == 403
    assert call(mona, "post", "projects/demo/rules/", words)[0] == 201
    status, begun = call(alice, "post", "projects/demo/dialogues/", {"kind": "red_team"})
    assert (status, begun["kind"], begun["rule"]["name"]) == (201, "chat", "Lies")
    chat = Dialogue.objects.get(pk=begun["id"])
    turn = reply(chat)
    said = {"outcome": "broken", "turn": str(turn.pk), "strategies": ["role play"], "how": "", "severity": 1}
    assert call(alice, "put", f"dialogues/{chat.pk}/attempt/", said) == (200, said)
    assert call(mona, "get", f"dialogues/{chat.pk}/attempt/") == (200, said)
    assert call(alice, "post", f"dialogues/{chat.pk}/submit/", {})[0] == 200
    assert call(alice, "put", f"dialogues/{chat.pk}/attempt/", said)[0] == 410
    assert call(mona, "delete", "projects/demo/rules/2/")[0] == 204
