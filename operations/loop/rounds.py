"""Full rounds of the loop, through the same functions as everything else: sample, rank, export, train a
reward model, take the best of n by it, train the next policy, register it, open the next round."""

from __future__ import annotations

from pathlib import Path

from exports import runs
from exports.models import ExportRun
from labeling import projects, scoring
from operations.loop import measure, processes
from operations.loop.best_of import best_of_n
from operations.loop.collect import collect
from operations.loop.project import STOPS
from operations.loop.run import LoopRun
from sampler import registry
from sampler.models import ModelVersion
from training.folders import Answer, write_answers

CONFIGS = ["preferences", "rankings", "sft", "prompts"]


def run_rounds(run: LoopRun, policy: ModelVersion) -> list[measure.Row]:
    """N rounds, and the sampling and ranking of the one after, which is what new and old are compared on."""
    project = run.own.project
    current = projects.open_round(project=project, policies=[(policy, 1.0, {"stop": STOPS})], note="The first policy")
    collect(run, current, [policy])
    rows = []
    for _ in range(run.settings.rounds):
        number = current.number
        folder, export = _export(run, number)
        reward_model = _train_reward(run, number, folder, export, policy)
        agreement = _score(run, reward_model, number)
        answers = best_of_n(run, policy, reward_model)
        fresh = _train_policy(run, number, answers, export, policy)
        note = f"{fresh.slug} beside {policy.slug}"
        mixture = [policy, fresh]
        current = projects.open_round(
            project=project, policies=[(version, 1.0, {"stop": STOPS}) for version in mixture], note=note
        )
        run.say(f"round {current.number} is open: {note}")
        collect(run, current, mixture)
        counts = (export.manifest or {})["counts"]
        rows.append(
            measure.Row(
                round=number,
                old=policy.slug,
                new=fresh.slug,
                reward_model=reward_model.slug,
                rankings=counts["rankings"],
                pairs=counts["pairs"],
                rm_pairs=agreement["pairs"],
                rm_accuracy=agreement["agreement"],
                rm_low=agreement["low"],
                rm_high=agreement["high"],
                best_of=len(answers),
                everywhere=measure.versus(project=project, round=current.number, old=policy, new=fresh),
                held_out=measure.versus(project=project, round=current.number, old=policy, new=fresh, split="test"),
            )
        )
        policy = fresh
    return rows


def _export(run: LoopRun, number: int) -> tuple[Path, ExportRun]:
    target = run.own.folder / f"export-{number}"
    with run.timed("export"):
        asked = runs.request(
            project=run.own.project, trigger=ExportRun.Trigger.COMMAND, options={"configs": CONFIGS}, ring=False
        )
        claimed = runs.claim(run_id=str(asked.pk))
        assert claimed is not None
        export = runs.execute(run=claimed, target=target)
    counts = (export.manifest or {})["counts"]
    run.say(f"export {export.pk}: {counts['rankings']} rankings, {counts['pairs']} pairs, {counts['ties']} ties")
    return target, export


def _train_reward(run: LoopRun, number: int, folder: Path, export: ExportRun, policy: ModelVersion) -> ModelVersion:
    out = run.own.folder / f"reward-{number}"
    s = run.settings
    with run.timed("train reward model"):
        facts = processes.run_training(
            "training.reward", str(folder), policy.location, str(out),
            "--steps", str(s.reward_steps), "--layers", str(s.reward_layers),
            "--learning-rate", str(s.reward_learning_rate), "--seed", str(number),
            "--freeze-embeddings", say=run.say,
        )  # fmt: skip
    run.say(
        f"reward model: {facts['test_accuracy']} of {facts['test_pairs']} held-out pairs, "
        f"{facts['train_accuracy']} of {facts['train_pairs']} trained on"
    )
    return _register(run, f"rm-{number}", out, export, policy, role=ModelVersion.Role.REWARD)


def _score(run: LoopRun, reward_model: ModelVersion, number: int) -> scoring.Agreement:
    """Agreement with the trainers on the held-out prompts."""
    with run.timed("score"):
        counts = scoring.score_project(project=run.own.project, reward_model=reward_model)
        found = scoring.agreement(project=run.own.project, reward_model=reward_model)
    run.say(f"{reward_model.slug} scored {counts['scored_now']} completions of round 1 to {number}")
    return found["test"]


def _train_policy(
    run: LoopRun, number: int, answers: list[Answer], export: ExportRun, policy: ModelVersion
) -> ModelVersion:
    source = run.own.folder / f"best-{number}"
    out = run.own.folder / f"policy-{number}"
    write_answers(source, answers)
    s = run.settings
    with run.timed("train policy"):
        processes.run_training(
            "training.sft", str(source), policy.location, str(out), "--steps", str(s.sft_steps),
            "--learning-rate", str(s.sft_learning_rate), "--seed", str(number),
            "--system-prompt", policy.system_prompt, say=run.say,
        )  # fmt: skip
    return _register(run, f"policy-{number}", out, export, policy, role=ModelVersion.Role.POLICY)


def _register(
    run: LoopRun, name: str, out: Path, export: ExportRun, parent: ModelVersion, *, role: str
) -> ModelVersion:
    """What `register_model SLUG --engine hf --location OUT --role ROLE --parent PARENT --export ID` does."""
    writes = role == ModelVersion.Role.POLICY
    version, _ = registry.register_model(
        slug=f"{run.own.project.slug}-{name}", engine="hf", location=str(out), role=role, parent=parent,
        export_id=export.pk, default_params=parent.default_params if writes else None,
        system_prompt=parent.system_prompt if writes else "",
    )  # fmt: skip
    run.own.made.append(version)
    run.say(f"registered {version.slug} (parent {parent.slug}, export {export.pk})")
    return version
