"""An answer of an iteration with the tensors of its tokens, and many of them as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from training.rollouts import Rollout

NOTHING = torch.empty(0)


@dataclass
class Experience:
    """An answer with what was computed of it before it is learnt from; tensors of its tokens."""

    rollout: Rollout
    logprobs: torch.Tensor
    reference: torch.Tensor
    values: torch.Tensor
    advantages: torch.Tensor = NOTHING
    returns: torch.Tensor = NOTHING


def columns(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """Rows of different lengths as one tensor, padded on the right."""
    return pad_sequence(list(rows), batch_first=True)
