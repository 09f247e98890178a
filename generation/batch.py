"""The running batch: rows that join and leave between steps, over transformers' own forward. Torch only.

Every row's newest token is in the same column of the cache (rows are aligned on the right), so a
step writes one column and reads one slice, and the width of that slice is the longest row. The
buffers are allocated once and grown in chunks; nothing is concatenated. A row that leaves is
overwritten by the last one. On a GPU the step can be captured (`captured.py`): it then works on whole
buffers and differs from step to step in nothing but the content of tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache, DynamicLayer

from generation.captured import CapturedSteps, Seen
from generation.types import Model

COLUMNS = 256  # the cache grows by so many
NOTHING = torch.empty(0, 0, 0, 0)


class _Layer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values: buffers [rows, heads, columns, size], written at the batch's column."""

    is_initialized = True
    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self, batch: RollingBatch) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.is_initialized = True
        self.keys = self.values = NOTHING
        self.batch = batch

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        b = self.batch
        if (seen := b.seen) is not None:
            keys, values = self.keys[: seen.rows], self.values[: seen.rows]
            keys.index_copy_(2, seen.column, key_states)
            values.index_copy_(2, seen.column, value_states)
            return keys[:, :, : seen.columns], values[:, :, : seen.columns]
        self.keys[: b.size, :, b.column : b.column + 1].copy_(key_states)
        self.values[: b.size, :, b.column : b.column + 1].copy_(value_states)
        window = slice(b.left, b.column + 1)
        return self.keys[: b.size, :, window], self.values[: b.size, :, window]

    def get_seq_length(self) -> int:
        return self.batch.column - self.batch.left


