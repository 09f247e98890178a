"""The arithmetic of PPO and RLOO. Tensors only: rows are answers, columns their tokens, padded on the right.

Schulman et al. 2015 (arXiv 1506.02438) and 2017 (1707.06347), Ahmadian et al. 2024 (2402.14740); what length explains
of a reward: Singhal et al. 2023 (2310.03716), Huang et al. 2024 (2409.17407).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch


def token_rewards(
    scores: torch.Tensor, kl: torch.Tensor, mask: torch.Tensor, *, beta: float
) -> torch.Tensor:  # fmt: skip
    """-beta KL at every token, and the answer's score at its last one."""
    rewards = -beta * kl * mask
    last = mask.long().sum(1) - 1
    rewards[torch.arange(len(scores)), last] += scores
    return rewards


def moments(lengths: torch.Tensor, scores: torch.Tensor) -> list[float]:
    """What the line of scores over lengths follows from; sums, so that processes can add theirs."""
    x, y = lengths.double(), scores.double()
    return [float(len(x)), *(part.sum().item() for part in (x, y, x * x, x * y))]


def over_length(sums: Sequence[float]) -> tuple[float, float]:
    """Slope of the least-squares line of the scores over the lengths, and the mean length."""
    count, x, y, xx, xy = sums
    spread = xx - x * x / count
    return (xy - x * y / count) / spread if spread > 1e-9 else 0.0, x / count


def gae(
    rewards: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, *, gamma: float, lam: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Advantages and returns of every token: sum over l of (gamma lam)^l (r + gamma V' - V); nothing after the end."""
    advantages = torch.zeros_like(rewards)
    ahead = torch.zeros_like(rewards[:, 0])
    following = torch.zeros_like(ahead)
    for at in reversed(range(rewards.shape[1])):
        here = mask[:, at]
        delta = rewards[:, at] + gamma * following - values[:, at]
        ahead = (delta + gamma * lam * ahead) * here
        following = values[:, at] * here
        advantages[:, at] = ahead
    return advantages, (advantages + values) * mask


def leave_one_out(rewards: torch.Tensor, group: int) -> torch.Tensor:
    """Each answer's reward less the mean of the others to the same prompt; `group` answers of a prompt are neighbours.

    Answers [R] in, answers [R] out.
    """
    by_prompt = rewards.view(-1, group)
    others = (by_prompt.sum(1, keepdim=True) - by_prompt) / (group - 1)
    return (by_prompt - others).reshape(-1)


def clipped_policy_loss(
    new: torch.Tensor, old: torch.Tensor, advantages: torch.Tensor, mask: torch.Tensor, *, clip: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """PPO's clipped objective, negated and summed over tokens; and how many tokens it clipped."""
    ratio = (new - old).exp()
    plain, held = ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages
    loss = -(torch.minimum(plain, held) * mask).sum()
    return loss, ((held < plain) * mask).sum()


def clipped_value_loss(
    new: torch.Tensor, old: torch.Tensor, returns: torch.Tensor, mask: torch.Tensor, *, clip: float
) -> torch.Tensor:
    """Half the squared error, where the value moves at most `clip` from what it was; summed over tokens."""
    held = old + (new - old).clamp(-clip, clip)
    return 0.5 * (torch.maximum((new - returns) ** 2, (held - returns) ** 2) * mask).sum()


def whitened(values: torch.Tensor, mask: torch.Tensor, mean: float, deviation: float) -> torch.Tensor:
    """Mean 0 and deviation 1, over the tokens of all processes."""
    return (values - mean) / (deviation + 1e-8) * mask
