"""What the steps of a run of `demo_loop` share: its settings, how it tells its progress, how it waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from operations.loop import processes
from operations.loop.project import LoopError, LoopProject
from operations.loop.rule import RULES, Rule
from operations.loop.stages import Stages
from sampler.models import ModelVersion

POLL = 0.5
TELL_EVERY = 5.0
STALLED = 300.0  # seconds without a new completion


@dataclass(frozen=True)
class Settings:
    """How much of everything; the defaults fit two cores."""

    rounds: int = 1
    train: str = "best-of-n"  # or ppo
    rule: str = "commas"
    questions: int = 7  # about each topic
    completions: int = 6
    max_tokens: int = 48
    best_of: int = 4
    reward_layers: int = 4
    reward_steps: int = 60
    reward_learning_rate: float = 2e-4
    sft_epochs: float = 2.0
    sft_learning_rate: float = 5e-5
    ppo_iterations: int = 4  # of the first round; a later one takes its number times as many
    ppo_answers: int = 48
    ppo_layers: int = 10  # the upper ones, that learn
    ppo_learning_rate: float = 1e-4
    ppo_beta: float = 0.05
    ppo_unended_penalty: float = 2.0
    max_kl: float = 5.0  # nats an answer, from the first policy
    swapped: bool = False  # chosen and rejected exchanged, to see that the check can fail
    seed: int = 0
    quick: bool = False


@dataclass
class LoopRun:
    own: LoopProject
    settings: Settings
    say: processes.Say
    stages: Stages

    @property
    def rule(self) -> Rule:
        return RULES[self.settings.rule]

    def sample(self, policies: Sequence[ModelVersion], look: Callable[[], tuple[int, str]], what: str) -> None:
        """Wait, with a sampler worker, until `look` says that nothing is left; it also says how far things are.

        Raises:
            LoopError: a policy cannot be loaded, the worker ended, or nothing was sampled for long.
        """
        log = self.own.folder / "sampler.log"
        with processes.sampler_for([version.slug for version in policies], log=log, say=self.say) as check:
            moved = told = time.monotonic()
            last = ""
            while True:
                left, words = look()
                now = time.monotonic()
                if words != last:
                    moved = now
                    if now - told >= TELL_EVERY or not left:
                        told = now
                        self.say(f"{what}: {words}")
                last = words
                if not left:
                    return
                check()
                _check_loaded(policies)
                if now - moved > STALLED:
                    raise LoopError(f"Nothing was sampled for {STALLED:.0f} s ({words}): look at the sampler worker.")
                time.sleep(POLL)


def _check_loaded(policies: Sequence[ModelVersion]) -> None:
    failed = ModelVersion.objects.filter(pk__in=[v.pk for v in policies], state=ModelVersion.State.FAILED)
    if version := failed.first():
        raise LoopError(f"{version.slug} cannot be loaded: {version.state_reason}")
