"""A problem with a reply, as whoever chats reports it: where it is kept, who reads it, changed and taken back."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from insights import round_facts
from labeling import dialogues, feedback, withdrawal
from labeling.errors import Gone
from labeling.feedback import Problem
from labeling.models import Dialogue, Project, Turn, TurnFeedback
from moderation import marks, problems, queue, texts
from moderation.models import VerdictFeedback
from sampler.models import Completion
from tests import makers
from tests.api.conftest import client_of
from tests.exports.makers import export, rows

pytestmark = pytest.mark.django_db
BAD = "I will kill you tomorrow."


@pytest.fixture
def chat(project: Project, guest: User) -> Dialogue:
    return makers.make_chat(project, guest, turns=1)


@pytest.fixture
def reply(chat: Dialogue) -> Turn:
    return chat.turns.select_related("dialogue__project").get(role="assistant")


@pytest.mark.parametrize(
    ("problem", "thumb", "mark"),
    [("harmful", False, True), ("risk", False, True), ("filter", None, True), ("false", False, None),
     ("other", False, None)],
)  # fmt: skip
def test_each_problem_is_kept_where_it_belongs(
    reply: Turn, guest: User, project: Project, problem: str, thumb: bool | None, mark: bool | None
) -> None:
    problems.report(turn=reply, user=guest, problem=problem, harm="hate", comment="So.", ideal_answer="Better.")
    given = TurnFeedback.objects.get()
    assert (given.thumb_up, feedback.problem_of(given), given.ideal_answer) == (thumb, problem, "Better.")
    waiting = list(queue.undecided(project))
    assert [(one.harmful, one.category, one.comment) for one in waiting] == ([(mark, "hate", "So.")] if mark else [])


def test_that_the_filter_was_wrong_says_of_a_flagged_reply_that_it_is_harmless(project: Project, guest: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=guest, kind="chat")
    reply = dialogue.turns.create(position=0, role="assistant", text=BAD, completion=_completion(project, guest))
    problems.report(turn=reply, user=guest, problem="filter", harm="hate")
    assert [(one.harmful, one.category) for one in queue.undecided(project)] == [(False, "")]


def _completion(project: Project, guest: User) -> Completion:
    completion = makers.make_chat(project, guest, turns=1).turns.get(role="assistant").completion
    assert completion is not None
    Completion.objects.filter(pk=completion.pk).update(text=BAD)
    return completion


def test_what_is_false_counts_among_the_made_up_answers_of_insights(project: Project, reply: Turn, guest: User) -> None:
    problems.report(turn=reply, user=guest, problem="false")
    (row,) = round_facts.thumbed(project)
    assert (row.up, row.reasons) == (False, ["not true"])
    problems.take_back(turn=reply, user=guest)
    assert round_facts.thumbed(project) == []


def test_a_report_is_changed_and_taken_back_by_its_writer(project: Project, reply: Turn, guest: User) -> None:
    problems.report(turn=reply, user=guest, problem="harmful", harm="hate")
    problems.report(turn=reply, user=guest, problem="false", comment="No such king.")
    given = TurnFeedback.objects.get()
    assert (given.reasons, given.comment) == (["not true"], "No such king.")
    assert not queue.undecided(project).exists()  # the mark of the first went with it
    assert VerdictFeedback.objects.get().earlier[0]["category"] == "hate"
    problems.report(turn=reply, user=guest, problem="risk")
    assert queue.undecided(project).count() == 1
    problems.take_back(turn=reply, user=guest)
    given = TurnFeedback.objects.get()
    assert (given.thumb_up, given.reasons, given.comment) == (None, [], "")
    assert [one["thumb_up"] for one in given.earlier] == [False]
    assert not queue.undecided(project).exists()
    assert not feedback.of_project(project).exists()


def test_a_word_of_its_own_on_the_filter_stays_when_a_report_of_something_else_goes(
    project: Project, reply: Turn, guest: User
) -> None:
    verdict = marks.verdict_on(project.pk, texts.of_turn(reply))
    marks.mark(verdict=verdict, user=guest, harmful=True, category="hate")
    problems.report(turn=reply, user=guest, problem="other")
    problems.take_back(turn=reply, user=guest)
    assert queue.undecided(project).count() == 1


def test_a_thumb_given_later_keeps_the_report(reply: Turn, guest: User) -> None:
    problems.report(turn=reply, user=guest, problem="filter", comment="Why?")
    feedback.give_feedback(turn=reply, user=guest, thumb_up=True, reasons=["helpful"], comment="Why?")
    given = TurnFeedback.objects.get()
    assert (given.thumb_up, feedback.problem_of(given)) == (True, Problem.FILTER)


def test_nothing_is_said_of_a_withdrawn_chat(chat: Dialogue, reply: Turn, guest: User) -> None:
    withdrawal.withdraw_chat(dialogue=chat, by=guest)
    with pytest.raises(Gone):
        problems.report(turn=reply, user=guest, problem="false")
    with pytest.raises(Gone):
        feedback.give_feedback(turn=reply, user=guest, thumb_up=True)


def test_the_form_comes_on_demand_holds_what_was_said_and_works_without_scripts(
    client: Client, chat: Dialogue, reply: Turn, guest: User
) -> None:
    client.force_login(guest)
    address = f"/dialogues/{chat.pk}/turns/{reply.pk}/report/"
    page = client.get(f"/dialogues/{chat.pk}/").content.decode()
    assert f'href="{address}"' in page
    assert 'name="ideal_answer"' not in page
    assert "Report a reply" in client.get(address).content.decode()
    assert client.post(address, {"problem": "nothing"}).status_code == 422
    said = {"problem": "harmful", "harm": "hate", "comment": "So.", "ideal_answer": "No."}
    assert client.post(address, said)["Location"] == f"/dialogues/{chat.pk}/"
    form = client.get(address, HTTP_HX_REQUEST="true").content.decode()
    for kept in ('value="harmful" required checked', '<option value="hate" selected>', ">So.<", ">No.<", "take_back"):
        assert kept in form
    assert "Reported: Harmful in real use" in client.get(f"/dialogues/{chat.pk}/").content.decode()
    answer = client.post(address, {"take_back": "1"}, HTTP_HX_REQUEST="true").content.decode()
    assert "Taken back." in answer
    user_turn = chat.turns.get(role="user")
    assert client.get(f"/dialogues/{chat.pk}/turns/{user_turn.pk}/report/").status_code == 404


def test_a_submitted_chat_takes_feedback_too(client: Client, chat: Dialogue, reply: Turn, guest: User) -> None:
    dialogues.submit_dialogue(dialogue=chat)
    client.force_login(guest)
    assert f"/turns/{reply.pk}/report/" in client.get(f"/dialogues/{chat.pk}/").content.decode()
    assert client.post(f"/dialogues/{chat.pk}/turns/{reply.pk}/report/", {"problem": "false"}).status_code == 302


def test_managers_read_feedback_in_a_list_with_filters_as_csv_and_over_the_api(
    client: Client, project: Project, reply: Turn, guest: User, alice: User, mona: User
) -> None:
    problems.report(turn=reply, user=guest, problem="false", comment="=no king", ideal_answer="A queen.")
    other = makers.make_chat(project, alice, turns=1).turns.get(role="assistant")
    feedback.give_feedback(turn=other, user=alice, thumb_up=True, comment="Well said.")
    client.force_login(mona)
    address = f"/manage/projects/{project.slug}/feedback/"
    whole, false = (client.get(address + query).content.decode() for query in ("", "?problem=false&thumb=down"))
    assert all(words in whole for words in ("False or made up", "A queen.", "Well said."))
    assert "A queen." in false
    assert "Well said." not in false
    (row,) = csv.DictReader(io.StringIO(client.get(f"{address}feedback.csv?problem=false").content.decode()))
    assert (row["problem"], row["thumb"], row["comment"]) == ("false", "down", "'=no king")
    api = client_of(mona)
    base = f"/api/v1/projects/{project.slug}/feedback/"
    assert len(api.get(base).data["results"]) == 2
    (one,) = api.get(f"{base}?problem=false").data["results"]
    assert (one["ideal_answer"], one["thumb_up"], one["user"]) == ("A queen.", False, "gus")


def test_a_program_reports_changes_and_takes_back(reply: Turn, guest: User) -> None:
    client, address = client_of(guest), f"/api/v1/turns/{reply.pk}/report/"
    said = client.put(address, {"problem": "false", "comment": "No."}, format="json")
    assert said.data == {"problem": "false", "thumb_up": False, "comment": "No.", "ideal_answer": ""}
    assert client.put(address, {"problem": "ugly"}, format="json").status_code == 400
    assert client.delete(address).status_code == 204
    assert TurnFeedback.objects.get().thumb_up is None


def test_exports_hold_what_stood_and_a_delta_takes_back_what_was_taken_back(
    project: Project, guest: User, tmp_path: Path
) -> None:
    chat = makers.make_chat(project, guest, turns=1, submit=True)
    reply = chat.turns.select_related("dialogue__project").get(role="assistant")
    problems.report(turn=reply, user=guest, problem="harmful", harm="hate", comment="So.")
    first = export(project, tmp_path / "first", "--config", "ratings,moderation,raw")
    (rating,) = rows(tmp_path / "first", "ratings")
    assert rating["label"] is False
    (marked,) = [row for row in rows(tmp_path / "first", "moderation") if row["marks"]]
    assert marked["marks"][0]["comment"] == "So."  # type: ignore[index]
    problems.take_back(turn=reply, user=guest)
    since = ("--since", first["cutoff"], "--config", "ratings,moderation")
    export(project, tmp_path / "delta", *since)
    gone = (tmp_path / "delta" / "tombstones.jsonl").read_text()
    assert rating["id"] in gone
    export(project, tmp_path / "second", "--config", "ratings,moderation,raw")
    assert rows(tmp_path / "second", "ratings") == []
    assert not [row for row in rows(tmp_path / "second", "moderation") if row["marks"]]
    again = ("--cutoff", first["cutoff"], "--config", "ratings,moderation")
    export(project, tmp_path / "again", *again)
    assert rows(tmp_path / "again", "ratings") == [rating]
