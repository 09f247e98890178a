"""The completions of a comparison: asked for, taken in, asked for again; and the stock."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import User
from labeling import candidates, projects, stock
from labeling.models import Comparison, Project
from sampler.models import SampleRequest
from sampler.models.requests import COULD_NOT_ANSWER
from tests import makers

pytestmark = pytest.mark.django_db


def test_duplicates_are_sampled_again_and_the_comparison_opens_with_k_different_texts(
    project: Project, alice: User
) -> None:
    makers.make_chat(project, alice, submit=True)
    comparison = Comparison.objects.get()
    original = comparison.candidates.get().completion.text
    request = SampleRequest.objects.get(state="queued")
    makers.answer(request, original, "A wholly other text about rivers.", "   ")
    assert candidates.settle_sampling()["resampled"] == 1
    makers.answer_all()
    assert candidates.settle_sampling()["opened"] == 1
    texts = [c.completion.text for c in comparison.candidates.all()]
    assert len(texts) == len(set(texts)) == 4


def test_a_comparison_that_stays_without_two_texts_is_discarded_with_the_reason(project: Project, alice: User) -> None:
    project.resample_limit = 1
    project.save()
    makers.make_chat(project, alice, submit=True)
    for _ in range(2):
        SampleRequest.objects.filter(state="queued").update(
            state="failed", error="out of memory", finished_at=timezone.now()
        )
        candidates.settle_sampling()
    comparison = Comparison.objects.get()
    assert comparison.state == "discarded"
    assert comparison.discard_reason == COULD_NOT_ANSWER, "the engine's own words are for operators"


def test_the_stock_is_filled_from_prompts_once_each_per_round(project: Project) -> None:
    project.stock_target = 3
    project.save()
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": f"Prompt {i}?"}] for i in range(4)])
    assert stock.keep_stock() == 3
    assert stock.keep_stock() == 0
    makers.answer_all()
    assert candidates.settle_sampling()["opened"] == 3
    Comparison.objects.update(state="discarded", discard_reason="test")
    assert stock.keep_stock() == 1
    assert stock.keep_stock() == 0
