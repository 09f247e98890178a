"""A full round of the loop, through the same functions as everything else: sample, rank, export, train a
reward model, take the best of n by it, train the next policy, register it, open the next round."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exports import runs
from exports.models import ExportRun
from labeling import candidates, comparisons, leases, projects, scoring, stock
from labeling.models import Candidate, Comparison, Prompt, Round
from operations.loop import machines, measure, rule
from operations.loop.stage import LoopError, Stage
from sampler import registry, rewards, sampling
from sampler.models import Completion, ModelVersion, SampleRequest
from sampler.training_data import Answer, write_answers

CONFIGS = ["preferences", "rankings", "sft", "prompts"]
POLL = 0.5
TELL_EVERY = 5.0
STALLED = 300.0  # seconds without a new completion
ENDED = [SampleRequest.State.DONE, SampleRequest.State.FAILED, SampleRequest.State.CANCELLED]


@dataclass(frozen=True)
class Settings:
    """How much of everything; the defaults fit two cores."""

    rounds: int = 1
    best_of: int = 4
    reward_layers: int = 2
    reward_steps: int = 24
    reward_learning_rate: float = 5e-4
    sft_steps: int = 8
    sft_learning_rate: float = 5e-5


@dataclass
class Loop:
    stage: Stage
    settings: Settings
    say: machines.Say
    seconds: Counter[str] = field(default_factory=Counter)  # by stage of the work

    def run(self, policy: ModelVersion) -> list[measure.Row]:
        """N rounds, and the sampling and ranking of the one after, which is what new and old are compared on."""
        project = self.stage.project
        mixture = [policy]
        current = projects.open_round(project=project, policies=[(policy, 1.0, {})], note="The first policy")
        self._collect(current, mixture)
        rows = []
        for _ in range(self.settings.rounds):
            number = current.number
            export, run = self._export(number)
            reward_model = self._train_reward(number, export, run, policy)
            scored = self._score(reward_model, number)
            answers = self._best_of_n(policy, reward_model, number)
            fresh = self._train_policy(number, answers, run, policy)
            note = f"{fresh.slug} beside {policy.slug}"
            mixture = [policy, fresh]
            current = projects.open_round(
                project=project, policies=[(version, 1.0, {}) for version in mixture], note=note
            )
            self.say(f"round {current.number} is open: {note}")
            self._collect(current, mixture)
            rows.append(self._row(number, run, reward_model, scored, len(answers), policy, fresh))
            policy = fresh
        return rows

    def _row(
        self, number: int, run: ExportRun, reward_model: ModelVersion, scored: dict[str, Any], best_of: int,
        old: ModelVersion, new: ModelVersion,
    ) -> measure.Row:  # fmt: skip
        counts = (run.manifest or {})["counts"]
        both: dict[str, Any] = {"project": self.stage.project, "round": number + 1, "old": old, "new": new}
        return measure.Row(
            round=number,
            old=old.slug,
            new=new.slug,
            reward_model=reward_model.slug,
            rankings=counts["rankings"],
            pairs=counts["pairs"],
            rm_pairs=scored["test"]["pairs"],
            rm_accuracy=scored["test"]["agreement"],
            rm_low=scored["test"]["low"],
            rm_high=scored["test"]["high"],
            best_of=best_of,
            everywhere=measure.versus(**both),
            held_out=measure.versus(**both, split="test"),
        )

    # -- sampling and ranking ---------------------------------------------------------------------

    def _collect(self, round_: Round, policies: list[ModelVersion]) -> None:
        """The round's comparisons, sampled from its policies and ranked by the simulated trainers."""
        with self._timed("sample comparisons"), self._sampler(policies) as check:
            self._wait(lambda: self._comparisons_left(round_), policies, check, f"round {round_.number}")
        with self._timed("rank"):
            ranked = sum(self._rank_all(number) for number in range(len(self.stage.trainers)))
        if not ranked:
            raise LoopError(f"Round {round_.number} has no comparison that could be ranked.")
        self.say(f"round {round_.number}: {ranked} comparisons ranked by simulated trainers ({rule.WORDS})")

    def _comparisons_left(self, round_: Round) -> tuple[int, str]:
        # What the beat does as well where the services run; each row is settled once, whoever comes first.
        stock.keep_stock()
        candidates.settle_sampling()
        mine = Comparison.objects.filter(round=round_)
        total = Prompt.objects.filter(project=self.stage.project).count()
        ready = mine.exclude(state=Comparison.State.SAMPLING).count()
        drawn = Completion.objects.filter(request__in=mine.values("requests__request")).count()
        return total - ready, f"{ready} of {total} comparisons ready, {drawn} completions"

    def _rank_all(self, number: int) -> int:
        """A trainer's share, one after another, as the pages and the API hand them out."""
        project, trainer = self.stage.project, self.stage.trainers[number]
        share = -(-Prompt.objects.filter(project=project).count() // len(self.stage.trainers))
        done = 0
        while number == len(self.stage.trainers) - 1 or done < share:
            assignment, _ = leases.lease_next(project=project, trainer=trainer)
            if assignment is None:
                break
            texts = Candidate.objects.filter(comparison=assignment.comparison).values_list(
                "completion_id", "completion__text"
            )
            groups = rule.rank({str(cid): text for cid, text in texts})
            ratings = {cid: max(1, 7 - place) for place, group in enumerate(groups) for cid in group}
            comparisons.submit_ranking(assignment=assignment, groups=groups, ratings=ratings, note="Simulated.")
            done += 1
        return done

    # -- out and in again ---------------------------------------------------------------------------

    def _export(self, number: int) -> tuple[Path, ExportRun]:
        target = self.stage.folder / f"export-{number}"
        with self._timed("export"):
            asked = runs.request(
                project=self.stage.project, trigger=ExportRun.Trigger.COMMAND, options={"configs": CONFIGS}, ring=False
            )
            claimed = runs.claim(run_id=str(asked.pk))
            assert claimed is not None
            run = runs.execute(run=claimed, target=target)
        counts = (run.manifest or {})["counts"]
        self.say(f"export {run.pk}: {counts['rankings']} rankings, {counts['pairs']} pairs, {counts['ties']} ties")
        return target, run

    def _train_reward(self, number: int, export: Path, run: ExportRun, policy: ModelVersion) -> ModelVersion:
        out = self.stage.folder / f"reward-{number}"
        s = self.settings
        with self._timed("train reward model"):
            facts = machines.run_trainer(
                "sampler.classifiers._train_reward", str(export), policy.location, str(out),
                "--steps", str(s.reward_steps), "--layers", str(s.reward_layers),
                "--learning-rate", str(s.reward_learning_rate), "--seed", str(number),
                "--freeze-embeddings", say=self.say,
            )  # fmt: skip
        self.say(
            f"reward model: {facts['test_accuracy']} of {facts['test_pairs']} held-out pairs, "
            f"{facts['train_accuracy']} of {facts['train_pairs']} trained on"
        )
        return self._register(f"rm-{number}", out, run, policy, role=ModelVersion.Role.REWARD)

    def _score(self, reward_model: ModelVersion, number: int) -> dict[str, Any]:
        with self._timed("score"):
            counts = scoring.score_project(project=self.stage.project, reward_model=reward_model)
            found = scoring.agreement(project=self.stage.project, reward_model=reward_model)
        self.say(f"{reward_model.slug} scored {counts['scored_now']} completions of round 1 to {number}")
        return found

    def _best_of_n(self, policy: ModelVersion, reward_model: ModelVersion, number: int) -> list[Answer]:
        """Fresh completions of the prompts that are not held out; of each prompt's, the one scored best."""
        project = self.stage.project
        prompts = [
            prompt
            for prompt in Prompt.objects.filter(project=project).order_by("content_hash")
            if projects.split_for(project, prompt.prompt_key, None) == "train"
        ]
        asked = {
            sampling.request_completions(
                model_version=policy, prompt=prompt.messages, n=self.settings.best_of,
                params={"max_tokens": project.max_tokens},
            ).pk: prompt
            for prompt in prompts
        }  # fmt: skip
        self.stage.requests += list(asked)
        with self._timed("sample best of n"), self._sampler([policy]) as check:
            self._wait(lambda: _requests_left(asked), [policy], check, f"best of {self.settings.best_of}")
        with self._timed("score"):
            found = Completion.objects.filter(request__in=asked).order_by("request", "index")
            drawn = [one for one in found if one.text.strip()]
            classifier = rewards.load(reward_model)
            items = [
                (one.pk, [*asked[one.request_id].messages, {"role": "assistant", "content": one.text.strip()}])
                for one in drawn
                if one.request_id is not None
            ]
            rewards.score(model_version=reward_model, items=items, classifier=classifier)
            classifier.close()
        score_of = dict(reward_model.reward_scores.filter(completion__in=drawn).values_list("completion_id", "score"))
        best: dict[Any, Completion] = {}
        for one in drawn:
            if one.request_id not in best or score_of[one.pk] > score_of[best[one.request_id].pk]:
                best[one.request_id] = one
        before, after = ([rule.measure(one.text) for one in some] for some in (drawn, best.values()))
        self.say(
            f"best of {self.settings.best_of}: {sum(before) / max(1, len(before)):.2f} commas an answer among "
            f"{len(before)}, {sum(after) / max(1, len(after)):.2f} among the {len(after)} chosen"
        )
        return [Answer(asked[key].messages, one.text.strip()) for key, one in best.items() if key is not None]

    def _train_policy(self, number: int, answers: list[Answer], run: ExportRun, policy: ModelVersion) -> ModelVersion:
        source = self.stage.folder / f"best-{number}"
        out = self.stage.folder / f"policy-{number}"
        write_answers(source, answers)
        s = self.settings
        with self._timed("train policy"):
            machines.run_trainer(
                "sampler.engines._train_sft", str(source), policy.location, str(out), "--steps", str(s.sft_steps),
                "--learning-rate", str(s.sft_learning_rate), "--seed", str(number),
                "--system-prompt", policy.system_prompt, say=self.say,
            )  # fmt: skip
        return self._register(f"policy-{number}", out, run, policy, role=ModelVersion.Role.POLICY)

    def _register(self, name: str, out: Path, run: ExportRun, parent: ModelVersion, *, role: str) -> ModelVersion:
        """What `register_model SLUG --engine hf --location OUT --role ROLE --parent PARENT --export ID` does."""
        version, _ = registry.register_model(
            slug=f"{self.stage.project.slug}-{name}", engine="hf", location=str(out), role=role, parent=parent,
            export_id=run.pk, default_params=parent.default_params if role == ModelVersion.Role.POLICY else None,
            system_prompt=parent.system_prompt if role == ModelVersion.Role.POLICY else "",
        )  # fmt: skip
        self.stage.made.append(version)
        self.say(f"registered {version.slug} (parent {parent.slug}, export {run.pk})")
        return version

    # -- waiting -----------------------------------------------------------------------------------

    @contextmanager
    def _sampler(self, policies: list[ModelVersion]) -> Iterator[Callable[[], None]]:
        log = self.stage.folder / "sampler.log"
        with machines.sampler_for([version.slug for version in policies], log=log, say=self.say) as check:
            yield check

    def _wait(
        self, look: Callable[[], tuple[int, str]], policies: list[ModelVersion], check: Callable[[], None], what: str
    ) -> None:
        moved = told = time.monotonic()
        last = ""
        while True:
            left, words = look()
            now = time.monotonic()
            if words != last:
                moved = now
            if words != last and (now - told >= TELL_EVERY or not left):
                told = now
                self.say(f"{what}: {words}")
            last = words
            if not left:
                return
            check()
            failed = ModelVersion.objects.filter(pk__in=[v.pk for v in policies], state=ModelVersion.State.FAILED)
            if version := failed.first():
                raise LoopError(f"{version.slug} cannot be loaded: {version.state_reason}")
            if now - moved > STALLED:
                raise LoopError(f"Nothing was sampled for {STALLED:.0f} s ({words}): look at the sampler worker.")
            time.sleep(POLL)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] += round(time.monotonic() - began)


def _requests_left(asked: dict[Any, Prompt]) -> tuple[int, str]:
    ended = SampleRequest.objects.filter(pk__in=asked, state__in=ENDED)
    done = ended.count()
    if done == len(asked) and not ended.filter(state=SampleRequest.State.DONE).exists():
        first = ended.first()
        raise LoopError(f"Sampling failed: {first.error if first else 'no request'}")
    return len(asked) - done, f"{done} of {len(asked)} prompts done"
