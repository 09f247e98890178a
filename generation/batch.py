"""The running batch: rows that join and leave between steps, over transformers' own forward. Torch only.

Every row's newest token is in the same column of the cache (rows are aligned on the right), so a
step writes one column and reads one slice, and the width of that slice is the longest row. The
buffers are allocated once and grown in chunks; nothing is concatenated. A row that leaves is
overwritten by the last one.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache, DynamicLayer

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
        self.keys[: b.size, :, b.column : b.column + 1].copy_(key_states)
        self.values[: b.size, :, b.column : b.column + 1].copy_(value_states)
        window = slice(b.left, b.column + 1)
        return self.keys[: b.size, :, window], self.values[: b.size, :, window]

    def get_seq_length(self) -> int:
        return self.batch.column - self.batch.left


class RollingBatch:
    def __init__(self, model: Model, *, window: int | None = None, mixed: bool = False) -> None:
        self.model = model
        self.window = window  # of sliding-attention layers, where the model has any
        self.mixed = mixed  # … beside layers that see everything
        self.device = model.device
        self.size = 0
        self.column = 0  # the next one to be written
        self.left = 0  # first column that any row uses
        self.starts: list[int] = []  # first column of each row
        self.layers: list[_Layer] = []
        self._mask_parts: tuple[torch.Tensor, torch.Tensor] | None = None
        self._cache: Cache | None = None

    # Prompts

    def prefill(self, ids: list[int], past: DynamicCache | None) -> tuple[torch.Tensor, DynamicCache]:
        """Run tokens of one prompt (the first or a further chunk); returns the last logits [1, V] and its cache."""
        past = DynamicCache() if past is None else past
        done = past.get_seq_length()
        out = self.model(
            input_ids=torch.tensor([ids], device=self.device),
            position_ids=torch.arange(done, done + len(ids), device=self.device)[None],
            past_key_values=past,
            use_cache=True,
            logits_to_keep=1,
        )
        return out.logits[:, -1], past

    def join(self, past: DynamicCache, copies: int) -> None:
        """Put a prompt's keys and values into the batch as `copies` new rows."""
        length = past.get_seq_length()
        if self.size == 0:
            self.column = self.left = 0
        self._make_room(self.size + copies, length, past)
        first, begin = self.size, self.column - length
        for layer, (keys, values) in zip(self.layers, _tensors(past), strict=True):
            layer.keys[first : first + copies, :, begin : self.column] = keys
            layer.values[first : first + copies, :, begin : self.column] = values
        self.size += copies
        self.starts.extend([begin] * copies)
        self._changed()

    def _make_room(self, rows: int, length: int, like: DynamicCache) -> None:
        """Buffers for `rows` rows, with `length` columns before the current one and some after it."""
        if not self.layers:
            self.layers = [_Layer(self) for _ in like.layers]
            self._cache = Cache(layers=list(self.layers))
        have = self.layers[0].keys.shape
        used = self.column - self.left
        if rows <= have[0] and length <= self.column and self.column < have[2]:
            return
        width = max(used, length)
        columns = -(-(width + COLUMNS // 2) // COLUMNS) * COLUMNS
        capacity = max(rows, have[0], min(have[0] * 2, 64))
        shift = width - self.column  # the newest column ends up at `width`
        for layer, (keys, values) in zip(self.layers, _tensors(like), strict=True):
            layer.keys = self._moved(layer.keys, keys, capacity, columns, width - used)
            layer.values = self._moved(layer.values, values, capacity, columns, width - used)
        self.starts = [s + shift for s in self.starts]
        self.column = width
        self.left += shift

    def _widen(self) -> None:
        """The last column is written: move everything to the left, into wider buffers if need be."""
        used = self.column - self.left
        columns = -(-(used + COLUMNS // 2) // COLUMNS) * COLUMNS
        for layer in self.layers:
            layer.keys = self._moved(layer.keys, layer.keys, len(layer.keys), columns, 0)
            layer.values = self._moved(layer.values, layer.values, len(layer.values), columns, 0)
        self.starts = [s - self.left for s in self.starts]
        self.column, self.left = used, 0
        self._changed()

    def _moved(self, old: torch.Tensor, like: torch.Tensor, rows: int, columns: int, to: int) -> torch.Tensor:
        """A new buffer with the used columns of the old one, which now begin at column `to`."""
        fresh = like.new_zeros(rows, like.shape[1], columns, like.shape[3])
        if self.size:
            used = self.column - self.left
            fresh[: self.size, :, to : to + used] = old[: self.size, :, self.left : self.column]
        return fresh

    # Steps

    def decode(self, tokens: torch.Tensor) -> torch.Tensor:
        """One token [R] for each row in, the next logits [R, V] out."""
        if self.column >= self.layers[0].keys.shape[2]:
            self._widen()
        starts, columns = self._mask()
        out = self.model(
            input_ids=tokens[:, None],
            position_ids=(self.column - starts)[:, None],
            attention_mask=self._attention_mask(starts, columns),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self.column += 1
        return out.logits[:, -1]

    def _mask(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self._mask_parts is None:
            starts = torch.tensor(self.starts, device=self.device)
            self._mask_parts = starts, torch.arange(self.layers[0].keys.shape[2] + 1, device=self.device)
        return self._mask_parts

    def _attention_mask(self, starts: torch.Tensor, columns: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """Which columns each row sees, as a float mask made once for all layers: [R, 1, 1, W]."""
        here = columns[self.left : self.column + 1][None, :]
        own = here >= starts[:, None]
        if self.window is None:
            return self._as_float(own)
        near = self._as_float(own & (here > self.column - self.window))
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
        self._mask_parts = None
        self.left = min(self.starts, default=self.column)

    def release(self) -> None:
        """Give the buffers back, e.g. after the memory ran out."""
        if self.size == 0:
            for layer in self.layers:
                layer.keys = layer.values = NOTHING

    @property
    def width(self) -> int:
        return self.column - self.left


def _tensors(cache: DynamicCache) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Keys and values of each layer of a prompt that was read."""
    for layer in cache.layers:
        assert isinstance(layer, CacheLayerMixin)
        assert layer.keys is not None
        assert layer.values is not None
        yield layer.keys, layer.values
