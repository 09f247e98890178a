"""What an earlier export holds, less the tombstones, and what a delta holds are together the full export; and rows come
in the order of time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from random import Random

import pytest
from django.utils import timezone

from accounts.models import User
from labeling import comparisons, corrections, dialogues, feedback, projects, turns, votes, withdrawal
from labeling.errors import Gone
from labeling.feedback import Problem
from labeling.models import Comparison, Dialogue, Project, Prompt, Ranking, Review, Turn, TurnFeedback
from labeling.withdrawal import withdraw, withdraw_chat
from moderation import marks, problems, verdicts
from moderation.models import Verdict, VerdictFeedback
from screening import rules
from tests import makers
from tests.exports.makers import export, rows

RECORD = {"preferences": "ranking_id", "sft": "dialogue_id"}  # the column that names it, where not `id`
CONFIGS = ("preferences", "rankings", "sft", "prompts", "ratings", "raw", "moderation")
ALL = ("--config", ",".join(CONFIGS))
TEXTS = ("Why is the sky blue over the sea in the morning", "How do tides follow the moon around the whole earth")
_numbers = count(1)


def ranks(project: Project, who: User, random: Random) -> None:
    """A new comparison with a vote; some prompts repeat, some nearly."""
    prompt = random.choice([*TEXTS, f"{random.choice(TEXTS)}!", f"A question, the {next(_numbers)}th"])
    made = makers.make_comparison(project, votes=2, prompt=prompt)
    Comparison.objects.filter(pk=made.pk).update(split=random.choice(["train", "test"]))
    makers.make_ranking(made, who)


def takes_back(project: Project, who: User, random: Random) -> None:
    mine = Ranking.objects.in_force().filter(comparison__project=project, trainer=who).order_by("submitted_at")
    if (ranking := mine.first()) and ranking.assignment is not None:
        corrections.undo_ranking(assignment=ranking.assignment)


def votes_too(project: Project, who: User, random: Random) -> None:
    open_ones = Comparison.objects.filter(project=project, state="open").exclude(assignments__trainer=who)
    if made := votes.with_a_free_vote(open_ones).order_by("created_at").first():
        makers.make_ranking(made, who, groups=[[3], [2], [1], [0]])


def reviews(project: Project, who: User, random: Random) -> None:
    ranking = Ranking.objects.filter(comparison__project=project).exclude(trainer=who).order_by("-submitted_at").first()
    decision = random.choice(["accepted", "returned", "excluded"])
    Review.objects.create(ranking=ranking, reviewer=who, decision=decision, comment="why") if ranking else None


def discards(project: Project, who: User, random: Random) -> None:
    if made := Comparison.objects.filter(project=project, state="closed").order_by("created_at").first():
        comparisons.discard(comparison=made, reason="It was a mistake.")


def demonstrates(project: Project, who: User, random: Random) -> None:
    made = makers.make_demonstration(project, who, question=f"{random.choice(TEXTS)}, the {next(_numbers)}th time?")
    Dialogue.objects.filter(pk=made.pk).update(split=random.choice(["train", "test"]))


def undoes_a_dialogue(project: Project, who: User, random: Random) -> None:
    done = Dialogue.objects.filter(project=project, author=who, state="submitted", kind="demonstration")
    if made := done.order_by("submitted_at").first():
        corrections.undo_submission(dialogue=made)


def rates(project: Project, who: User, random: Random) -> None:
    chat = makers.make_chat(project, who)
    feedback.give_feedback(turn=chat.turns.get(role="assistant"), user=who, thumb_up=random.random() < 0.5)


def thinks_again(project: Project, who: User, random: Random) -> None:
    if given := TurnFeedback.objects.filter(turn__dialogue__project=project, user=who).order_by("created_at").first():
        feedback.give_feedback(turn=given.turn, user=who, thumb_up=not given.thumb_up)


def gives_a_chat_up(project: Project, who: User, random: Random) -> None:
    drafts = Dialogue.objects.filter(project=project, author=who, state="draft", kind="chat").order_by("created_at")
    if draft := drafts.first():
        withdrawal.discard(dialogue=draft)


def adds_a_prompt(project: Project, who: User, random: Random) -> None:
    text = random.choice([random.choice(TEXTS), f"Pool, the {next(_numbers)}th"])
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": text}]], source="pool")


def retires_a_prompt(project: Project, who: User, random: Random) -> None:
    if prompt := Prompt.objects.filter(project=project, retired_at=None).order_by("created_at").first():
        Prompt.objects.filter(pk=prompt.pk).update(retired_at=timezone.now())


def opens_with_a_prompt(project: Project, who: User, random: Random) -> None:
    """Somebody's prompt, and what others make of it: a demonstration, a chat, a comparison for stock."""
    messages = [{"role": "user", "content": random.choice([random.choice(TEXTS), f"Opening, the {next(_numbers)}th"])}]
    (prompt,) = projects.add_prompts(project=project, prompts=[messages], source="own", author=who)
    while verdicts.screen(project, "patterns"):
        pass  # where something blocks, nobody is given what no filter has read
    prompt.refresh_from_db()
    if prompt.author != who or prompt.retired_at or prompt.comparisons.exists():
        return
    other = User.objects.exclude(pk=who.pk).filter(memberships__project=project).order_by("pk").first()
    assert other is not None
    made = dialogues.start_dialogue(project=project, author=other, kind="demonstration", prompt=prompt)
    turns.add_turn(dialogue=made, role="user", text=made.composer["text"])
    turns.add_turn(dialogue=made, role="assistant", text=f"Answer, the {next(_numbers)}th.")
    dialogues.submit_dialogue(dialogue=made)
    compared = makers.make_comparison(project, prompt=messages[0]["content"])
    Comparison.objects.filter(pk=compared.pk).update(author=who, pool_prompt=prompt, split=random.choice(SPLITS))
    makers.make_ranking(compared, other)


