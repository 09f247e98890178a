"""The completions of a comparison: asked for, taken in, asked for again; and the stock."""

from __future__ import annotations

from itertools import count
from random import Random

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from labeling import candidates, policies, projects, randomness, stock
from labeling.models import Candidate, CandidateCopy, Comparison, Dialogue, Project
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


def policy_share(comparisons: QuerySet[Comparison], slug: str) -> float:
    """Of a policy, among all places of comparisons that opened, in percent."""
    places = Candidate.objects.filter(comparison__in=comparisons, is_original=False)
    copies = CandidateCopy.objects.filter(candidate__comparison__in=comparisons)
    path = "completion__model_version__slug"
    wrote = [*places.values_list(path, flat=True), *copies.values_list(path, flat=True)]
    return 100 * wrote.count(slug) / len(wrote)


def test_a_policy_that_repeats_itself_keeps_its_share(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half and half, one of them with three texts to say: the mixture stays within two points of a half."""
    seeds = count(11)
    monkeypatch.setattr(randomness, "new_seed", lambda: next(seeds))
    varied, narrow = makers.make_model("varied"), makers.make_model("narrow")
    projects.open_round(project=project, policies=[(varied, 1.0, {}), (narrow, 1.0, {})])
    number = 80
    prompts = [[{"role": "user", "content": f"Prompt {i}?"}] for i in range(number)]
    projects.add_prompts(project=project, prompts=prompts)
    Project.objects.filter(pk=project.pk).update(stock_target=number)
    stock.keep_stock()
    rng = Random(5)
    said = ["Yes, of course I can do that.", "No, I am afraid that I cannot.", "Perhaps; tell me more of it."]
    while waiting := list(SampleRequest.objects.filter(state="queued").select_related("model_version")):
        for request in waiting:
            if request.model_version == narrow:
                makers.answer(request, *rng.choices(said, weights=[8, 1, 1], k=request.n))
            else:
                makers.answer(request, *("".join(rng.choices("abcdefghijklmnop ", k=60)) for _ in range(request.n)))
        candidates.settle_sampling()
    opened = Comparison.objects.filter(state="open")
    assert opened.count() >= number * 0.9
    drawn = [slug for c in opened for d in c.policy_draws for slug in d["drawn"]]
    assert abs(policy_share(opened, "narrow") - 100 * drawn.count("narrow") / len(drawn)) < 0.01
    assert abs(policy_share(opened, "narrow") - 50) <= 2
    assert CandidateCopy.objects.exists()


def test_a_policy_that_repeats_itself_is_asked_again_and_no_other(project: Project) -> None:
    varied, narrow = makers.make_model("varied"), makers.make_model("narrow")
    projects.open_round(project=project, policies=[(varied, 1.0, {}), (narrow, 1.0, {})])
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": "Why?"}]])
    Project.objects.filter(pk=project.pk).update(stock_target=1)
    stock.keep_stock()
    comparison = Comparison.objects.get()
    Comparison.objects.update(
        policy_draws=[{"seed": 1, "weights": {}, "drawn": ["varied", "varied", "narrow", "narrow"]}]
    )
    SampleRequest.objects.all().delete()
    comparison.refresh_from_db()
    candidates.request_missing(comparison)
    for request in SampleRequest.objects.filter(state="queued"):
        own = ["the same"] * 2 if request.model_version == narrow else ["an answer of its own", "and quite another"]
        makers.answer(request, *own)
    candidates.settle_sampling()
    (again,) = SampleRequest.objects.filter(state="queued")
    assert (again.model_version, again.n) == (narrow, 1)


def test_a_draw_of_policies_can_be_done_again_from_what_is_stored(project: Project, alice: User) -> None:
    makers.make_chat(project, alice, submit=True)
    (drawn,) = Comparison.objects.get().policy_draws
    assert policies.again(drawn["seed"], drawn["weights"], len(drawn["drawn"])) == drawn["drawn"]
    chat = Dialogue.objects.get()
    assert chat.model_version is not None
    assert chat.policy_draw is not None
    assert policies.again(chat.policy_draw["seed"], chat.policy_draw["weights"], 1) == [chat.model_version.slug]


def test_where_models_take_turns_every_comparison_holds_an_answer_of_each(project: Project) -> None:
    """Ten to one by weight, and yet one of each; which one comes first is drawn, and can be drawn again."""
    one, other = makers.make_model("one"), makers.make_model("other")
    projects.open_round(project=project, policies=[(one, 10.0, {}), (other, 1.0, {})])
    prompts = [[{"role": "user", "content": f"Why {n}?"}] for n in range(20)]
    projects.add_prompts(project=project, prompts=prompts)
    Project.objects.filter(pk=project.pk).update(stock_target=20, completions_per_comparison=2, one_of_each=True)
    stock.keep_stock()
    made = list(Comparison.objects.filter(project=project))
    assert len(made) == 20
    (drawn,) = zip(*(comparison.policy_draws for comparison in made), strict=True)
    assert {tuple(sorted(draw["drawn"])) for draw in drawn} == {("one", "other")}
    assert {draw["drawn"][0] for draw in drawn} == {"one", "other"}
    assert all(policies.dealt(draw["seed"], draw["held"], 2) == draw["drawn"] for draw in drawn)


def test_turns_go_on_from_the_places_that_are_filled() -> None:
    assert sorted(policies.dealt(1, {"one": 2, "other": 0, "third": 1}, 3)) == ["other", "other", "third"]
    assert sorted(policies.dealt(2, {"one": 0, "other": 0}, 5)) in (
        ["one"] * 2 + ["other"] * 3,
        ["one"] * 3 + ["other"] * 2,
    )
