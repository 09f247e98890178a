"""A project with votes enough for figures."""

from __future__ import annotations

import pytest

from accounts.models import User
from labeling.models import Project
from tests import makers
from tests.insights.makers import make_votes


@pytest.fixture
def voted(project: Project, alice: User, bob: User) -> Project:
    """Sixty comparisons judged twice: the second model is better, longer texts win a little more often."""
    models = [makers.make_model("old"), makers.make_model("new")]
    make_votes(
        project, [alice, bob], models, comparisons=60, votes=2, seed=1,
        score=lambda rng, model, length, place: 1.2 * model + 0.004 * length + rng.gumbel(),
    )  # fmt: skip
    return project
