"""What a reviewer says of single words: checked, kept with the decision, read by the trainer, exported, withdrawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from labeling import projects, withdrawal
from labeling.errors import Invalid
from labeling.models import Project, Ranking, Review
from labeling.quality import decisions, reviews
from tests import makers
from tests.exports.makers import export, rows

pytestmark = pytest.mark.django_db
COMMENT = "The sky is not green."


@pytest.fixture
def ranking(project: Project, alice: User) -> Ranking:
    return makers.make_ranking(makers.make_comparison(project, k=2), alice)


def mark(start: int = 0, end: int = 3, category: str = "", comment: str = COMMENT) -> dict[str, object]:
    return {"start": start, "end": end, "category": category, "comment": comment}


def words(ranking: Ranking, end: int = 3) -> str:
    return ranking.comparison.texts[ranking.order_shown[0]][:end]


def test_a_return_may_say_nothing_but_what_is_wrong_with_words(ranking: Ranking, rita: User) -> None:
    first = ranking.order_shown[0]
    made = reviews.decide(reviewer=rita, decision="returned", ranking=ranking, spans={first: [mark(), mark()]})
    assert made.spans == {first: [mark()]}
    assert made.comment == reviews.OF_WORDS


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (mark(comment=" "), "Say what is wrong"),
        (mark(category="rude"), "not a category"),
        (mark(0, 10_000), "at least one character"),
        (mark(2, 2), "at least one character"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(ranking: Ranking, rita: User, said: dict[str, object], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        reviews.decide(reviewer=rita, decision="accepted", ranking=ranking, spans={ranking.order_shown[0]: [said]})
    with pytest.raises(Invalid, match="not a completion"):
        reviews.decide(reviewer=rita, decision="accepted", ranking=ranking, spans={"x": [mark()]})
    assert not Review.objects.exists()


def test_a_category_of_the_project_is_enough(project: Project, ranking: Ranking, rita: User) -> None:
    projects.change_settings(project=project, span_categories=["rude"])
    ranking.refresh_from_db()
    said = mark(category="rude", comment="")
    made = reviews.decide(reviewer=rita, decision="accepted", ranking=ranking, spans={ranking.order_shown[0]: [said]})
    assert made.spans[ranking.order_shown[0]] == [said]


def test_a_dialogue_has_no_completions_to_mark(project: Project, alice: User, rita: User) -> None:
    dialogue = makers.make_demonstration(project, alice)
    with pytest.raises(Invalid, match="completions of a ranking"):
        reviews.decide(reviewer=rita, decision="accepted", dialogue=dialogue, spans={"x": [mark()]})


def test_the_page_takes_them_the_trainer_reads_them_and_a_way_back_keeps_them(
    client: Client, project: Project, ranking: Ranking, rita: User, alice: User
) -> None:
    client.force_login(rita)
    address = f"/review/rankings/{ranking.pk}/"
    assert "Comment on words" in client.get(f"{address}?order=1").content.decode()
    assert "Comment on words" not in client.get(address).content.decode()
    broken = client.post(address, {"decision": "accepted", "spans-A": "[{"})
    assert broken.status_code == 422
    assert "cannot be read" in broken.content.decode()
    told = json.dumps([mark()])
    refused = client.post(address, {"decision": "no such", "spans-A": told})
    assert refused.status_code == 422
    assert COMMENT in refused.content.decode(), "what was refused is not lost"
    client.post(address, {"decision": "returned", "spans-A": told})
    history = client.get(f"{address}?order=1").content.decode()
    assert f'<q dir="auto">{words(ranking)}</q>' in history
    client.force_login(alice)
    mend = client.get(f"/returned/{ranking.pk}/").content.decode()
    assert f'<span class="letter">A</span> <q dir="auto">{words(ranking)}</q>' in mend
    assert COMMENT in mend
    assert reviews.OF_WORDS in mend
    decisions.undo_last(project=project, reviewer=rita)
    client.force_login(rita)
    again = client.get(f"{address}?order=1").content.decode()
    assert 'name="spans-A" form="decide" value="[{' in again


def test_they_are_in_the_archive_and_gone_with_a_withdrawal(
    project: Project, ranking: Ranking, rita: User, alice: User, mona: User, tmp_path: Path
) -> None:
    reviews.decide(
        reviewer=rita, decision="accepted", ranking=ranking, comment="Fine.",
        spans={ranking.order_shown[0]: [mark(comment="Ask ann@example.org")]},
    )  # fmt: skip
    export(project, tmp_path / "a", "--config", "raw", "--redact")
    (comparison,) = (row for row in rows(tmp_path / "a", "raw") if row["type"] == "comparison")
    (judged,) = json.loads(comparison["record"])["rankings"]
    (review,) = judged["reviews"]
    assert (review["decision"], review["comment"]) == ("accepted", "Fine.")
    assert review["reviewer"] != rita.pk
    assert review["spans"] == {ranking.order_shown[0]: [mark(comment="Ask [EMAIL]")]}
    withdrawal.withdraw(project=project, user=rita, by=mona)
    assert Review.objects.get().spans == {}
    export(project, tmp_path / "b", "--config", "raw")
    written = [path.read_text() for path in (tmp_path / "b").rglob("*.json*")]
    assert written
    assert "ann@example" not in "".join(written)
