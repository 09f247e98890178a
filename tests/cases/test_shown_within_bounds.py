"""Kind 10 on the pages: whatever two completions hold, they are shown and compared in a bounded time, legibly.

Every construct by itself: `tests/labeling/test_rendering_bounds.py`.
"""

from __future__ import annotations

import tracemalloc

import pytest
from django.test import Client

from accounts.models import User
from labeling import comparisons
from labeling.models import Assignment, Project
from labeling.pages import differences
from tests import makers
from tests.measuring import processor_seconds

pytestmark = pytest.mark.django_db


def task_of(project: Project, trainer: User, *texts: str) -> Assignment:
    made, _ = comparisons.bring(
        project=project, prompt=[{"role": "user", "content": "?"}], completions=[{"text": text} for text in texts]
    )
    return makers.make_lease(made, trainer)


@pytest.mark.alone
@pytest.mark.parametrize("flood", ["\\[\n", "> [", "**a ", "|a|b|\n|-|-|\n", "$\\frac{", "- \\(a\n"])
def test_the_page_of_a_flood_comes_within_half_a_second_a_text(
    project: Project, alice: User, client: Client, flood: str
) -> None:
    client.force_login(alice)
    client.get("/")  # what is loaded once does not count
    fresh = iter([task_of(project, alice, before + flood * 5_000, "a" + before + flood * 5_000) for before in "bcd"])
    pages: list[int] = []
    took = processor_seconds(lambda: pages.append(client.get(f"/ranking/{next(fresh).pk}/").status_code))
    assert pages == [200] * 3
    assert took < 1.0


@pytest.mark.parametrize("text", ["$$E=mc^2$$ (1)", "\\[E=mc^2\\] (1)", "$$\nE=mc^2\n$$ (1)", "So $E=mc^2$ (1)"])
def test_a_formula_and_its_label_both_stand_on_the_page(
    project: Project, alice: User, client: Client, text: str
) -> None:
    task = task_of(project, alice, text, "No idea.")
    client.force_login(alice)
    shown = client.get(f"/ranking/{task.pk}/").content.decode()
    assert "<msup><mi>c</mi><mn>2</mn></msup>" in shown
    assert "(1)" in shown.partition("</math>")[2][:200]


@pytest.mark.alone
def test_two_giants_are_told_to_be_too_long_to_compare(project: Project, alice: User, client: Client) -> None:
    task = task_of(project, alice, "a b " * 150_000, "c d " * 150_000)
    client.force_login(alice)
    client.get("/")
    path = f"/ranking/{task.pk}/compare/?a=A&b=B"
    page = client.get(path)
    assert page.status_code == 200
    assert "too long" in page.content.decode()
    assert processor_seconds(lambda: client.get(path)) < 0.5


@pytest.mark.parametrize("words", [(4_000, 4_000), (20_000, 3), (150_000, 150_000)])
def test_differences_take_a_bounded_memory(words: tuple[int, int]) -> None:
    one, other = (" ".join(f"{side}{n}" for n in range(many)) for side, many in zip("ab", words, strict=True))
    tracemalloc.start()
    try:
        differences.word_diff(one, other)
    except differences.TooLong as refusal:
        assert str(refusal).endswith(".")  # noqa: PT017 - either outcome is right
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 100_000_000
