"""Trains a policy against a reward model: `python -m training.ppo EXPORT BASE REWARD OUT`.

InstructGPT's way (arXiv 2203.02155, section 3.5): answers to the export's prompts are drawn from the policy, the
reward model scores them, a penalty for leaving the first policy is paid token by token, and PPO with a value head
moves the policy; `--algorithm rloo` takes the mean of the other answers to a prompt instead of a value. The arithmetic
is in `advantages.py`, the drawing in `rollouts.py`.
"""

from __future__ import annotations

import math
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import torch
from accelerate import Accelerator

from common.shapes import JsonObject, Message
from generation import checkpoints
from generation.checkpoints import weight_files, weights_hash
from generation.loading import load_policy, load_tokenizer
from generation.rendering import ChatTemplate
from generation.types import LanguageModel, Tokenizer
from training import advantages, command, folders, sft
from training.accelerated import accelerator_for, adapted, chunks, copied, put_back, share, total
from training.actor import Actor, Padded, reference_logprobs
from training.command import Tell
from training.curves import Line, Panel
from training.experience import Experience, columns
from training.fit import batch, rate
from training.folders import BadFolder
from training.ppo_options import PPO, RLOO, Settings, add_reward_model, check, reward_model_of
from training.record import Record
from training.rollouts import RewardOf, Rollout, Sampler, scorer

SHOWN = ("reward", "kl", "tokens", "ended", "perplexity")  # in the curve


