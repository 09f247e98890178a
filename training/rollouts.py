"""Answers drawn from the policy in training, rendered, drawn and scored as the sampler does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from common.shapes import Message
from generation.batch import PromptCache, RollingBatch
from generation.choose import Chooser
from generation.loading import end_tokens, layer_kinds, load_reward_model, load_tokenizer
from generation.rendering import ChatTemplate
from generation.scoring import encode, longest_conversation, score
from generation.text_stream import TextStream
from generation.types import LanguageModel, Tokenizer
from training.accelerated import chunks

READ_TOGETHER = 8  # prompts


@dataclass
class Rollout:
    """A prompt and the answer drawn to it."""

    prompt: list[Message]
    prompt_ids: list[int]
    seed: int
    stream: TextStream
    ids: list[int] = field(default_factory=list)  # of the answer, with what ended it
    ended: bool = False  # by itself or by a stop string, not at its limit

    @property
    def text(self) -> str:
        return self.stream.text.strip()

    def take(self, token: int, ends: frozenset[int], limit: int) -> bool:
        """Note one token; whether the answer is over."""
        self.ids.append(token)
        if token not in ends:
            self.stream.push(token)
        self.ended = token in ends or self.stream.stopped
        over = self.ended or len(self.ids) >= limit
        if over:
            self.stream.finish()
        return over


class Sampler:
    """Draws from a model that is trained meanwhile: it reads its weights as they are."""

    def __init__(
        self, model: LanguageModel, tokenizer: Tokenizer, chat: ChatTemplate, *, max_tokens: int, temperature: float,
        stop: Sequence[str], rows: int,
    ) -> None:  # fmt: skip
        self.model, self.tokenizer, self.chat = model, tokenizer, chat
        self.max_tokens, self.temperature, self.rows = max_tokens, temperature, rows
        self.stop = tuple(stop)
        self.ends = end_tokens(model, tokenizer)
        config = model.config.get_text_config()
        kinds = layer_kinds(config)
        self.window: int | None = getattr(config, "sliding_window", None) if "sliding_attention" in kinds else None
        self.mixed = len(kinds) > 1

    @torch.no_grad()
    def draw(self, prompts: Sequence[Sequence[Message]], seeds: Sequence[int]) -> list[Rollout]:
        """An answer to each; a prompt that stands there several times in a row is read once."""
        found = []
        for start in range(0, len(prompts), self.rows):
            found += self._draw(prompts[start : start + self.rows], seeds[start : start + self.rows])
        return found

    def _draw(self, prompts: Sequence[Sequence[Message]], seeds: Sequence[int]) -> list[Rollout]:
        batch = RollingBatch(self.model, window=self.window, mixed=self.mixed)
        running: list[Rollout] = []
        found: list[Rollout] = []
        tokens = torch.empty(0, dtype=torch.long, device=self.model.device)
        for part in chunks(_same(prompts), READ_TOGETHER):
            fresh = [
                [self._rollout(prompt, seed) for seed in seeds[start : start + copies]]
                for prompt, start, copies in part
            ]
            read = batch.prefill_together([own[0].prompt_ids for own in fresh])
            tokens = torch.cat([tokens, self._join(batch, fresh, read, running)])
            found += [one for own in fresh for one in own]
        chooser, count = self._chooser(running), len(running)
        while running:
            if len(running) != count:
                chooser, count = self._chooser(running), len(running)
            drawn = chooser.choose(batch.decode(tokens), [len(one.ids) for one in running])[0]
            tokens = self._take(batch, running, drawn)
        return found

    def _rollout(self, prompt: Sequence[Message], seed: int) -> Rollout:
        rendered = self.chat.render(prompt, max_tokens=self.max_tokens)
        stream = TextStream(
            lambda ids: self.tokenizer.decode(ids, skip_special_tokens=True), [*self.stop, *rendered.stops]
        )
        return Rollout(list(prompt), rendered.ids, seed, stream)

    def _join(
        self, batch: RollingBatch, fresh: Sequence[list[Rollout]], read: Sequence[tuple[torch.Tensor, PromptCache]],
        running: list[Rollout],
    ) -> torch.Tensor:  # fmt: skip
        """Those that are not over with their first token become rows; returns these tokens."""
        kept = []
        for own, (logits, past) in zip(fresh, read, strict=True):
            first = self._chooser(own).choose(logits.expand(len(own), -1), [0] * len(own))[0]
            at = [n for n, token in enumerate(first.tolist()) if not own[n].take(token, self.ends, self.max_tokens)]
            if at:
                batch.join(past, len(at))
                running += [own[n] for n in at]
            kept.append(first[at])
        return torch.cat(kept)

    def _take(self, batch: RollingBatch, running: list[Rollout], drawn: torch.Tensor) -> torch.Tensor:
        """Note a token of each row; rows that are over leave."""
        values = drawn.tolist()
        over = [one.take(token, self.ends, self.max_tokens) for one, token in zip(running, values, strict=True)]
        for index in reversed(range(len(over))):
            if over[index]:
                last = batch.leave(index)
                running[index], values[index] = running[last], values[last]
                running.pop()
                values.pop()
        return torch.tensor(values, dtype=torch.long, device=drawn.device)

    def _chooser(self, rows: Sequence[Rollout]) -> Chooser:
        count = len(rows)
        seeds = [one.seed for one in rows]
        return Chooser([self.temperature] * count, [1.0] * count, [0] * count, seeds, self.model.device)


def _same(prompts: Sequence[Sequence[Message]]) -> list[tuple[Sequence[Message], int, int]]:
    """Each prompt, its place, and how often it stands there in a row."""
    found: list[tuple[Sequence[Message], int, int]] = []
    for at, prompt in enumerate(prompts):
        if found and found[-1][0] == prompt:
            found[-1] = (prompt, found[-1][1], found[-1][2] + 1)
        else:
            found.append((prompt, at, 1))
    return found


RewardOf = Callable[[Sequence[Rollout]], torch.Tensor]


def scorer(folder: Path, device: torch.device, at_once: int) -> RewardOf:
    """The reward model of a folder, as the sampler's classifier runs it."""
    tokenizer = load_tokenizer(str(folder))
    model = load_reward_model(str(folder), device=device)
    model.eval()
    pad, limit = tokenizer.pad_token_id or 0, longest_conversation(model.config)
    model.config.pad_token_id = pad

    def reward_of(rollouts: Sequence[Rollout]) -> torch.Tensor:
        texts = [[*one.prompt, Message(role="assistant", content=one.text)] for one in rollouts]
        encoded = [encode(tokenizer, text)[-limit:] for text in texts]
        with torch.no_grad():
            return torch.cat([score(model, part, pad) for part in chunks(encoded, at_once)])

    return reward_of
