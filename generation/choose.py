"""The next token of every row at once. Torch and numpy only.

Each row draws with one uniform number made from its own seed and its own count of tokens, by
inverting the cumulative distribution: no generator per row, the same numbers on every device, and
no row's draw depends on which others are in the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

HEAD = 1024  # candidates that top-p and top-k are looked for among, before the whole vocabulary is sorted
BLOCK = 256


def uniforms(seeds: Sequence[int], counts: Sequence[int]) -> np.ndarray:
    """One number in [0, 1) per row: SplitMix64 of seed and count."""
    with np.errstate(over="ignore"):
        x = np.array(seeds, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95)
        x += (np.array(counts, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)).astype(np.float64) / 2.0**53


class Chooser:
    """Sampling parameters of the rows, as tensors; made anew when rows join or leave."""

    def __init__(
        self,
        temperature: Sequence[float],
        top_p: Sequence[float],
        top_k: Sequence[int],
        seeds: Sequence[int],
        device: torch.device | str,
        min_p: Sequence[float] = (),
    ) -> None:
        self.seeds = list(seeds)
        self.greedy = [t == 0 for t in temperature]
        self.all_greedy = all(self.greedy)
        self.any_greedy = any(self.greedy)
        plain = all(t in (0, 1) for t in temperature)
        make: Any = {"device": device, "dtype": torch.float32}
        self.scale = None if plain else torch.tensor([1 / t if t else 1.0 for t in temperature], **make)[:, None]
        self.cut = any(p < 1 for p in top_p) or any(k > 0 for k in top_k)
        self.most = max(top_k, default=0)
        self.top_p = torch.tensor([float(p) for p in top_p], **make)[:, None]
        self.top_k = torch.tensor([float(k) if k > 0 else float("inf") for k in top_k], **make)[:, None]
        self.min_p = torch.tensor([float(p) for p in min_p], **make)[:, None] if any(p > 0 for p in min_p) else None
        self.greedy_rows = torch.tensor(self.greedy, device=device)

    def choose(
        self, logits: torch.Tensor, counts: Sequence[int], shaped: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens [R] and their log-probabilities [R] under the model itself (temperature 1, nothing cut off).

        `shaped` are the logits to draw by, where penalties or biases made them others than the model's.
        """
        logits = logits.float()
        highest = logits.amax(-1, keepdim=True)
        drawn_by = logits if shaped is None else shaped
        top = highest if shaped is None else shaped.amax(-1, keepdim=True)
        if self.all_greedy:
            tokens = drawn_by.argmax(-1)
            total = (logits - highest).exp_().sum(-1)
        else:
            draw = torch.from_numpy(uniforms(self.seeds, counts)).to(logits.device, torch.float32)
            weights = (logits - highest).exp_()
            total = weights.sum(-1)
            if self.scale is not None or shaped is not None:
                scale: torch.Tensor | float = 1.0 if self.scale is None else self.scale
                weights = ((drawn_by - top) * scale).exp_()
            if self.min_p is not None:  # the highest weight is 1
                weights = weights.masked_fill(weights < self.min_p, 0.0)
            tokens = self._cut(weights, draw) if self.cut else invert(weights, draw)
            if self.any_greedy:
                tokens = torch.where(self.greedy_rows, drawn_by.argmax(-1), tokens)
        chosen = logits.gather(-1, tokens[:, None])[:, 0]
        return tokens, chosen - highest[:, 0] - total.log()

    def _cut(self, weights: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
        """Draw among the most probable tokens only: the first top_k, and of them enough for top_p."""
        total = weights.sum(-1, keepdim=True)
        size = min(weights.shape[-1], max(HEAD, self.most))
        head, ids = weights.topk(size, dim=-1)
        if size < weights.shape[-1]:
            # Rows that need more than the head holds (a flat distribution with a high top_p) are rare.
            short = (head.sum(-1, keepdim=True) < self.top_p * total) & (self.top_k > size)
            if bool(short.any()):
                head, ids = weights.sort(dim=-1, descending=True)
        rank = torch.arange(head.shape[-1], device=head.device)[None, :]
        head = head.masked_fill(rank >= self.top_k, 0.0)
        # As vLLM and transformers do: top_p is measured within what top_k left.
        left = torch.where(torch.isinf(self.top_k), total, head.sum(-1, keepdim=True))
        before = head.cumsum(-1) - head
        open_ended = self.top_p >= 1
        head = head.masked_fill((before >= self.top_p * left) & ~open_ended, 0.0)
        picked = ids.gather(-1, invert(head, draw)[:, None])[:, 0]
        whole = open_ended & torch.isinf(self.top_k)  # rows that cut nothing draw from everything
        if bool(whole.any()):
            picked = torch.where(whole[:, 0], invert(weights, draw), picked)
        return picked


def invert(weights: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
    """Index at which the running sum of `weights` [R, V] passes `draw` [R] of its total: by blocks, then within one."""
    rows, size = weights.shape
    blocks = -(-size // BLOCK)
    if blocks * BLOCK != size:
        weights = torch.nn.functional.pad(weights, (0, blocks * BLOCK - size))
    grid = weights.view(rows, blocks, BLOCK)
    sums = grid.sum(-1, dtype=torch.float32).cumsum(-1)
    target = draw[:, None] * sums[:, -1:]
    block = torch.searchsorted(sums, target, right=True).clamp_(max=blocks - 1)
    inside = grid.gather(1, block[:, :, None].expand(-1, 1, BLOCK))[:, 0]
    before = torch.where(block > 0, sums.gather(1, (block - 1).clamp_(min=0)), torch.zeros_like(target))
    running = inside.cumsum(-1)
    # Rounding may leave the target a hair beyond the block's sum: stay below it, on a token that has weight.
    aim = torch.minimum(target - before, running[:, -1:] * (1 - 1e-6))
    offset = torch.searchsorted(running, aim, right=True).clamp_(max=BLOCK - 1)
    return (block * BLOCK + offset)[:, 0]


def penalise(
    logits: torch.Tensor,
    *,
    seen: Sequence[int],
    said: Sequence[int],
    repetition: float,
    presence: float,
    frequency: float,
    biases: Mapping[str, float],
) -> None:
    """Change the logits [V] of one row in place, as vLLM does: repetition counts the prompt, the others the answer."""
    size = logits.shape[-1]
    if repetition != 1 and (tokens := sorted({*seen, *said})):
        at = torch.tensor(tokens, device=logits.device)
        values = logits[at]
        logits[at] = torch.where(values > 0, values / repetition, values * repetition)
    if (presence or frequency) and said:
        spoken, counts = np.unique(np.array(said), return_counts=True)
        at = torch.from_numpy(spoken).to(logits.device)
        logits[at] -= presence + frequency * torch.from_numpy(counts).to(logits.device, logits.dtype)
    for token, bias in biases.items():
        if int(token) < size:
            logits[int(token)] += bias