class Training:
    def __init__(
        self, accelerator: Accelerator, settings: Settings, policy: LanguageModel, reference: LanguageModel,
        tokenizer: Tokenizer, reward_of: RewardOf, record: Record, ptx: Sequence[sft.Example] = (),
    ) -> None:  # fmt: skip
        s = settings
        self.accelerator, self.settings, self.reference = accelerator, s, reference
        self.reward_of, self.record, self.ptx = reward_of, record, ptx
        self.pad = tokenizer.pad_token_id or 0
        actor = Actor(policy, s.temperature)
        actor.value_head.requires_grad_(s.algorithm == PPO)
        self.trained = [parameter for parameter in actor.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(self.trained, lr=s.learning_rate, weight_decay=0.0)
        prepared: Any = accelerator.prepare(actor, optimizer)
        self.actor, self.optimizer = prepared
        self.bare: Any = accelerator.unwrap_model(self.actor)
        stop = [one.replace("\\n", "\n") for one in s.stop.split("|") if one]
        chat = ChatTemplate(tokenizer, system_prompt=s.system_prompt, system_turn=s.system_turn)
        # With weights in 32 bits, every step of drawing would turn them into 16 again.
        half = accelerator.mixed_precision == "bf16"
        self.drawn_from = deepcopy(self.bare.policy).to(torch.bfloat16).requires_grad_(False) if half else None
        self.sampler = Sampler(
            self.drawn_from or self.bare.policy, tokenizer, chat, max_tokens=s.max_tokens,
            temperature=s.temperature, stop=stop, rows=s.rows,
        )  # fmt: skip
        self.scale: list[float] = []  # mean and deviation of the first policy's reward

    def run(self, prompts: Sequence[list[Message]]) -> JsonObject:
        """All iterations, and a last look at what they led to; the figures of the weights that are left."""
        s, done = self.settings, 0
        before: list[torch.Tensor] = []
        if (going := self.record.resume()) is not None:
            done, before, self.scale = going.step, going.kept, going.facts["scale"]  # type: ignore[assignment]
        stopped = False
        for iteration in range(done + 1, s.iterations + 2):
            began = time.monotonic()
            found, row = self.collect(prompts, iteration)
            row = {"iteration": iteration - 1, **row}
            if s.max_kl and row["kl"] > s.max_kl and before:
                self.record.row({**row, "given_up": True})
                put_back(self.trained, before)
                stopped = True
                break
            if iteration <= s.iterations:
                before = copied(self.trained)
                row |= self.improve(found, iteration)
            row["seconds"] = round(time.monotonic() - began, 1)
            self.record.row(row)
            self.record.answers(iteration - 1, [(one.rollout.prompt, one.rollout.text) for one in found])
            self.record.tell(
                f"step {iteration - 1} of {s.iterations}: reward {row['reward']:.3f}, KL {row['kl']:.2f}, "
                f"{row['tokens']:.1f} tokens, {row['ended']:.0%} ended, {row['seconds']:.0f} s"
            )
            if s.save_every and iteration % s.save_every == 0 and iteration <= s.iterations:
                self.record.save_state(iteration, {"scale": self.scale}, before)
        left = [row for row in self.record.rows if "given_up" not in row][-1]
        return {**{key: left[key] for key in ("iteration", *SHOWN)}, "stopped_at_max_kl": stopped}

    # Answers are drawn and scored

    def collect(self, prompts: Sequence[list[Message]], iteration: int) -> tuple[list[Experience], dict[str, float]]:
        """This process's answers of an iteration, and the figures of all processes'."""
        s = self.settings
        asked = batch(prompts, iteration, s.answers_per_iteration // s.answers_per_prompt, s.seed)
        places = share(range(len(asked)), self.accelerator)
        self.bare.eval()
        if self.drawn_from is not None:
            put_back(list(self.drawn_from.parameters()), [one.detach() for one in self.bare.policy.parameters()])
            self.drawn_from.eval()
        rollouts = self.sampler.draw(
            [asked[at] for at in places for _ in range(s.answers_per_prompt)],
            [Random(f"{s.seed}-{iteration}-{at}-{n}").getrandbits(48)
             for at in places for n in range(s.answers_per_prompt)],
        )  # fmt: skip
        with self.accelerator.autocast():
            scores = self.reward_of(rollouts).float().cpu()
            found = [one for part in chunks(rollouts, s.micro_batch_size) for one in self._experience(part)]
        count = total(self.accelerator, len(found))[0]
        if not self.scale:
            mean, square = (v / count for v in total(self.accelerator, scores.sum().item(), (scores**2).sum().item()))
            self.scale = [mean, math.sqrt(max(square - mean**2, 1e-8))]
        slope = self._advantages(found, scores)
        sums = total(
            self.accelerator, scores.sum().item(), sum((one.logprobs - one.reference).sum().item() for one in found),
            sum(len(one.rollout.ids) for one in found), sum(one.rollout.ended for one in found),
            sum(-one.reference.sum().item() for one in found),
        )  # fmt: skip
        reward, kl, tokens, ended, surprise = sums
        return found, {
            "reward": reward / count, "reward_in_deviations": (reward / count - self.scale[0]) / self.scale[1],
            "kl": kl / count, "tokens": tokens / count, "ended": ended / count,
            "perplexity": math.exp(surprise / tokens), "length_slope": slope * tokens / count,
        }  # fmt: skip

    def _experience(self, rollouts: Sequence[Rollout]) -> list[Experience]:
        padded = Padded(rollouts, self.pad, self.accelerator.device)
        with torch.no_grad():
            logprobs, values = self.bare(padded)
        reference = reference_logprobs(self.reference, padded, self.settings.temperature)
        own = zip(rollouts, logprobs.cpu(), reference.float().cpu(), values.cpu(), strict=True)
        return [Experience(one, *(t[: len(one.ids)] for t in tensors)) for one, *tensors in own]

    def _advantages(self, found: list[Experience], scores: torch.Tensor) -> float:
        """Fill them in; return how many deviations of reward go with a token more."""
        s = self.settings
        unended = torch.tensor([not one.rollout.ended for one in found], dtype=torch.float32)
        lengths = torch.tensor([len(one.rollout.ids) for one in found], dtype=torch.float32)
        scores = (scores - self.scale[0]) / self.scale[1]
        slope, mean_length = advantages.over_length(
            total(self.accelerator, *advantages.moments(lengths, scores))
        )  # fmt: skip
        if s.length_controlled:
            # Fitted anew each time: the first policy's line would pay for length once its reason is gone.
            scores = scores - slope * (lengths - mean_length)
        scores = scores - s.unended_penalty * unended
        mask = columns([torch.ones_like(one.values) for one in found])
        kl = columns([one.logprobs - one.reference for one in found])
        rewards = advantages.token_rewards(scores, kl, mask, beta=s.beta)
        if s.algorithm == RLOO:
            gains = advantages.leave_one_out(rewards.sum(1), s.answers_per_prompt)[:, None] * mask
            returns = gains
        else:
            values = columns([one.values for one in found])
            gains, returns = advantages.gae(rewards, values, mask, gamma=s.gamma, lam=s.lam)
            count, sum_, square = total(
                self.accelerator, mask.sum().item(), gains.sum().item(), (gains**2).sum().item()
            )
            mean = sum_ / count
            gains = advantages.whitened(gains, mask, mean, math.sqrt(max(0.0, square / count - mean**2)))
        for row, one in enumerate(found):
            one.advantages, one.returns = (t[row, : len(one.values)] for t in (gains, returns))
        return slope

    # The policy moves

    def improve(self, found: Sequence[Experience], iteration: int) -> dict[str, float]:
        """The epochs over these answers; what they did."""
        s, step, steps = self.settings, 0, 0
        size = max(1, s.minibatch_size // self.accelerator.num_processes)
        for group in self.optimizer.param_groups:
            group["lr"] = s.learning_rate * rate(iteration, s.iterations)
        figures = {"policy_loss": 0.0, "value_loss": 0.0, "clipped": 0.0}
        self.actor.train()
        for epoch in range(s.epochs):
            order = Random(f"{s.seed}-{iteration}-{epoch}").sample(list(found), len(found))
            for part in chunks(order, size):
                step += 1
                for name, value in zip(figures, self._step(part, iteration * 1000 + step), strict=True):
                    figures[name] += value
                steps += 1
        return {name: value / steps for name, value in figures.items()}

    def _step(self, part: Sequence[Experience], number: int) -> list[float]:
        """One step of the optimizer: losses of policy and value, and the share of tokens that was clipped."""
        s, processes = self.settings, self.accelerator.num_processes
        tokens, answers = total(self.accelerator, sum(len(one.values) for one in part), len(part))
        size = answers if s.algorithm == RLOO else tokens
        sums = [0.0, 0.0, 0.0]
        pieces = chunks(part, s.micro_batch_size)
        for piece in pieces:
            padded = Padded([one.rollout for one in piece], self.pad, self.accelerator.device)
            old, values, gains, returns = (
                columns([getattr(one, name) for one in piece]).to(self.accelerator.device)
                for name in ("logprobs", "values", "advantages", "returns")
            )
            with self.accelerator.autocast():
                new, expected = self.actor(padded)
                policy, clipped = advantages.clipped_policy_loss(new, old, gains, padded.mask, clip=s.clip)
                value = advantages.clipped_value_loss(expected, values, returns, padded.mask, clip=s.clip)
                loss = policy / size
                if s.algorithm == PPO:
                    loss = loss + s.value_coefficient * value / size
                if self.ptx:
                    mixed = batch(self.ptx, number, len(piece), s.seed)
                    tokens_mixed = sum(len(ids) - start for ids, start in mixed)
                    share_of = s.ptx_coefficient / tokens_mixed / len(pieces) / processes
                    loss = loss + sft.loss_of(self.bare.policy, mixed, self.pad) * share_of
            self.accelerator.backward(loss * processes)
            sums = [a + b.item() for a, b in zip(sums, (policy / size, value / size, clipped / tokens), strict=True)]
        self.accelerator.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return total(self.accelerator, *sums)


def train(
    *, export: Path, base: Path, reward_model: Path, out: Path, first: Path | None = None,
    settings: Settings | None = None, tell: Tell = lambda text: None,
) -> JsonObject:  # fmt: skip
    """Train, save to `out`, and return what is known of the result: `training.json` beside the weights.

    KL is counted from the policy `first`, which is `base` if none is named.

    Raises:
        BadFolder, CannotLoad, checkpoints.OutExists: with a sentence.
    """
    s = settings or Settings()
    checkpoints.check_free(out)
    began = time.monotonic()
    torch.manual_seed(s.seed)
    accelerator = accelerator_for(s)
    check(s, accelerator.num_processes)
    tokenizer = load_tokenizer(str(base))
    policy, reference = (load_policy(str(folder), accelerator.device) for folder in (base, first or base))
    reference.eval()
    prompts = folders.prompts(export, "train")
    if not prompts:
        raise BadFolder(f"{export} has no prompt to train on.")
    ptx = sft.read(Path(s.ptx), "train", tokenizer, policy.config, sft.Settings(source="sft")) if s.ptx else []
    hashes = [weights_hash(weight_files(folder)) for folder in (base, reward_model, first or base)]
    origin = {
        **folders.origin(export), "base": base.name, "parent_sha256": hashes[0], "reward_model": reward_model.name,
        "reward_model_sha256": hashes[1], "first_policy_sha256": hashes[2],
    }  # fmt: skip
    record = Record(out, {**asdict(s), **origin}, accelerator, tell)
    tell(f"{len(prompts)} prompts to train on")
    judge = scorer(reward_model, accelerator.device, s.micro_batch_size)
    training = Training(accelerator, s, adapted(policy, s, "policy"), reference, tokenizer, judge, record, ptx)
    result = training.run(prompts)
    facts: JsonObject = {
        "kind": "ppo", **origin, "prompts": len(prompts), **result,
        "seconds": round(time.monotonic() - began, 1), "options": asdict(s), "history": list(record.rows),
    }  # fmt: skip
    record.finish(training.bare.policy, tokenizer, facts, panels(record.rows))
    return facts


def panels(rows: Sequence[JsonObject]) -> list[Panel]:
    return [
        Panel(name, [Line(name, [(row["iteration"], row[name]) for row in rows])], over="iteration")  # type: ignore[misc]
        for name in SHOWN
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    def more(parser: ArgumentParser) -> None:
        parser.add_argument("--first-policy", type=Path, help="that KL is counted from (default: BASE)")

    return command.run(
        "ppo", __doc__, Settings,
        lambda o, s: train(
            export=o.export, base=o.base, reward_model=reward_model_of(o), out=o.out, first=o.first_policy,
            settings=s, tell=command.tell,
        ),
        arguments, export="an export folder with prompts, preferences or rankings", before_out=add_reward_model,
        more=more,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