@dataclass(frozen=True)
class PromptCache:
    """Keys and values of one prompt that was read, perhaps beside others."""

    cache: DynamicCache
    length: int
    at: int = 0  # its row in the cache

    def tensors(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Of each layer, [1, heads, length, size]."""
        for layer in self.cache.layers:
            assert isinstance(layer, CacheLayerMixin)
            assert layer.keys is not None
            assert layer.values is not None
            row = slice(self.at, self.at + 1)
            yield layer.keys[row, :, : self.length], layer.values[row, :, : self.length]


class RollingBatch:
    def __init__(self, model: Model, *, window: int | None = None, mixed: bool = False, captured: bool = False) -> None:
        self.model = model
        self.window = window  # of sliding-attention layers, where the model has any
        self.mixed = mixed  # … beside layers that see everything
        self.device = model.device
        self.size = 0
        self.column = 0  # the next one to be written
        self.left = 0  # first column that any row uses
        self.starts: list[int] = []  # first column of each row
        self.changes = 0  # of the rows and their places
        self.layers: list[_Layer] = []
        self._mask_parts: tuple[torch.Tensor, torch.Tensor] | None = None
        self._cache: Cache | None = None
        self.whole = True  # False while the buffers are being moved: an error then leaves them unusable
        self.seen: Seen | None = None  # what a step that is captured sees of the buffers
        self.captured = CapturedSteps() if captured else None

    # Prompts

    def prefill(self, ids: list[int], past: PromptCache | None) -> tuple[torch.Tensor, PromptCache]:
        """Run tokens of one prompt (the first or a further chunk); returns the last logits [1, V] and its cache."""
        cache = DynamicCache() if past is None else past.cache
        done = cache.get_seq_length()
        out = self.model(
            input_ids=torch.tensor([ids], device=self.device),
            position_ids=torch.arange(done, done + len(ids), device=self.device)[None],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return out.logits[:, -1], PromptCache(cache, done + len(ids))

    def prefill_together(self, prompts: Sequence[list[int]]) -> list[tuple[torch.Tensor, PromptCache]]:
        """Read whole prompts at once: for each its last logits [1, V] and its cache.

        They are padded at their ends, which no token before it sees.
        """
        longest = max(map(len, prompts))
        padded = [ids + ids[-1:] * (longest - len(ids)) for ids in prompts]
        ends = sorted({len(ids) - 1 for ids in prompts})
        cache = DynamicCache()
        out = self.model(
            input_ids=torch.tensor(padded, device=self.device),
            position_ids=torch.arange(longest, device=self.device).expand(len(prompts), -1),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=torch.tensor(ends, device=self.device),
        )
        return [
            (out.logits[at, ends.index(len(ids) - 1)][None], PromptCache(cache, len(ids), at))
            for at, ids in enumerate(prompts)
        ]

    def join(self, past: PromptCache, copies: int) -> None:
        """Put a prompt's keys and values into the batch as `copies` new rows."""
        self.join_all([(past, copies)])

    def join_all(self, prompts: Sequence[tuple[PromptCache, int]]) -> None:
        """Each prompt as so many new rows. Room is made for all of them first: then none or all of them join."""
        if self.size == 0:
            self.column = self.left = 0
        self._make_room(
            self.size + sum(copies for _, copies in prompts), max(past.length for past, _ in prompts), prompts[0][0]
        )
        for past, copies in prompts:
            first, begin = self.size, self.column - past.length
            for layer, (keys, values) in zip(self.layers, past.tensors(), strict=True):
                layer.keys[first : first + copies, :, begin : self.column] = keys
                layer.values[first : first + copies, :, begin : self.column] = values
            self.size += copies
            self.starts.extend([begin] * copies)
        self._changed()

    def _make_room(self, rows: int, length: int, like: PromptCache) -> None:
        """Buffers for `rows` rows, with `length` columns before the current one and some after it."""
        if not self.layers:
            self.layers = [_Layer(self) for _ in like.cache.layers]
            self._cache = Cache(layers=list(self.layers))
        have = self.layers[0].keys.shape
        if rows <= have[0] and length <= self.column and self.column < have[2]:
            return
        capacity = have[0] if rows <= have[0] else max(rows, min(have[0] * 2, 64))
        self._move(capacity, max(self.column - self.left, length), like)

    def _widen(self) -> None:
        """The last column is written: move everything to the left, into wider buffers if need be."""
        self._move(len(self.layers[0].keys), self.column - self.left, None)

    def _move(self, rows: int, column: int, like: PromptCache | None) -> None:
        """What is used of the buffers now ends at `column`; new ones are made where these are of the wrong size."""
        have = self.layers[0].keys.shape
        columns = -(-(column + COLUMNS // 2) // COLUMNS) * COLUMNS
        fits = rows <= have[0] and columns <= have[2] <= 2 * columns
        if not fits and self.captured is not None:
            self.captured.forget()  # they write to the buffers that there were
        self.whole = False
        forms = like.tensors() if like is not None else ((layer.keys, layer.values) for layer in self.layers)
        shape = None if fits else (rows, columns)
        for layer, (keys, values) in zip(self.layers, forms, strict=True):
            layer.keys = self._moved(layer.keys, keys, shape, column)
            layer.values = self._moved(layer.values, values, shape, column)
        self.whole = True
        shift = column - self.column
        self.starts = [s + shift for s in self.starts]
        self.column = column
        self._changed()

    def _moved(self, old: torch.Tensor, like: torch.Tensor, shape: tuple[int, int] | None, column: int) -> torch.Tensor:
        """The buffer, or a new one of so many rows and columns, with its used columns ending at `column`."""
        used = self.column - self.left
        fresh = old if shape is None else like.new_zeros(shape[0], like.shape[1], shape[1], like.shape[3])
        if self.size:
            moving = old[: self.size, :, self.left : self.column]
            fresh[: self.size, :, column - used : column] = moving.clone() if shape is None else moving
        return fresh

    # Steps

    def decode(self, tokens: torch.Tensor) -> torch.Tensor:
        """One token [R] for each row in, the next logits [R, V] out: good until the next step."""
        if self.column >= self.layers[0].keys.shape[2]:
            self._widen()
        logits = None if self.captured is None else self.captured.step(self, tokens)
        if logits is None:
            starts, columns = self._mask()
            mask = self._attention_mask(starts, columns[self.left : self.column + 1], self.column)
            logits = self.forward(tokens, (self.column - starts)[:, None], mask)
        self.column += 1
        return logits

    def forward(
        self, tokens: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | dict[str, torch.Tensor]
    ) -> torch.Tensor:
        out = self.model(
            input_ids=tokens[:, None], position_ids=positions, attention_mask=mask, past_key_values=self._cache,
            use_cache=True, logits_to_keep=1,
        )  # fmt: skip
        return out.logits[:, -1]

    def forward_seen(self, tokens: torch.Tensor, seen: Seen) -> torch.Tensor:
        """The same step over whole buffers: fit to be captured."""
        mask = self._attention_mask(seen.starts, seen.numbers, seen.column)
        self.seen = seen
        try:
            return self.forward(tokens, (seen.column - seen.starts)[:, None], mask)
        finally:
            self.seen = None

    def _mask(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self._mask_parts is None:
            starts = torch.tensor(self.starts, device=self.device)
            self._mask_parts = starts, torch.arange(self.layers[0].keys.shape[2] + 1, device=self.device)
        return self._mask_parts

    def _attention_mask(
        self, starts: torch.Tensor, columns: torch.Tensor, newest: int | torch.Tensor
    ) -> torch.Tensor | dict[str, torch.Tensor]:
        """Which of these columns each row sees, as a float mask made once for all layers: [R, 1, 1, W]."""
        here = columns[None, :]
        own = (here >= starts[:, None]) & (here <= newest)
        if self.window is None:
            return self._as_float(own)
        near = self._as_float(own & (here > newest - self.window))
        return {"full_attention": self._as_float(own), "sliding_attention": near} if self.mixed else near

    def _as_float(self, seen: torch.Tensor) -> torch.Tensor:
        dtype = self.layers[0].keys.dtype
        mask = torch.zeros(seen.shape, dtype=dtype, device=self.device)
        return mask.masked_fill_(~seen, torch.finfo(dtype).min)[:, None, None, :]

    def leave(self, index: int) -> int:
        """Free a row; the last one moves into its place. Returns the index it had, which is now vacant."""
        last = self.size - 1
        if index != last:
            begin = self.starts[last]
            for layer in self.layers:
                for buffer in (layer.keys, layer.values):
                    buffer[index, :, begin : self.column] = buffer[last, :, begin : self.column]
            self.starts[index] = begin
        self.starts.pop()
        self.size = last
        self._changed()
        return last

    def _changed(self) -> None:
        self.changes += 1
        self._mask_parts = None
        self.left = min(self.starts, default=self.column)

    def buffer_shape(self) -> tuple[int, int]:
        """Rows and columns."""
        shape = self.layers[0].keys.shape
        return shape[0], shape[2]

    def release(self) -> None:
        """Give the buffers back, e.g. after the memory ran out."""
        if self.captured is not None:
            self.captured.forget()
        if self.size == 0:
            self.whole = True
            for layer in self.layers:
                layer.keys = layer.values = NOTHING

    @property
    def width(self) -> int:
        return self.column - self.left
