"""The rows that the hf engine decodes together: their newest tokens, and how the next ones are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from generation.batch import PromptCache, RollingBatch
from generation.choose import Chooser, penalise
from sampler.engines._entries import Row

Drawn = tuple[list[int], list[float]]  # a token and its log-probability for each row


class Joining(NamedTuple):
    """Samples of one prompt, with what was read of it."""

    rows: list[Row]
    past: PromptCache
    logits: torch.Tensor  # [1, V]


class RunningRows:
    def __init__(self, batch: RollingBatch) -> None:
        self.batch = batch
        self.rows: list[Row] = []
        self._tokens: torch.Tensor | None = None
        self._chooser: Chooser | None = None  # of all rows, made anew when they change

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def live(self) -> bool:
        """Whether somebody waits for the text of a row."""
        return any(row.entry.job.interactive for row in self.rows)

    @property
    def only_live(self) -> bool:
        return all(row.entry.job.interactive for row in self.rows)

    @property
    def width(self) -> int:
        """Tokens that the longest row will have had."""
        return max((len(r.entry.prompt.ids) + r.most for r in self.rows if r.entry.prompt), default=0)

    def join(self, joining: Sequence[Joining]) -> Drawn:
        """Samples of prompts that were read take their first token and become rows: all of them, or none."""
        rows = [row for part in joining for row in part.rows]
        logits = torch.cat([part.logits.expand(len(part.rows), -1) for part in joining])
        tokens, logprobs = self._chooser_for(rows).choose(logits, [r.count for r in rows], shaped(logits, rows))
        self.batch.join_all([(part.past, len(part.rows)) for part in joining])
        previous = self._tokens[: len(self.rows)] if self._tokens is not None else tokens[:0]
        self._tokens = torch.cat([previous, tokens])
        self.rows.extend(rows)
        self._chooser = None
        return tokens.tolist(), logprobs.tolist()

    def decode(self) -> Drawn:
        """The next token of every row."""
        assert self._tokens is not None
        logits = self.batch.decode(self._tokens)
        if self._chooser is None:
            self._chooser = self._chooser_for(self.rows)
        counts = [r.count for r in self.rows]
        self._tokens, logprobs = self._chooser.choose(logits, counts, shaped(logits, self.rows))
        return self._tokens.tolist(), logprobs.tolist()

    def remove(self, row: Row) -> None:
        """Free a row; the last one moves into its place."""
        index = next(i for i, r in enumerate(self.rows) if r is row)
        last = self.batch.leave(index)
        if self._tokens is not None:
            if index != last:
                self._tokens[index] = self._tokens[last]
            self._tokens = self._tokens[:last]
        moved = self.rows.pop()
        if index != last:
            self.rows[index] = moved
        self._chooser = None

    def _chooser_for(self, rows: list[Row]) -> Chooser:
        params = [r.entry.job.params for r in rows]
        return Chooser(
            [p.temperature for p in params], [p.top_p for p in params], [p.top_k for p in params],
            [r.seed for r in rows], self.batch.device, [p.min_p for p in params],
        )  # fmt: skip


def shaped(logits: torch.Tensor, rows: list[Row]) -> torch.Tensor | None:
    """The logits to draw by, where a row has penalties or biases; None where they are the model's own."""
    if not any(row.penalised for row in rows):
        return None
    changed = logits.float().clone()
    for at, row in enumerate(rows):
        if row.penalised:
            params = row.entry.job.params
            penalise(
                changed[at], seen=row.entry.prompt.ids if row.entry.prompt else [], said=row.ids,
                repetition=params.repetition_penalty, presence=params.presence_penalty,
                frequency=params.frequency_penalty, biases=params.logit_bias,
            )  # fmt: skip
    return changed
