"""Full rounds of the loop, through the same functions as everything else: sample, rank, export, train a
reward model, train the next policy by it, register both, open the next round.

Each step is a stage: a run that was killed goes on after the last one that was done.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from common.shapes import JsonObject
from exports import runs
from exports.models import ExportRun
from labeling import projects, scoring
from labeling.models import Candidate, Prompt, Round
from operations.loop import measure, processes, report
from operations.loop.best_of import best_of_n
from operations.loop.checks import Figures, checks
from operations.loop.collect import collect
from operations.loop.run import LoopRun
from operations.loop.topics import DRAWN, STOPS
from sampler import registry
from sampler.models import ModelVersion
from training.folders import Answer, write_answers

CONFIGS = ["preferences", "rankings", "sft", "prompts"]


def run_rounds(run: LoopRun, first: ModelVersion) -> list[JsonObject]:
    """N rounds, and the sampling and ranking of the one after, which is what new and old are compared on."""
    opened = _open(run, [first], "The first policy")
    run.stages.run(f"collect {opened.number}", lambda: _collect(run, opened, [first]))
    rows = []
    old = first
    for number in range(1, run.settings.rounds + 1):
        row, old = _round(run, number, old, first)
        rows.append(row)
        found = report.whole(
            rows, words=run.rule.words, settings=asdict(run.settings), seconds=run.stages.seconds()
        )  # fmt: skip
        report.write(run.own.folder, found)
        run.say("\n".join(report.lines([row], run.rule.unit)))
    return rows


def _round(run: LoopRun, number: int, old: ModelVersion, first: ModelVersion) -> tuple[JsonObject, ModelVersion]:
    """What came of it, and the new policy."""
    export = run.stages.run(f"export {number}", lambda: _export(run, number))
    judge = _train_reward(run, number, export, old)
    run.stages.run(f"score {number}", lambda: _score(run, judge))
    new = _train_policy(run, number, export, old, judge, first)
    if number == run.settings.rounds:
        _leave_only_held_out(run)
    opened = _open(run, [old, new], f"{new.slug} beside {old.slug}")
    run.stages.run(f"collect {opened.number}", lambda: _collect(run, opened, [old, new]))
    return _row(run, number, export, judge, old, new, first, opened), new


def _open(run: LoopRun, policies: Sequence[ModelVersion], note: str) -> Round:
    """The round of that note: opened now, or before the run was cut."""
    known = Round.objects.filter(project=run.own.project, note=note).first()
    if known is not None:
        return known
    run.say(f"a round is opened: {note}")
    return projects.open_round(
        project=run.own.project, policies=[(version, 1.0, DRAWN) for version in policies], note=note
    )


def _collect(run: LoopRun, round_: Round, policies: list[ModelVersion]) -> JsonObject:
    collect(run, round_, policies)
    return {"round": round_.number}


def _leave_only_held_out(run: LoopRun) -> None:
    """No further policy is trained: the last round only has to compare."""
    project = run.own.project
    pool = Prompt.objects.filter(project=project, retired_at__isnull=True)
    trained_on = [p for p in pool if projects.split_for(project, p.prompt_key, p.author_id) == "train"]
    projects.retire_prompts(prompts=trained_on)


def _export(run: LoopRun, number: int) -> JsonObject:
    target = run.own.folder / f"export-{number}"
    shutil.rmtree(target, ignore_errors=True)
    asked = runs.request(
        project=run.own.project, trigger=ExportRun.Trigger.COMMAND, options={"configs": CONFIGS}, ring=False
    )
    claimed = runs.claim(run_id=str(asked.pk))
    assert claimed is not None
    export = runs.execute(run=claimed, target=target)
    counts = (export.manifest or {})["counts"]
    run.say(f"export {export.pk}: {counts['rankings']} rankings, {counts['pairs']} pairs, {counts['ties']} ties")
    if run.settings.swapped:
        _swap(target)
    return {"id": str(export.pk), "folder": str(target), **{key: counts[key] for key in ("rankings", "pairs", "ties")}}


def _swap(export: Path) -> None:
    """Chosen and rejected exchanged, on purpose: what is trained on it has to lose."""
    for path in (export / "preferences").glob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            for name in ("{}", "{}_completion_id", "{}_finish_reason"):
                better, worse = name.format("chosen"), name.format("rejected")
                row[better], row[worse] = row[worse], row[better]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _trained(run: LoopRun, stage: str, out: Path, module: str, *arguments: str) -> JsonObject:
    """The facts of a training run; one that had ended before the stage was noted is not done again."""

    def work() -> JsonObject:
        facts = out / "training.json"
        if not facts.exists():
            processes.run_training(module, *arguments, "--seed", str(run.settings.seed), say=run.say)
        found: JsonObject = json.loads(facts.read_text())
        return found

    return run.stages.run(stage, work)


def _train_reward(run: LoopRun, number: int, export: JsonObject, policy: ModelVersion) -> ModelVersion:
    out = run.own.folder / f"reward-{number}"
    s = run.settings
    facts = _trained(
        run, f"train reward model {number}", out, "training.reward", str(export["folder"]), policy.location, str(out),
        "--steps", str(s.reward_steps), "--layers", str(s.reward_layers), "--learning-rate",
        str(s.reward_learning_rate), "--freeze-embeddings", "--save-every", "20",
    )  # fmt: skip
    run.say(f"reward model: {facts['test_accuracy']} of {facts['test_pairs']} held-out pairs as trainers ranked them")
    return _register(run, f"rm-{number}", out, export, policy, role=ModelVersion.Role.REWARD)


def _score(run: LoopRun, judge: ModelVersion) -> JsonObject:
    """Every completion so far; agreement with the trainers on the held-out prompts."""
    counts = scoring.score_project(project=run.own.project, reward_model=judge)
    run.say(f"{judge.slug} scored {counts['scored_now']} completions")
    found = scoring.agreement(project=run.own.project, reward_model=judge)["test"]
    return {"pairs": found["pairs"], "agreement": found["agreement"], "low": found["low"], "high": found["high"]}


def _train_policy(
    run: LoopRun, number: int, export: JsonObject, old: ModelVersion, judge: ModelVersion, first: ModelVersion
) -> ModelVersion:
    out = run.own.folder / f"policy-{number}"
    s = run.settings
    if s.train == "ppo":
        _trained(
            run, f"train policy {number}", out, "training.ppo", str(export["folder"]), old.location, str(out),
            "--reward-model", judge.location, "--first-policy", first.location,
            "--iterations", str(number * s.ppo_iterations), "--answers-per-iteration", str(s.ppo_answers),
            "--trained-layers", str(s.ppo_layers), "--learning-rate", str(s.ppo_learning_rate),
            "--beta", str(s.ppo_beta), "--unended-penalty", str(s.ppo_unended_penalty),
            "--max-tokens", str(s.max_tokens),
            "--stop", "|".join(stop.replace("\n", "\\n") for stop in STOPS), "--micro-batch-size", "16",
            "--max-kl", str(s.max_kl * number / s.rounds), "--save-every", "2",
            *(["--length-controlled"] if run.rule.keeps_length else []), *_system(old),
        )  # fmt: skip
    else:
        source = run.own.folder / f"best-{number}"
        run.stages.run(f"best of n {number}", lambda: best_of_n(run, number, old, judge, source))
        _trained(
            run, f"train policy {number}", out, "training.sft", str(source), old.location, str(out),
            "--epochs", str(s.sft_epochs), "--learning-rate", str(s.sft_learning_rate), "--save-every", "10",
            *_system(old),
        )  # fmt: skip
    return _register(run, f"policy-{number}", out, export, old, role=ModelVersion.Role.POLICY)


def _register(
    run: LoopRun, name: str, out: Path, export: JsonObject, parent: ModelVersion, *, role: str
) -> ModelVersion:
    """What `register_model SLUG --engine hf --location OUT --role ROLE --parent PARENT --export ID` does."""
    writes = role == ModelVersion.Role.POLICY
    version, fresh = registry.register_model(
        slug=f"{run.own.project.slug}-{name}", engine="hf", location=str(out), role=role, parent=parent,
        export_id=UUID(str(export["id"])), default_params=parent.default_params if writes else None,
        system_prompt=parent.system_prompt if writes else "", system_turn=parent.system_turn,
    )  # fmt: skip
    if fresh:
        run.say(f"registered {version.slug} (parent {parent.slug}, export {export['id']})")
    return version


def _row(
    run: LoopRun, number: int, export: JsonObject, judge: ModelVersion, old: ModelVersion, new: ModelVersion,
    first: ModelVersion, opened: Round,
) -> JsonObject:  # fmt: skip
    """All that is told of a round."""
    project, rule = run.own.project, run.rule
    sides = {
        split: measure.versus(project=project, rule=rule, round=opened.number, old=old, new=new, split=split)
        for split in ("test", "train")
    }
    accuracy = measure.reward_accuracy(project=project, rule=rule, reward_model=judge)
    far = run.stages.run(f"distance {number}", lambda: _distance(run, opened, new, first))
    near = run.stages.run("distance 0", lambda: _distance(run, opened, old, first)) if number == 1 else None
    begun = run.stages.notes.setdefault(
        "first", {"perplexity": (near or far)["perplexity"], "characters": sides["test"].old.characters}
    )
    assert isinstance(begun, dict)
    held_out = sides["test"]
    found = checks(
        Figures(
            round=number, train=run.settings.train, rm_accuracy=accuracy.value, rm_pairs=accuracy.pairs,
            win_low=held_out.trainers.low, characters=held_out.new.characters,
            first_characters=_number(begun["characters"]), keeps_length=rule.keeps_length, kl=_number(far["kl"]),
            ended=held_out.new.ended, ended_before=held_out.old.ended, perplexity=_number(far["perplexity"]),
            first_perplexity=_number(begun["perplexity"]),
        )
    )  # fmt: skip
    agreement = run.stages.done[f"score {number}"]["result"]
    return {
        "round": number, "old": old.slug, "new": new.slug, "reward_model": judge.slug,
        "export": export, "rm_accuracy": measure.plain(accuracy), "rm_agreement": agreement,
        "held_out": measure.plain(held_out), "trained_on": measure.plain(sides["train"]),
        "kl": far["kl"], "perplexity": far["perplexity"], "first_perplexity": begun["perplexity"],
        "best_of": list(measure.best_of_curve(project=project, rule=rule, reward_model=judge)),
        "iterations": list(measure.iterations(run.own.folder / f"policy-{number}", rule)),
        "checks": [one.plain() for one in found], "holds": all(one.holds for one in found),
    }  # fmt: skip


def _distance(run: LoopRun, round_: Round, policy: ModelVersion, first: ModelVersion) -> JsonObject:
    """KL and perplexity of a policy's answers to held-out prompts, by the first policy."""
    rows = Candidate.objects.filter(
        comparison__project=run.own.project, comparison__round=round_, comparison__split="test",
        completion__model_version=policy,
    ).values_list("comparison__prompt", "completion__text")  # fmt: skip
    source = run.own.folder / f"answers-{policy.slug}-{round_.number}"
    # Ended by a stop string, they have no end of their own that a model would have to find likely.
    write_answers(source, [Answer(prompt, text.strip(), cut=True) for prompt, text in rows])
    return processes.run_training(
        "training.distance", str(source), policy.location, first.location, *_system(policy), say=run.say
    )  # fmt: skip


def _system(policy: ModelVersion) -> list[str]:
    """Prompts begin in training as they do where the policy is served."""
    return ["--system-prompt", policy.system_prompt, "--system-turn", policy.system_turn]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