def comments(project: Project, who: User, random: Random) -> None:
    """Another comment, with the same thumb, on somebody's submitted chat."""
    given = TurnFeedback.objects.filter(turn__dialogue__project=project, turn__dialogue__state="submitted")
    rated = Turn.objects.filter(feedback__in=given, dialogue__withdrawn_at=None)
    turn = rated.order_by("created_at").first()
    if turn is not None:
        feedback.give_feedback(turn=turn, user=who, thumb_up=True, comment=f"Comment, the {next(_numbers)}th")


def submits_a_rated_chat(project: Project, who: User, random: Random) -> None:
    chat = makers.make_chat(project, who)
    feedback.give_feedback(turn=chat.turns.get(role="assistant"), user=who, thumb_up=random.random() < 0.5)
    dialogues.submit_dialogue(dialogue=chat)


def says_block(project: Project, who: User, random: Random) -> None:
    """From now on nothing goes out that the content filter has not seen, or that it blocks; or no more."""
    block_at = random.choice([0.8, None])
    rules.set_threshold(project=project.pk, filter="patterns", category="violence", warn_at=0.3, block_at=block_at)


def screens(project: Project, who: User, random: Random) -> None:
    verdicts.screen(project, "patterns", limit=random.choice([3, 500]))


def blocks_a_text(project: Project, who: User, random: Random) -> None:
    """As new thresholds do; or frees one that was blocked."""
    given = list(Verdict.objects.filter(project=project).order_by("created_at", "pk"))
    if not given:
        return
    verdict = random.choice(given)
    verdict.rejudged_at = timezone.now()
    before = {"action": verdict.action, "category": verdict.category, "until": verdict.rejudged_at.isoformat()}
    verdict.earlier.append(before)
    verdict.action = "block" if verdict.action == "none" else "none"
    verdict.save()
    if verdict.action == "block":
        verdicts.block(verdict)


