"""The report by round, on sets so small that every figure was worked out by hand."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from insights import phrases, rounds, tasks
from insights.limitations import rephrasing
from insights.models import RoundsReport
from insights.report_types import Share
from insights.round_facts import Graded
from insights.round_tables import TABLES
from insights.round_types import RoundsData, VersionRow
from labeling import comparisons, projects
from labeling.models import Comparison, Project, Prompt, Ranking
from sampler import registry
from sampler.models import Completion, ModelVersion, RewardScore
from tests import makers

pytestmark = pytest.mark.django_db

OLD, NEW = 0, 1  # places in storage


@pytest.fixture
def two(project: Project) -> tuple[ModelVersion, ModelVersion]:
    """An old and a new model version, met in round 2."""
    old = makers.make_model("old")
    new = makers.make_model("new", parent=old)
    projects.open_round(project=project, policies=[(old, 1.0, {}), (new, 1.0, {})])
    return old, new


def bring(project: Project, question: str, old: str, new: str, **columns: object) -> Comparison:
    found, _ = comparisons.bring(
        project=project, prompt=[{"role": "user", "content": question}], votes=1,
        completions=[{"text": old, "model_version": "old"}, {"text": new, "model_version": "new"}],
    )  # fmt: skip
    for index, slug in ((OLD, "old"), (NEW, "new")):
        wrote = ModelVersion.objects.get(slug=slug)
        text = Completion.objects.filter(pk__in=found.candidates.filter(index=index).values("completion"))
        text.update(model_version=wrote)
    Comparison.objects.filter(pk=found.pk).update(**{"split": "test", **columns})
    found.refresh_from_db()
    return found


def ids(comparison: Comparison) -> list[str]:
    return [str(candidate.completion_id) for candidate in comparison.candidates.order_by("index")]


def judge(comparison: Comparison, trainer: User, groups: list[list[int]], flags: dict[int, list[str]]) -> Ranking:
    named = {ids(comparison)[place]: names for place, names in flags.items()}
    return makers.make_ranking(comparison, trainer, groups=groups, flags=named)


@pytest.fixture
def four(project: Project, alice: User, two: tuple[ModelVersion, ModelVersion]) -> list[Comparison]:
    """Four comparisons: the new one wins two, loses one and ties one."""
    found = [
        bring(project, "First?", "a" * 10, "b" * 20),
        bring(project, "Second?", "c" * 30, "d" * 20),
        bring(project, "Third?", "e" * 10, "I'm sorry, but I cannot."),
        bring(project, "Fourth?", "f" * 50, "Which one do you mean?"),
    ]
    judge(found[0], alice, [[NEW], [OLD]], {OLD: ["hallucination"]})
    judge(found[1], alice, [[NEW], [OLD]], {OLD: ["too verbose", "hallucination"]})
    judge(found[2], alice, [[OLD], [NEW]], {NEW: ["refused needlessly"]})
    judge(found[3], alice, [[OLD, NEW]], {})
    return found


def report_of(project: Project) -> RoundsData:
    found = rounds.rounds_of(project)
    assert found is not None
    return found


def versions_of(project: Project) -> dict[str, VersionRow]:
    return {row["model"]: row for row in report_of(project)["versions"] if row["round"] == 2}


def value(found: Share | None) -> float:
    assert found is not None
    assert found["value"] is not None
    return found["value"]


def test_new_against_old_is_the_share_of_points(project: Project, four: list[Comparison]) -> None:
    row = next(row for row in report_of(project)["rounds"] if row["round"] == 2)
    assert row["duel"] is not None
    assert (row["duel"]["new"], row["duel"]["previous"]) == ("new", "old")
    assert value(row["duel"]) == (1 + 1 + 0 + 0.5) / 4
    assert row["duel"]["low"] is not None


def test_a_reward_model_is_held_against_people_and_their_length_bias(project: Project, four: list[Comparison]) -> None:
    reward = registry.register_model(slug="rm", engine="hf", location="/nowhere", role="reward")[0]
    # As people on the first, against them on the second, undecided on the third; the fourth they tied themselves.
    for comparison, scores in zip(four, ((0, 1), (1, 0), (2, 2), (5, 9)), strict=True):
        for cid, score in zip(ids(comparison), scores, strict=True):
            RewardScore.objects.create(completion_id=cid, model_version=reward, score=score)
    (row,) = report_of(project)["rewards"]
    assert (row["round"], row["model"], row["agreement"]["n"]) == (2, "rm", 3)
    assert value(row["agreement"]) == (1 + 0 + 0.5) / 3
    assert value(row["longer"]) == (1 + 1 + 0.5) / 3  # the longer of each: new, old, new
    assert value(row["people_longer"]) == pytest.approx((1 + 0 + 0) / 3)


def test_what_was_trained_on_says_nothing_of_a_reward_model(project: Project, four: list[Comparison]) -> None:
    reward = registry.register_model(slug="rm", engine="hf", location="/nowhere", role="reward")[0]
    for comparison in four:
        Comparison.objects.filter(pk=comparison.pk).update(split="train")
        for cid in ids(comparison):
            RewardScore.objects.create(completion_id=cid, model_version=reward, score=1)
    assert report_of(project)["rewards"] == []


def test_flags_are_shares_of_the_judged_answers(project: Project, four: list[Comparison]) -> None:
    found = versions_of(project)
    assert found["old"]["judged"] == found["new"]["judged"] == 4
    assert value(found["old"]["flags"]["hallucination"]) == 2 / 4
    assert value(found["old"]["flags"]["too verbose"]) == 1 / 4
    assert value(found["new"]["flags"]["refused needlessly"]) == 1 / 4
    assert value(found["new"]["flags"]["hallucination"]) == 0
    assert found["old"]["characters"] == (10 + 30 + 10 + 50) / 4


def test_questions_back_and_refusals_are_read_in_the_texts(project: Project, four: list[Comparison]) -> None:
    found = versions_of(project)
    assert value(found["new"]["asks"]) == 1 / 4
    assert value(found["new"]["refuses"]) == 1 / 4
    assert value(found["old"]["asks"]) == value(found["old"]["refuses"]) == 0


def test_thumbs_are_counted_with_their_reasons(project: Project, alice: User) -> None:
    chat = makers.make_chat(project, alice, turns=4)
    turns = list(chat.turns.filter(role="assistant"))
    from labeling.feedback import give_feedback

    for turn, up in zip(turns, (True, False, False, False), strict=True):
        reasons = ["correct"] if up else ["not true", "too long"][: 1 + (turn == turns[1])]
        give_feedback(turn=turn, user=alice, thumb_up=up, reasons=reasons)
    (row,) = report_of(project)["versions"]
    assert (value(row["thumbs"]), row["thumbs"]["n"]) == (3 / 4, 4)
    assert row["reasons"] == {"not true": 3, "too long": 1}


def test_a_phrase_is_overused_where_it_is_common_here_and_rare_there() -> None:
    here = [phrases.phrases_of(text) for text in (
        "As an aside, I should say: it is blue.", "as an aside I should add that it is red",
        "It is green, as an aside I should note.", "It is in the end of the day green.",
        "Well, it is in the end of the day.",
    )]  # fmt: skip
    there = [phrases.phrases_of(text) for text in ("It is in the end of the matter blue.", *["It is red."] * 9)]
    found = phrases.overused(here, there)
    # "as an aside i", "an aside i should": in 3 of 5; everything else in fewer than 3 answers.
    assert [(row["words"], row["share"], row["baseline"]) for row in found] == [
        ("an aside i should", 0.6, 0), ("as an aside i", 0.6, 0),
    ]  # fmt: skip
    assert [row["words"] for row in phrases.told_apart(found)] == ["an aside i should"]
    assert phrases.holding(here, found) == [True, True, True, False, False]
    # Common there too: (4 + 1) / (10 + 1) of the baseline, three times which is more than 0.6.
    common = [phrases.phrases_of("as an aside I should say")] * 4 + [phrases.phrases_of("It is red.")] * 6
    assert phrases.overused(here, common) == []
    assert phrases.overused(here, []) == []


@pytest.mark.parametrize(
    ("text", "asks", "refuses"),
    [
        ("Which of the two do you mean?", True, False),
        ("Is it? It is.", False, False),
        ("**Shall I go on?**", True, False),
        ("I'm sorry, but I can't help with that.", False, True),
        ("As an AI language model, I have no opinion.", False, True),
        ("I can help: sorry seems to be the hardest word.", False, False),
        ("Sorry to hear that! Rest, and drink tea.", False, False),
        ("", False, False),
    ],
)
def test_what_asks_and_what_refuses(text: str, asks: bool, refuses: bool) -> None:
    assert (phrases.asks(text), phrases.refuses(text)) == (asks, refuses)


def test_rephrasing_is_what_differs_more_between_phrasings_than_within_one() -> None:
    from uuid import uuid4

    a, b, c, d = (uuid4() for _ in range(4))
    rows = [
        *(Graded(1, "m", "tides", phrasing, grade) for phrasing, grade in ((a, 5), (a, 6), (b, 2))),
        *(Graded(1, "m", "moon", phrasing, grade) for phrasing, grade in ((c, 4), (d, 4), (d, 6))),
    ]
    across, within, more = rephrasing(rows)
    assert (value(across), across["n"]) == ((3 + 4 + 0 + 2) / 4, 4)
    assert (value(within), within["n"]) == ((1 + 2) / 2, 2)
    assert value(more) == 0.75
    assert rephrasing([])[2]["value"] is None


def test_imported_prompts_carry_their_group_to_the_figures(
    project: Project, alice: User, two: tuple[ModelVersion, ModelVersion], tmp_path: Path
) -> None:
    path = tmp_path / "prompts.jsonl"
    asked = ("Why is the sky blue?", "What makes the sky look blue?")
    rows = [{"messages": [{"role": "user", "content": text}], "paraphrases": "sky"} for text in asked]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = io.StringIO()
    call_command("import_dialogues", project.slug, "openai", str(path), "--as", "prompts", stdout=out)
    assert json.loads(out.getvalue().splitlines()[-1])["imported"] == 2
    prompts = list(Prompt.objects.filter(paraphrases="sky").order_by("created_at", "pk"))
    assert len(prompts) == 2
    for number, (prompt, grades) in enumerate(zip(prompts, ((7, 2), (4, 3)), strict=True)):
        comparison = bring(project, str(prompt), f"one {number}", f"other {number}", pool_prompt=prompt)
        makers.make_ranking(comparison, alice, ratings=dict(zip(ids(comparison), grades, strict=True)),
                            confirmed=True)  # fmt: skip
    found = versions_of(project)
    assert (value(found["old"]["phrasings"]), value(found["new"]["phrasings"])) == (3, 1)
    assert found["old"]["same_prompt"]["value"] is None


def test_the_page_shows_every_limitation_with_its_table_and_csv(
    project: Project, four: list[Comparison], mona: User, client: Client
) -> None:
    client.force_login(mona)
    page = client.get(reverse("insights:rounds", args=[project.slug])).content.decode()
    for title in ("New against old", "Made-up answers", "Verbosity", "Overused phrases", "Guessing instead of asking",
                  "Needless refusals", "Sensitivity to rephrasing"):  # fmt: skip
        assert f"<h2>{title}</h2>" in page or f"<dt>{title}</dt>" in page  # together at the end: nothing is known yet
    assert page.index("<h2>Nothing to show yet</h2>") > page.rindex('class="dl-table"')
    for name in TABLES:
        answer = client.get(reverse("insights:rounds-table", args=[project.slug, name]))
        assert answer["Content-Type"].startswith("text/csv")
    assert client.get(reverse("insights:rounds-table", args=[project.slug, "nothing"])).status_code == 404


def test_an_empty_project_has_a_page(project: Project, mona: User, client: Client) -> None:
    client.force_login(mona)
    page = client.get(reverse("insights:rounds", args=[project.slug]))
    assert page.status_code == 200
    assert "Open a round that mixes both" in page.content.decode()


def test_the_page_reads_and_the_worker_computes(
    project: Project, four: list[Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    from insights import reports

    monkeypatch.setattr(reports, "AT_ONCE", 1)
    assert rounds.rounds_of(project) is None
    tasks.refresh()
    made = RoundsReport.objects.get(project=project)
    assert report_of(project)["as_of"] == made.as_of.isoformat()
    tasks.refresh()
    assert RoundsReport.objects.get(project=project).as_of == made.as_of  # not due yet


def test_the_page_asks_the_database_little(
    project: Project, four: list[Comparison], mona: User, client: Client
) -> None:
    client.force_login(mona)
    address = reverse("insights:rounds", args=[project.slug])
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        page = client.get(address).content.decode()
    assert len(asked) <= 15
    assert "-0.0%" not in page
