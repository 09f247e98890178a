"""Which policy each place of a comparison was drawn for, and how many texts each still owes.

A place is filled by the policy that it was drawn for, also where that policy repeats itself: drawing another one
instead would shift the mixture towards policies that say more different things. Places are drawn by weight, or dealt
by turns where the project wants an answer of each model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from labeling import policies
from labeling.models import Candidate, CandidateCopy, Comparison, RoundPolicy


def owed(comparison: Comparison) -> Counter[str]:
    """Texts that are wanted of each model version, by slug: its places less those that are filled."""
    drawn = Counter(slug for draw in comparison.policy_draws for slug in draw["drawn"])
    filled = Candidate.objects.filter(comparison=comparison, is_original=False)
    copies = CandidateCopy.objects.filter(candidate__comparison=comparison)
    for rows in (filled, copies):
        drawn.subtract(rows.values_list("completion__model_version__slug", flat=True))
    return +drawn


def draw_missing(comparison: Comparison, available: list[RoundPolicy]) -> Counter[str]:
    """What is owed after every place has a policy that takes requests; new draws are stored with their seed."""
    slugs = [policy.model_version.slug for policy in available]
    places = comparison.k - comparison.candidates.count()
    places -= CandidateCopy.objects.filter(candidate__comparison=comparison).count()
    wanted = _only(owed(comparison), slugs)
    if (missing := places - wanted.total()) > 0:
        kept = [
            {**draw, "drawn": [slug for slug in draw["drawn"] if slug in slugs]} for draw in comparison.policy_draws
        ]
        if comparison.project.one_of_each:
            drawn = policies.deal(available, missing, held=_held(comparison) + wanted)
        else:
            drawn = policies.draw(available, missing)
        comparison.policy_draws = [*kept, drawn]
        comparison.save(update_fields=["policy_draws"])
        wanted = _only(owed(comparison), slugs)
    return wanted


def _held(comparison: Comparison) -> Counter[str]:
    """Places that are filled, by model version; the original is one of them."""
    held: Counter[str] = Counter()
    copies = CandidateCopy.objects.filter(candidate__comparison=comparison)
    for rows in (Candidate.objects.filter(comparison=comparison), copies):
        held.update(rows.values_list("completion__model_version__slug", flat=True))
    return held


def _only(wanted: Counter[str], slugs: Collection[str]) -> Counter[str]:
    return Counter({slug: count for slug, count in wanted.items() if slug in slugs})