def marks_a_text(project: Project, who: User, random: Random) -> None:
    if given := list(Verdict.objects.filter(project=project).order_by("created_at", "pk")):
        verdict = random.choice(given)
        marks.mark(verdict=verdict, user=who, harmful=random.random() < 0.5, comment=f"Word {next(_numbers)}")


def decides_a_mark(project: Project, who: User, random: Random) -> None:
    given = VerdictFeedback.objects.filter(verdict__project=project).exclude(user=who).order_by("created_at").first()
    if given is not None and given.harmful is not None:
        marks.decide(mark=given, reviewer=who, harmful=given.harmful, confirmed=random.random() < 0.5)


def reports_a_problem(project: Project, who: User, random: Random) -> None:
    replies = Turn.objects.filter(dialogue__project=project, completion__isnull=False, role="assistant")
    if turn := replies.select_related("dialogue").order_by("created_at").last():
        said = f"Problem, the {next(_numbers)}th"
        problems.report(turn=turn, user=who, problem=random.choice(Problem.values), comment=said)


def takes_a_word_back(project: Project, who: User, random: Random) -> None:
    if given := TurnFeedback.objects.filter(turn__dialogue__project=project, user=who).order_by("created_at").last():
        problems.take_back(turn=given.turn, user=who)


def withdraws_a_chat(project: Project, who: User, random: Random) -> None:
    """As a guest, which they are for that moment."""
    mine = Dialogue.objects.filter(project=project, author=who, kind="chat", withdrawn_at=None)
    if chat := mine.order_by("created_at").first():
        projects.set_membership(project=project, user=who, role="guest")
        withdraw_chat(dialogue=chat, by=who)
        projects.set_membership(project=project, user=who, role="trainer")


SPLITS = ("train", "test")
EVENTS: tuple[Callable[[Project, User, Random], None], ...] = (
    ranks, takes_back, votes_too, reviews, discards, demonstrates, undoes_a_dialogue, rates, thinks_again,
    gives_a_chat_up, adds_a_prompt, retires_a_prompt, opens_with_a_prompt, comments, submits_a_rated_chat,
    says_block, screens, blocks_a_text, blocks_a_text, marks_a_text, marks_a_text, decides_a_mark,
    reports_a_problem, takes_a_word_back, withdraws_a_chat,
)  # fmt: skip


def held(folder: Path) -> dict[str, Counter[tuple[str, str]]]:
    """By configuration: the record that a row is of, and the row."""
    return {
        config: Counter((str(row.get("ranking_id", row["id"])), json.dumps(row)) for row in rows(folder, config))
        for config in CONFIGS
    }


def taken_back(folder: Path) -> set[tuple[str, str]]:
    path = folder / "tombstones.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {(config, one["id"]) for one in told for config in one["configs"]}


@pytest.mark.parametrize("options", [(), ("--min-agreement", "0.7"), ("--task-types", "ranking,chat")])
def test_an_old_export_and_a_delta_less_its_tombstones_are_the_full_export(
    project: Project, alice: User, bob: User, tmp_path: Path, options: tuple[str, ...]
) -> None:
    for number in range(6):  # all in one growing project
        random = Random(f"{options} {number}")
        old, new, full = (tmp_path / f"{name} {number}" for name in ("old", "new", "full"))
        for event in (0, 5, 7, 10):  # something of each kind to begin with
            EVENTS[event](project, alice, random)
        before = export(project, old, *ALL, *options)
        for _ in range(14):
            with suppress(Gone):  # too late, or a reviewer has looked at it
                random.choice(EVENTS)(project, random.choice([alice, bob]), random)
        after = export(project, full, *ALL, *options)
        export(project, new, *ALL, *options, "--since", before["cutoff"], "--cutoff", after["cutoff"])
        gone, whole, first, delta = taken_back(new), held(full), held(old), held(new)
        for config in CONFIGS:
            kept = Counter({key: n for key, n in first[config].items() if (config, key[0]) not in gone})
            assert kept + delta[config] == whole[config], (number, config)


