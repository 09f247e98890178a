"""What came of a job so far: texts, traces, ends, counts. Whether an answer is whole is decided here. No connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sampler.engines._chunks import ENDINGS, Chunk, Piece
from sampler.params import Drawn
from sampler.text import storable

OURS = frozenset(ENDINGS.values())


class Unfinished(Exception):
    """A stream broke off, or is over and an answer has no end: it may be a part of what the model would have said."""


@dataclass
class Part:
    """One sample as it comes."""

    text: str = ""
    reasoning: str = ""
    finish: str = ""
    logprob: float | None = None
    tokens: int | None = None
    reasoning_tokens: int | None = None
    seed: int | None = None

    @property
    def ended(self) -> bool:
        return self.finish in OURS

    def take(self, piece: Piece) -> str:
        """The new text. What comes after the end is not part of the answer."""
        if self.finish:
            return ""
        text = storable(piece.text)
        self.text += text
        self.reasoning += storable(piece.reasoning)
        self.finish = piece.finish
        if piece.logprob is not None:
            self.logprob = (self.logprob or 0.0) + piece.logprob
        if piece.tokens:
            self.tokens = (self.tokens or 0) + piece.tokens
        return text

    def reason(self, *, cancelled: bool) -> str:
        """How it ended, in our words."""
        if not self.ended:
            return "cancelled" if cancelled else "stop"
        if self.finish in {"stop", "length"} and self.reasoning and not self.text.strip():
            return "reasoning"
        return self.finish


@dataclass
class Reply:
    """The samples of a job, by index."""

    parts: dict[int, Part] = field(default_factory=dict)
    prompt_tokens: int | None = None
    prompt_ids: tuple[int, ...] | None = None

    def part(self, index: int) -> Part:
        return self.parts.get(index, Part())

    def shown(self, indices: Sequence[int]) -> bool:
        """Whether any of these samples has text."""
        return any(self.part(index).text or self.part(index).reasoning for index in indices)

    def forget(self, indices: Sequence[int]) -> None:
        """These samples are asked for anew."""
        for index in indices:
            self.parts.pop(index, None)

    def missing(self, n: int) -> list[int]:
        return [index for index in range(n) if not self.part(index).ended]

    def take(self, chunk: Chunk, indices: Sequence[int], seeds: Mapping[int, int | None]) -> list[tuple[int, str]]:
        """The new texts by sample. `indices` are those that were asked for in this request; others are not ours."""
        texts = []
        for piece in chunk.pieces:
            if not 0 <= piece.index < len(indices):
                continue
            index = indices[piece.index]
            part = self.parts.setdefault(index, Part(seed=seeds.get(index)))
            text = part.take(piece)
            if text or piece.reasoning:
                texts.append((index, text))
        self._count(chunk, [index for index in indices if index in self.parts])
        return texts

    def _count(self, chunk: Chunk, seen: Sequence[int]) -> None:
        if chunk.prompt_tokens is not None:
            self.prompt_tokens = chunk.prompt_tokens
        if chunk.prompt_ids is not None:
            self.prompt_ids = chunk.prompt_ids
        if len(seen) == 1 and chunk.completion_tokens is not None:
            part = self.parts[seen[0]]
            part.reasoning_tokens = chunk.reasoning_tokens
            part.tokens = chunk.completion_tokens - (chunk.reasoning_tokens or 0)

    def check(self, indices: Sequence[int]) -> None:
        """Raise where a sample that has begun did not end.

        Raises:
            Unfinished: with what the server said of the end, if anything.
        """
        for index in indices:
            part = self.parts.get(index)
            if part is not None and not part.ended:
                said = f"ended with {part.finish!r}" if part.finish else "ended without a finish_reason"
                raise Unfinished(f"The answer {said}, after {len(part.text)} characters.")

    def partial(self, n: int) -> tuple[str, ...]:
        """What there is of the texts of a job that failed; kept apart from answers."""
        texts = tuple(self.part(index).text for index in range(n))
        return texts if any(texts) else ()

    def drawn(self, n: int, used: Mapping[str, object], *, cancelled: bool) -> tuple[Drawn, ...]:
        """The samples; `used` are the sampling parameters as they may be called used."""
        found = []
        for index in range(n):
            part = self.part(index)
            found.append(
                Drawn(
                    index=index, text=part.text, finish_reason=part.reason(cancelled=cancelled),
                    prompt_tokens=self.prompt_tokens, completion_tokens=part.tokens, logprob=part.logprob,
                    seed=part.seed, params={**used, "n": 1, "seed": part.seed}, reasoning=part.reasoning,
                    reasoning_tokens=part.reasoning_tokens,
                )
            )  # fmt: skip
        return tuple(found)
