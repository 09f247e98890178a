"""Which model versions a project samples from now, and a draw among them by weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, NotRequired, TypedDict

from labeling import randomness
from labeling.models import Project, Round, RoundPolicy
from labeling.projects import current_round
from sampler.as_read import SystemTurn
from sampler.as_read import system_turn_of as system_turn_for
from sampler.models import ModelVersion

if TYPE_CHECKING:
    from common.shapes import Json


def policies_of(project: Project, *, else_of: Round | None = None) -> list[RoundPolicy]:
    """Those of the open round that take requests; where no round is open, those of the round `else_of`."""
    round_ = current_round(project) or else_of
    if round_ is None:
        return []
    policies = round_.policies.select_related("model_version")
    return [policy for policy in policies if policy.model_version.state != ModelVersion.State.RETIRED]


class PolicyDraw(TypedDict):
    """A draw of policies, so that it can be done again: `drawn` follows from the seed and the weights."""

    seed: int
    weights: list[tuple[str, float]]  # slug of the model version and its weight, in the order of the draw
    drawn: list[str]
    held: NotRequired[dict[str, int]]  # where models take turns: places that each had before


def draw(policies: list[RoundPolicy], n: int = 1, *, seed: int | None = None) -> PolicyDraw:
    """`n` draws with replacement, in proportion to the weights."""
    seed = randomness.new_seed() if seed is None else seed
    weights = [(policy.model_version.slug, policy.weight) for policy in policies]
    return {"seed": seed, "weights": weights, "drawn": again(seed, weights, n)}


def again(seed: int, weights: Sequence[tuple[str, float]], n: int) -> list[str]:
    """What that seed draws."""
    return randomness.pick_weighted([slug for slug, _ in weights], [w for _, w in weights], Random(seed), n=n)


def deal(policies: list[RoundPolicy], n: int, *, held: Mapping[str, int], seed: int | None = None) -> PolicyDraw:
    """`n` places by turns: whoever has the fewest, those that are `held` counted, is next. Weights do not count."""
    seed = randomness.new_seed() if seed is None else seed
    weights = [(policy.model_version.slug, policy.weight) for policy in policies]
    before = {slug: held.get(slug, 0) for slug, _ in weights}
    return {"seed": seed, "weights": weights, "held": before, "drawn": dealt(seed, before, n)}


def dealt(seed: int, held: Mapping[str, int], n: int) -> list[str]:
    """What that seed deals; ties are broken at random."""
    random, places, drawn = Random(seed), dict(held), list[str]()
    for _ in range(n):
        fewest = min(places.values())
        slug = random.choice([one for one, count in places.items() if count == fewest])
        places[slug] += 1
        drawn.append(slug)
    return drawn


def shares(policies: list[RoundPolicy], drawn: PolicyDraw) -> list[tuple[RoundPolicy, int]]:
    """How many draws fell on each policy that was drawn at all, in the policies' order."""
    slugs = drawn["drawn"]
    return [(policy, count) for policy in policies if (count := slugs.count(policy.model_version.slug))]


def system_turn_of(round_: Round | None) -> SystemTurn | None:
    """What the models of a round read where a dialogue has no system turn; None where they differ or it is not known.

    Kept with demonstrations, which no model read: what is trained is what is served.
    """
    if round_ is None:
        return None
    found = [system_turn_for(policy.model_version) for policy in policies_of(round_.project, else_of=round_)]
    return found[0] if found and all(one == found[0] for one in found) else None


def params_of(project: Project, policy: RoundPolicy | None) -> dict[str, Json]:
    """Sampling parameters: the policy's own go before the project's length."""
    return {"max_tokens": project.max_tokens, **(policy.params if policy else {})}
