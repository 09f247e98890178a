"""Cut answers by model version and round, and texts that two model versions share."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from insights.judgement_arrays import pairs, read
from insights.ratings import with_shared_texts
from labeling import candidates, projects, stock
from labeling.models import CandidateCopy, Comparison, Project
from sampler.models import Completion, SampleRequest
from tests import makers
from tests.insights.makers import report_of

pytestmark = pytest.mark.django_db


def sampled(project: Project, *, number: int = 1) -> list[Comparison]:
    """Comparisons of two policies' texts, opened."""
    one, other = makers.make_model("one"), makers.make_model("other")
    projects.open_round(project=project, policies=[(one, 1.0, {}), (other, 1.0, {})])
    Project.objects.filter(pk=project.pk).update(keep_truncated=True, stock_target=number)
    prompts = [[{"role": "user", "content": f"What is water, {i}?"}] for i in range(number)]
    projects.add_prompts(project=project, prompts=prompts)
    stock.keep_stock()
    while SampleRequest.objects.filter(state="queued").exists():
        makers.answer_all()
        candidates.settle_sampling()
    return list(Comparison.objects.filter(state="open"))


def test_cut_answers_are_counted_by_model_version_and_round_and_warned_of(
    project: Project, mona: User, client: Client
) -> None:
    sampled(project, number=10)
    texts = Completion.objects.filter(model_version__slug="one")
    Completion.objects.filter(pk__in=texts.values("pk")[:3]).update(finish_reason="length")
    found = {row["model"]: row for row in report_of(project)["cut"]}
    assert (found["one"]["answers"], found["one"]["cut"]) == (texts.count(), 3)
    assert found["other"]["cut"] == 0
    assert found["one"]["round"] == 2
    client.force_login(mona)
    page = client.get(reverse("insights:project", args=[project.slug])).content.decode()
    assert "were cut at their limit: one in round 2" in page


def test_no_warning_where_few_are_cut(project: Project, mona: User, client: Client) -> None:
    sampled(project, number=10)
    report_of(project)
    client.force_login(mona)
    page = client.get(reverse("insights:project", args=[project.slug])).content.decode()
    assert "Warning" not in page
    assert "At most 0%" in page


def test_a_text_that_two_policies_wrote_is_a_tie_between_them(project: Project, alice: User) -> None:
    (comparison,) = sampled(project)
    candidate = comparison.candidates.filter(completion__model_version__slug="one").first() or (
        comparison.candidates.get(index=0)
    )
    wrote = candidate.completion.model_version
    assert wrote is not None
    name = "other" if wrote.slug == "one" else "one"
    request = SampleRequest.objects.filter(model_version__slug=wrote.slug).first()
    assert request is not None
    copy = Completion.objects.create(
        request=request, index=50, text=candidate.completion.text, finish_reason="stop",
        model_version=makers.make_model(f"{name}-again"),
    )  # fmt: skip
    CandidateCopy.objects.create(candidate=candidate, completion=copy)
    makers.make_ranking(comparison, alice)
    report_of(project)
    data = read(project.pk)
    plain = pairs(data)
    every = with_shared_texts(plain, data)
    assert len(every) == len(plain) + 1
    assert {data.models[every.first[-1]], data.models[every.second[-1]]} == {wrote.slug, f"{name}-again"}
    assert every.outcome[-1] == 0.5
