"""What may be said beside an order: grades on criteria, marks on words, an ideal answer begun from a completion."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from accounts.models import User
from labeling import corrections, judgements, projects, rankings
from labeling.admin.form_fields import Criteria
from labeling.criteria import Criterion
from labeling.errors import Invalid
from labeling.models import Assignment, Dialogue, Project, Ranking, Turn
from labeling.spans import Span, check_spans
from labeling.text import content_hash
from sampler.models import Completion
from tests import makers
from tests.labeling.asking import SCRIPT, places

pytestmark = pytest.mark.django_db

ASKED: list[Criterion] = [{"name": "helpful", "steps": 5}, {"name": "honest & open", "steps": 2}]
MARK: Span = {"start": 0, "end": 6, "category": "not true", "comment": "It is not."}


@pytest.fixture
def task(project: Project, alice: User) -> Assignment:
    projects.change_settings(
        project=project, criteria=ASKED, span_categories=["not true", "rude"], ask_ideal_answer=True
    )
    return makers.make_lease(makers.make_comparison(project), alice)


@pytest.mark.parametrize(
    ("criteria", "why"),
    [
        ([{"name": "helpful", "steps": 1}], "2 to 7 steps"),
        ([{"name": "helpful", "steps": 8}], "2 to 7 steps"),
        ([{"name": "helpful", "steps": True}], "2 to 7 steps"),
        ([{"name": " ", "steps": 3}], "has a name"),
        ([{"name": "a", "steps": 3}, {"name": "A", "steps": 4}], "same name"),
        ([{"name": "a"}], "exactly"),
        ({"a": 3}, "At most"),
        ([{"name": f"c{n}", "steps": 3} for n in range(10)], "At most"),
    ],
)
def test_criteria_that_nobody_could_grade_are_refused(project: Project, criteria: object, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        projects.change_settings(project=project, criteria=criteria)


def test_a_manager_writes_criteria_one_a_line() -> None:
    field = Criteria(required=False)
    assert field.clean("helpful: 5\n\nhonest\na: b: 2") == [
        {"name": "helpful", "steps": 5}, {"name": "honest", "steps": 7}, {"name": "a: b", "steps": 2},
    ]  # fmt: skip
    assert field.prepare_value(ASKED) == "helpful: 5\nhonest & open: 2"


def test_all_of_it_is_stored_taken_back_and_sent_again(task: Assignment) -> None:
    first, second = task.order_shown[:2]
    said = judgements.Said(
        groups=[[cid] for cid in task.order_shown],
        criteria={second: {"honest & open": 2, "helpful": 4}},
        spans={first: [MARK, MARK]},
        ideal_answer="Better.",
        ideal_from=second,
    )
    ranking, _ = rankings.submit_ranking(assignment=task, **said)
    assert ranking.criteria == {second: {"helpful": 4, "honest & open": 2}}
    assert ranking.scales == ASKED
    assert ranking.spans == {first: [MARK]}
    assert rankings.submit_ranking(assignment=task, **said) == (ranking, False)
    answer = Turn.objects.get(dialogue=ranking.ideal_answer, role="assistant")
    assert (str(answer.completion_id), answer.text) == (second, "Better.")
    draft = corrections.undo_ranking(assignment=task).draft
    assert {name: draft[name] for name in ("criteria", "spans", "ideal_from")} == {
        "criteria": ranking.criteria,
        "spans": ranking.spans,
        "ideal_from": second,
    }


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"criteria": {"A": {"helpful": 6}}}, "from 1 to 5"),
        ({"criteria": {"A": {"helpful": 0}}}, "from 1 to 5"),
        ({"criteria": {"A": {"harmless": 1}}}, "not a criterion"),
        ({"criteria": {"other": {"helpful": 1}}}, "not a completion"),
        ({"spans": {"A": [MARK | {"end": 500}]}}, "at least one character"),
        ({"spans": {"A": [MARK | {"end": 0}]}}, "at least one character"),
        ({"spans": {"A": [MARK | {"start": -1}]}}, "at least one character"),
        ({"spans": {"A": [MARK | {"start": False}]}}, "at least one character"),
        ({"spans": {"A": [MARK | {"category": "dull"}]}}, "not a category"),
        ({"spans": {"A": [MARK | {"comment": "x" * 2001}]}}, "2,000 characters"),
        ({"spans": {"other": [MARK]}}, "not a completion"),
        ({"spans": {"A": [MARK] * 51}}, "At most 50"),
        ({"ideal_answer": "Better.", "ideal_from": "other"}, "not a completion"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(task: Assignment, said: dict[str, object], why: str) -> None:
    named = {
        name: {task.order_shown[0] if cid == "A" else cid: one for cid, one in value.items()}
        if isinstance(value, dict)
        else value
        for name, value in said.items()
    }
    with pytest.raises(Invalid, match=why):
        rankings.submit_ranking(assignment=task, groups=[task.order_shown], **named)  # type: ignore[arg-type]
    assert not Ranking.objects.exists()


def test_marks_count_code_points_of_the_text_with_lf_line_ends() -> None:
    text = "\N{GRINNING FACE}\r\nyes"
    assert check_spans({"a": [MARK | {"start": 2, "end": 5}]}, {"a": text}, ["not true"])
    with pytest.raises(Invalid):
        check_spans({"a": [MARK | {"start": 2, "end": 6}]}, {"a": text}, ["not true"])


def test_a_judgement_without_any_of_it_is_known_by_the_digest_of_earlier_releases(
    project: Project, alice: User
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice, note="As ever.")
    said = {"groups": ranking.groups, "ratings": {}, "flags": {}, "strengths": [], "note": "As ever."}
    old = {**said, "not_rankable": "", "ideal_answer": "", "contradicts": False}
    assert ranking.submission_hash == content_hash(old)


def test_the_page_asks_keeps_and_sends_it(client: Client, task: Assignment, alice: User) -> None:
    client.force_login(alice)
    page = client.get(f"/ranking/{task.pk}/").content.decode()
    assert 'name="rating-A-honest &amp; open" value=2>' in page
    assert 'name="rating-A-honest &amp; open" value=3' not in page
    assert "name=rating-A" not in page
    assert '<option value="B">completion B' in page
    sent = {
        "rating-A-honest & open": "2", "rating-B-helpful": "3", "spans-C": json.dumps([MARK]),
        "ideal_answer": "Better.", "ideal_from": "B", **{f"read-{letter}": "1" for letter in "ABCD"},
    }  # fmt: skip
    assert client.post(f"/ranking/{task.pk}/draft/", sent, headers=SCRIPT).status_code == 200
    page = client.get(f"/ranking/{task.pk}/").content.decode()
    assert 'name="rating-A-honest &amp; open" value=2 checked' in page
    assert 'name="rating-B-helpful" value=3 checked' in page
    assert "not true" in page.split('name="spans-C" value="')[1].split(" data-spans")[0]
    assert '<option value="B" selected>' in page
    order = {f"place-{letter}": place for place, letter in enumerate("ABCD", 1)}
    assert client.post(f"/ranking/{task.pk}/", sent | order).status_code == 302
    ranking = Ranking.objects.get()
    a, b, c, _ = task.order_shown
    assert ranking.criteria == {a: {"honest & open": 2}, b: {"helpful": 3}}
    assert ranking.spans == {c: [MARK]}
    assert Turn.objects.get(dialogue=ranking.ideal_answer, role="assistant").completion == Completion.objects.get(pk=b)


def test_what_cannot_be_read_is_said_and_costs_nothing(client: Client, task: Assignment, alice: User) -> None:
    client.force_login(alice)
    a = task.order_shown[0]
    for told in ("[{", '[{"start": 0, "end": 999, "category": "rude"}]'):
        answer = client.post(f"/ranking/{task.pk}/", places(task, 1, 2, 3, 4) | {f"spans-{a}": told})
        assert answer.status_code == 422
    answer = client.post(f"/ranking/{task.pk}/", places(task, 1, 2, 3, 4) | {f"rating-{a}-helpful": "6"})
    assert "from 1 to 5" in answer.content.decode()
    assert not Ranking.objects.exists()


def test_a_project_that_asks_for_none_of_it_gets_none_of_it(client: Client, project: Project, alice: User) -> None:
    task = makers.make_lease(makers.make_comparison(project), alice)
    client.force_login(alice)
    page = client.get(f"/ranking/{task.pk}/").content.decode()
    for part in ("js/marks.js", "css/marks.css", "js/ideal.js", "rating-A-", 'id="marks"', "spans-"):
        assert part not in page


def test_an_ideal_answer_that_was_only_taken_over_stays_out_of_nobodys_words(task: Assignment) -> None:
    a = task.order_shown[0]
    text = Completion.objects.get(pk=a).text
    rankings.submit_ranking(assignment=task, groups=[task.order_shown], ideal_answer=text, ideal_from=a)
    (answer,) = Turn.objects.filter(dialogue=Dialogue.objects.get(), role="assistant")
    assert answer.completion is not None
    assert answer.completion.text == answer.text