@pytest.mark.parametrize("options", [(), ("--min-agreement", "0.7"), ("--round", "1")])
def test_the_same_holds_when_somebody_withdraws_in_between(
    project: Project, alice: User, bob: User, tmp_path: Path, options: tuple[str, ...]
) -> None:
    for number in range(4):
        leaver = makers.make_member(project, f"carol-{number}")
        random = Random(f"withdrawn {options} {number}")
        old, new, full = (tmp_path / f"{name} {number}" for name in ("old", "new", "full"))
        for event in (0, 2, 5, 7, 10, 12, 14, 13):
            EVENTS[event](project, leaver, random)
        for _ in range(8):
            with suppress(Gone):
                random.choice(EVENTS)(project, random.choice([alice, bob, leaver]), random)
        before = export(project, old, *ALL, *options)
        people = [alice, bob, leaver]
        for step in range(12):
            if step == 6:
                withdraw(project=project, user=leaver)
                people.remove(leaver)
            with suppress(Gone):
                random.choice(EVENTS)(project, random.choice(people), random)
        after = export(project, full, *ALL, *options)
        export(project, new, *ALL, *options, "--since", before["cutoff"], "--cutoff", after["cutoff"])
        gone, whole, first, delta = taken_back(new), held(full), held(old), held(new)
        for config in CONFIGS:
            kept = Counter({key: n for key, n in first[config].items() if (config, key[0]) not in gone})
            assert kept + delta[config] == whole[config], (number, config)
        by_row = {config: {row["id"]: row for row in rows(old, config)} for config in CONFIGS}
        for config in CONFIGS:  # the same by the id of the row itself
            left = {id_ for id_ in by_row[config] if (config, id_) not in gone}
            assert left | {row["id"] for row in rows(new, config)} == {row["id"] for row in rows(full, config)}, config


def test_rows_come_in_the_order_of_time(project: Project, alice: User, bob: User, tmp_path: Path) -> None:
    random = Random(5)
    for event in [0, 5, 7, 10, 2] * 5:
        EVENTS[event](project, random.choice([alice, bob]), random)
    export(project, tmp_path / "x")
    times: dict[str, dict[str, datetime | None]] = {
        "rankings": {str(pk): at for pk, at in Ranking.objects.values_list("pk", "submitted_at")},
        "preferences": {str(pk): at for pk, at in Ranking.objects.values_list("pk", "submitted_at")},
        "sft": {str(d.pk): d.submitted_at for d in Dialogue.objects.all()},
        "ratings": {str(pk): at for pk, at in TurnFeedback.objects.values_list("pk", "created_at")},
        "prompts": {str(pk): at for pk, at in Comparison.objects.values_list("pk", "opened_at")}
        | {str(pk): at for pk, at in Prompt.objects.values_list("pk", "created_at")},
    }
    for config, at in times.items():
        for split in ("train", "test"):
            found = [at[str(row[RECORD.get(config, "id")])] for row in rows(tmp_path / "x", config, split)]
            assert found == sorted(at for at in found if at), config
        assert rows(tmp_path / "x", config)
    raw = [row["created_at"] for row in rows(tmp_path / "x", "raw", "train")]
    assert raw == sorted(raw)


def test_a_consensus_stands_where_its_last_vote_was_handed_in(
    project: Project, alice: User, bob: User, tmp_path: Path
) -> None:
    first, second = makers.make_comparison(project, votes=2), makers.make_comparison(project)
    makers.make_ranking(first, alice)
    makers.make_ranking(second, alice)
    makers.make_ranking(first, bob)
    Comparison.objects.update(split="train")
    export(project, tmp_path / "x", "--config", "rankings", "--consensus")
    assert [row["id"] for row in rows(tmp_path / "x", "rankings")] == [str(second.pk), str(first.pk)]
