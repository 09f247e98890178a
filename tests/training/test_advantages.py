"""The arithmetic of PPO and RLOO, beside sums written out and gradients known in closed form."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from training import advantages


def test_gae_is_the_sum_of_discounted_surprises() -> None:
    torch.manual_seed(0)
    lengths, gamma, lam = [5, 1, 7], 0.97, 0.9
    mask = torch.tensor([[float(at < length) for at in range(7)] for length in lengths])
    rewards, values = torch.randn(3, 7, dtype=torch.float64) * mask, torch.randn(3, 7, dtype=torch.float64) * mask
    got, returns = advantages.gae(rewards, values, mask, gamma=gamma, lam=lam)
    for row, length in enumerate(lengths):
        for at in range(7):
            wanted = 0.0
            for ahead in range(at, length):
                following = values[row, ahead + 1].item() if ahead + 1 < length else 0.0
                surprise = rewards[row, ahead].item() + gamma * following - values[row, ahead].item()
                wanted += (gamma * lam) ** (ahead - at) * surprise
            assert got[row, at].item() == pytest.approx(wanted, abs=1e-9)
            if at < length:
                assert returns[row, at].item() == pytest.approx(wanted + values[row, at].item(), abs=1e-9)


def test_gae_without_a_value_head_and_discount_is_the_reward_to_come() -> None:
    rewards = torch.tensor([[1.0, 2.0, 4.0]])
    got, _ = advantages.gae(rewards, torch.zeros(1, 3), torch.ones(1, 3), gamma=1.0, lam=1.0)
    assert got.tolist() == [[7.0, 6.0, 4.0]]


def test_kl_is_paid_at_every_token_and_the_score_comes_at_the_last() -> None:
    mask = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    kl = torch.tensor([[1.0, 2.0, 9.0], [0.0, 0.0, -1.0]])
    got = advantages.token_rewards(torch.tensor([10.0, 20.0]), kl, mask, beta=0.5)
    assert got.tolist() == [[-0.5, 9.0, 0.0], [0.0, 0.0, 20.5]]


def test_the_clipped_loss_has_no_gradient_beyond_the_clip() -> None:
    old = torch.zeros(1, 4)
    new = torch.tensor([[0.5, 0.5, -0.5, -0.5]], requires_grad=True)  # ratios 1.65 and 0.61
    gains = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
    loss, clipped = advantages.clipped_policy_loss(new, old, gains, torch.ones(1, 4), clip=0.2)
    (gradient,) = torch.autograd.grad(loss, new)
    assert clipped.item() == 2
    assert [value != 0 for value in gradient[0].tolist()] == [False, True, True, False]


@pytest.mark.parametrize("group", [2, 3])
def test_the_expected_gradient_of_rloo_is_that_of_the_expected_reward(group: int) -> None:
    """A policy over four answers: every group that can be drawn, weighed by how probable it is."""
    rewards = torch.tensor([1.0, 0.2, -0.5, 0.0], dtype=torch.float64)
    theta = torch.tensor([0.3, -0.2, 0.5, 0.0], dtype=torch.float64, requires_grad=True)
    (analytic,) = torch.autograd.grad((theta.softmax(0) * rewards).sum(), theta)
    total = torch.zeros_like(theta)
    for drawn in product(range(4), repeat=group):
        picked = torch.tensor(drawn)
        logprobs = theta.log_softmax(0)[picked]
        gains = advantages.leave_one_out(rewards[picked], group)
        loss, _ = advantages.clipped_policy_loss(
            logprobs[:, None], logprobs.detach()[:, None], gains[:, None], torch.ones(group, 1), clip=0.2
        )
        (gradient,) = torch.autograd.grad(-loss / group, theta)
        total += logprobs.detach().sum().exp() * gradient
    assert total.tolist() == pytest.approx(analytic.tolist(), abs=1e-10)


def test_what_length_explains_is_the_line_of_least_squares() -> None:
    """Beside numpy's; taken off, scores and lengths have no correlation. Sums of two processes are those of one."""
    torch.manual_seed(1)
    lengths = torch.randint(5, 48, (48,)).float()
    scores = -0.05 * lengths + torch.randn(48)
    parts = [advantages.moments(lengths[at], scores[at]) for at in (slice(0, 20), slice(20, 48))]
    slope, mean = advantages.over_length([one + other for one, other in zip(*parts, strict=True)])
    assert slope == pytest.approx(np.polyfit(lengths.numpy(), scores.numpy(), 1)[0], abs=1e-6)
    assert mean == pytest.approx(lengths.mean().item(), abs=1e-5)
    left = scores - slope * (lengths - mean)
    assert torch.corrcoef(torch.stack([left, lengths]))[0, 1].item() == pytest.approx(0, abs=1e-5)
    assert left.mean().item() == pytest.approx(scores.mean().item(), abs=1e-5)
    assert advantages.over_length(advantages.moments(torch.full((4,), 9.0), torch.randn(4))) == (0.0, 9.0)
