"""The policy in training with its value head, and the log-probabilities that policies give to answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from generation.types import LanguageModel
from training.rollouts import Rollout


class Padded:
    """Rollouts as tensors: prompts padded on the left, answers on the right, so that answers share their columns."""

    def __init__(self, rollouts: Sequence[Rollout], pad: int, device: torch.device) -> None:
        before = max(len(one.prompt_ids) for one in rollouts)
        self.longest = max(len(one.ids) for one in rollouts)
        ids = torch.full((len(rollouts), before + self.longest), pad, dtype=torch.long)
        seen = torch.zeros_like(ids)
        for row, one in enumerate(rollouts):
            begin, end = before - len(one.prompt_ids), before + len(one.ids)
            ids[row, begin:end] = torch.tensor([*one.prompt_ids, *one.ids])
            seen[row, begin:end] = 1
        self.inputs = {
            "input_ids": ids.to(device),
            "attention_mask": seen.to(device),
            "position_ids": (seen.cumsum(1) - 1).clamp_min(0).to(device),
            "logits_to_keep": self.longest + 1,
            "use_cache": False,
        }
        self.answers = ids[:, before:].to(device)
        self.mask = seen[:, before:].float().to(device)


def answer_logprobs(logits: torch.Tensor, answers: torch.Tensor, temperature: float) -> torch.Tensor:
    """Of each answer's token; `logits` end with those after the last one."""
    scaled = logits[:, :-1].float() / temperature
    return scaled.gather(-1, answers[..., None])[..., 0] - scaled.logsumexp(-1)


def reference_logprobs(model: LanguageModel, batch: Padded, temperature: float) -> torch.Tensor:
    """Under a policy that is not trained."""
    with torch.no_grad():
        return answer_logprobs(model(**batch.inputs).logits, batch.answers, temperature)


class Actor(torch.nn.Module):
    """A policy, and one linear output on its last hidden state: what the rest of the answer is expected to bring."""

    def __init__(self, policy: LanguageModel, temperature: float) -> None:
        super().__init__()
        self.policy: Any = policy
        self.temperature = temperature
        self.value_head = torch.nn.Linear(policy.config.get_text_config().hidden_size, 1).to(policy.device)
        torch.nn.init.zeros_(self.value_head.weight)
        torch.nn.init.zeros_(self.value_head.bias)

    def forward(self, batch: Padded) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities and values of the answers' tokens."""
        output = self.policy(**batch.inputs, output_hidden_states=True)
        hidden = output.hidden_states[-1][:, -batch.longest - 1 : -1]
        values = self.value_head(hidden.to(self.value_head.weight.dtype))[..., 0].float()
        return answer_logprobs(output.logits, batch.answers, self.temperature), values
