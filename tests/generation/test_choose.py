"""Drawing tokens: the right distribution, the right cut, the same numbers again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from generation.choose import Chooser, invert, penalise, uniforms


def chooser(rows: int, *, temperature: float = 1.0, top_p: float = 1.0, top_k: int = 0) -> Chooser:
    return Chooser([temperature] * rows, [top_p] * rows, [top_k] * rows, list(range(rows)), "cpu")


def counts(
    logits: torch.Tensor, rows: int = 20_000, *, temperature: float = 1.0, top_p: float = 1.0, top_k: int = 0
) -> NDArray[np.int64]:
    drawing = chooser(rows, temperature=temperature, top_p=top_p, top_k=top_k)
    tokens, _ = drawing.choose(logits.expand(rows, -1), [0] * rows)
    return np.bincount(tokens.numpy(), minlength=logits.shape[-1])


def test_uniforms_are_uniform_and_the_same_again() -> None:
    numbers = uniforms(list(range(5000)), [3] * 5000)
    assert stats.kstest(numbers, "uniform").pvalue > 0.001
    steps = uniforms([42] * 5000, list(range(5000)))
    assert stats.kstest(steps, "uniform").pvalue > 0.001
    assert (uniforms([1, 2], [0, 0]) == uniforms([1, 2], [0, 0])).all()


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_tokens_follow_the_models_distribution(temperature: float) -> None:
    logits = torch.linspace(-2, 2, 300)
    seen = counts(logits, temperature=temperature)
    expected = (logits / temperature).softmax(-1).double().numpy() * seen.sum()
    expected *= seen.sum() / expected.sum()
    assert stats.chisquare(seen, expected).pvalue > 0.001


def test_a_biased_draw_would_be_noticed() -> None:
    """The control of the test above."""
    logits = torch.linspace(-2, 2, 300)
    seen = counts(logits, temperature=1.1)
    expected = logits.softmax(-1).double().numpy() * seen.sum()
    expected *= seen.sum() / expected.sum()
    assert stats.chisquare(seen, expected).pvalue < 0.001


def test_top_k_leaves_the_k_most_probable_in_proportion() -> None:
    logits = torch.randn(4000, generator=torch.manual_seed(1))
    seen = counts(logits, top_k=5)
    best = logits.topk(5).indices.numpy()
    assert set(np.flatnonzero(seen)) == set(best)
    expected = logits[best].softmax(-1).double().numpy()
    assert stats.chisquare(seen[best], expected / expected.sum() * seen.sum()).pvalue > 0.001


@pytest.mark.parametrize("size", [200, 5000])
def test_top_p_leaves_the_smallest_set_that_reaches_p(size: int) -> None:
    flat = 0.1 if size > 1000 else 1.0  # a flat distribution needs the whole vocabulary sorted
    logits = torch.randn(size, generator=torch.manual_seed(2)) * flat
    probabilities = logits.softmax(-1)
    order = probabilities.sort(descending=True)
    kept = order.indices[: int((order.values.cumsum(0) < 0.9).sum()) + 1]
    seen = counts(logits, rows=1500, top_p=0.9)
    assert set(np.flatnonzero(seen)) <= set(kept.numpy())
    assert len(np.flatnonzero(seen)) > 0.2 * len(kept)


def test_rows_of_one_batch_keep_their_own_parameters() -> None:
    logits = torch.randn(4, 500, generator=torch.manual_seed(3))
    mixed = Chooser([0, 1.0, 1.0, 0.7], [1.0, 1.0, 0.5, 1.0], [0, 1, 0, 0], [1, 2, 3, 4], "cpu")
    tokens, logprobs = mixed.choose(logits, [0] * 4)
    best = logits.argmax(-1)
    assert tokens[0] == best[0]  # greedy
    assert tokens[1] == best[1]  # top_k 1
    assert torch.allclose(logprobs, logits.log_softmax(-1).gather(-1, tokens[:, None])[:, 0], atol=1e-4)


def test_a_token_of_no_weight_is_never_drawn() -> None:
    weights = torch.zeros(1000, 600)
    weights[:, 255] = 1.0
    draws = torch.linspace(0, 1 - 1e-7, 1000)
    assert (invert(weights, draws) == 255).all()


def test_penalties_and_biases_change_the_logits_as_the_books_say() -> None:
    logits = torch.tensor([2.0, -1.0, 0.5, 0.0, 1.0])
    penalise(
        logits, seen=[0, 1], said=[2, 2, 3], repetition=2.0, presence=0.5, frequency=0.25, biases={"4": -3.0, "99": 5.0}
    )
    assert logits.tolist() == [1.0, -2.0, 0.25 - 0.5 - 0.5, 0.0 - 0.5 - 0.25, -2.0]


def test_log_probabilities_stay_those_of_the_model_whatever_shapes_the_draw() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0]])
    shaped = torch.tensor([[-50.0, 1.0, -50.0]])
    token, logprob = Chooser([1.0], [1.0], [0], [7], "cpu").choose(logits, [0], shaped)
    assert token.tolist() == [1]
    assert torch.allclose(logprob, torch.log_softmax(logits, -1)[:, 1])


def test_min_p_leaves_only_tokens_near_the_most_probable() -> None:
    logits = torch.tensor([[0.0, -0.5, -3.0]]).expand(64, -1)
    chooser = Chooser([1.0] * 64, [1.0] * 64, [0] * 64, list(range(64)), "cpu", [0.1] * 64)
    assert set(chooser.choose(logits, [0] * 64)[0].tolist()) == {0, 1}
