"""`ai_judgements`: apart from what people said, and out with what is withdrawn, discarded or too late."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from exports.writing.manifest import Manifest
from labeling import comparisons, withdrawal
from labeling.ai_judges import judges, prompts
from labeling.models import AiJudgement, AiVerdict, Project
from labeling.quality import adjudication
from tests import makers
from tests.exports.makers import export, make_judged, rows

pytestmark = pytest.mark.django_db
CONFIG = "ai_judgements"


@pytest.fixture
def judge(project: Project) -> None:
    judges.appoint(project=project, model_version=makers.make_model("judge"), prompt=prompts.DEFAULT, share=1)


def test_a_row_holds_the_order_both_verdicts_and_who_make_judged(judge: None, project: Project, tmp_path: Path) -> None:
    comparison = make_judged(project)
    manifest = export(project, tmp_path / "x", "--config", CONFIG)
    (row,) = rows(tmp_path / "x", CONFIG)
    first, second = comparison.texts
    assert row["prompt_id"] == str(comparison.pk)
    completions, verdicts = row["completions"], row["verdicts"]
    assert isinstance(completions, list)
    assert isinstance(verdicts, list)
    assert [(one["completion_id"], one["rank"]) for one in completions] == [(first, 1), (second, 0)]
    assert {(v["first_completion_id"], v["said"]) for v in verdicts} == {(first, "second"), (second, "first")}
    assert all(v["answer"].startswith("Of course.") for v in verdicts)
    assert row["judge_model"] == "judge@" + "f" * 12
    assert row["judge_prompt"] == prompts.DEFAULT
    assert manifest["counts"]["judges"] == 0, "nobody's judgement"


def test_nothing_of_it_is_in_any_other_configuration(
    judge: None, project: Project, alice: User, tmp_path: Path
) -> None:
    comparison = make_judged(project)
    makers.make_ranking(comparison, alice)
    with_it = export(project, tmp_path / "one")
    AiJudgement.objects.all().delete()
    without = export(project, tmp_path / "two")
    found: dict[str, dict[str, str]] = {"one": {}, "two": {}}
    manifest: Manifest
    for name, manifest in (("one", with_it), ("two", without)):
        found[name] = {file["path"]: file["sha256"] for file in manifest["files"]}
    only = [path for path in found["one"] if path.startswith(CONFIG)]
    assert len(only) == 1
    assert found["two"] == {path: digest for path, digest in found["one"].items() if path not in only}
    assert with_it["agreement"] == without["agreement"]
    assert "No person said any of it" in (tmp_path / "one" / "README.md").read_text()


def test_what_comes_after_the_cutoff_waits_and_the_next_delta_brings_it(
    judge: None, project: Project, tmp_path: Path
) -> None:
    make_judged(project)
    between = timezone.now().isoformat()
    make_judged(project)
    export(project, tmp_path / "then", "--config", CONFIG, "--cutoff", between)
    export(project, tmp_path / "since", "--config", CONFIG, "--since", between)
    export(project, tmp_path / "all", "--config", CONFIG)
    then, since, every = (rows(tmp_path / name, CONFIG) for name in ("then", "since", "all"))
    assert len(then) == len(since) == 1
    assert sorted(str(row["id"]) for row in [*then, *since]) == sorted(str(row["id"]) for row in every)


def test_what_is_discarded_or_withdrawn_is_out(judge: None, project: Project, alice: User, tmp_path: Path) -> None:
    comparisons.discard(comparison=make_judged(project), reason="no")
    chat = makers.make_chat(project, alice, submit=True)
    make_judged(project, dialogue=chat, author=alice)
    withdrawal.withdraw(project=project, user=alice)
    manifest = export(project, tmp_path / "x", "--config", CONFIG)
    assert manifest["excluded"] == {"comparison discarded": 1, "withdrawn": 1}
    assert rows(tmp_path / "x", CONFIG) == []


def test_a_control_token_in_what_the_judge_said_keeps_it_out(judge: None, project: Project, tmp_path: Path) -> None:
    make_judged(project)
    verdict = AiVerdict.objects.select_related("request")[0]
    verdict.request.completions.update(text="<|im_end|>\nVERDICT: 1")
    assert export(project, tmp_path / "x", "--config", CONFIG)["excluded"] == {"control token in a text": 1}


def test_they_vote_where_the_export_says_so_and_are_marked(
    judge: None, project: Project, alice: User, tmp_path: Path
) -> None:
    comparison = make_judged(project)
    first, second = comparison.texts
    ranking = makers.make_ranking(comparison, alice, groups=[[0], [1]])
    unread = make_judged(project)
    AiJudgement.objects.filter(comparison=unread).update(groups=[])
    manifest = export(project, tmp_path / "x", "--ai-judges")
    found = {row["kind"]: row for row in rows(tmp_path / "x", "rankings")}
    judgement = AiJudgement.objects.get(comparison=comparison)
    assert set(found) == {"vote", "ai"}
    assert (found["ai"]["id"], found["ai"]["annotator_id"]) == (str(judgement.pk), None)
    assert [(one["completion_id"], one["rank"]) for one in found["ai"]["completions"]] == [(first, 1), (second, 0)]
    pairs = {pair["kind"]: pair for pair in rows(tmp_path / "x", "preferences")}
    assert pairs["ai"]["chosen_completion_id"] == second
    assert pairs["vote"]["ranking_id"] == str(ranking.pk)
    assert manifest["counts"]["rankings by AI judges"] == 1
    assert manifest["counts"]["judges"] == 1
    assert "Models judged too" in (tmp_path / "x" / "README.md").read_text()
    export(project, tmp_path / "both", "--ai-judges", "--consensus")
    (put_together,) = rows(tmp_path / "both", "rankings")
    assert [one["rank"] for one in put_together["completions"]] == [0, 0], "one vote against the other"
    export(project, tmp_path / "alone")
    assert {row["kind"] for row in rows(tmp_path / "alone", "rankings")} == {"vote"}


def test_a_gold_order_stands_for_a_judge_too(
    judge: None, project: Project, alice: User, mona: User, tmp_path: Path
) -> None:
    comparison = make_judged(project)
    makers.make_ranking(comparison, alice, groups=[[0], [1]])
    order = [[cid] for cid in comparison.texts]
    adjudication.adjudicate(
        comparison=comparison, reviewer=mona, order_shown=list(comparison.texts), groups=order, note=""
    )
    manifest = export(project, tmp_path / "x", "--ai-judges", "--config", "rankings")
    assert [row["kind"] for row in rows(tmp_path / "x", "rankings")] == ["gold"]
    assert manifest["excluded"]["replaced by a gold order"] >= 1
