"""A comparison's completions: asked of the round's policies, taken in as candidates, and the comparison then
opened or discarded.

Nothing calls back from the sampler: `settle_sampling` (the beat task) looks at comparisons whose requests
have all ended, drops duplicates and unusable texts, asks for more within a bound, and opens or discards.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import DataError, IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from common.shapes import Message
from common.transitions import advance
from common.visible import visible
from labeling import contents, harms, places, policies, randomness, selection
from labeling.models import (
    Candidate,
    CandidateCopy,
    Comparison,
    ComparisonRequest,
    Dialogue,
    Project,
    Prompt,
    Round,
    Turn,
    TurnDraw,
)
from sampler import control_tokens, sampling
from sampler.duplicates import similarity
from sampler.models import Completion, SampleRequest
from screening.verdicts import WAITING

log = logging.getLogger(__name__)


def new_comparison(
    project: Project,
    round_: Round | None,
    prompt: Sequence[Message],
    *,
    key: str,
    split: str,
    author_id: int | None,
    dialogue: Dialogue | None = None,
    turn: Turn | None = None,
    draw: TurnDraw | None = None,
    pool_prompt: Prompt | None = None,
    source: str = "",
) -> Comparison:
    comparison = Comparison(
        project=project,
        round=round_,
        prompt=prompt,
        prompt_key=key,
        split=split,
        author_id=author_id,
        dialogue=dialogue,
        turn=turn,
        draw=draw,
        pool_prompt=pool_prompt,
        source=source,
        k=project.completions_per_comparison,
    )
    comparison.votes_wanted = votes_for(comparison)
    comparison.selection = selection.drawn_for(comparison)
    comparison.save(force_insert=True)
    return comparison


def votes_for(comparison: Comparison) -> int:
    """More votes for a random share of comparisons: the share that agreement is measured on."""
    project = comparison.project
    if randomness.falls_in_share(comparison.pk, project.overlap_share):
        return max(project.overlap_votes, project.votes_per_comparison)
    return project.votes_per_comparison


def request_missing(comparison: Comparison) -> int:
    """Ask each policy for the texts that its places lack; return how many were asked for.
    0 where no round offers a policy: the comparison waits for one."""
    available = policies.policies_of(comparison.project, else_of=comparison.round)
    if comparison.candidates.count() >= comparison.k or not available:
        return 0
    wanted = places.draw_missing(comparison, available)
    # An operator waits for a self-check, which must not queue behind a stock of thousands.
    waits = comparison.project.throwaway
    priority = SampleRequest.Priority.INTERACTIVE if waits else SampleRequest.Priority.BACKGROUND
    for policy in available:
        if count := wanted[policy.model_version.slug]:
            request = sampling.request_completions(
                model_version=policy.model_version,
                prompt=comparison.prompt,
                n=count,
                params=policies.params_of(comparison.project, policy),
                purpose=SampleRequest.Purpose.COMPARISON,
                priority=priority,
                screening=contents.rules_of(comparison.project_id),
            )
            ComparisonRequest.objects.create(comparison=comparison, request=request)
    return wanted.total()


def settle_sampling(*, limit: int = 500) -> dict[str, int]:
    """Settle comparisons none of whose requests is under way; return counts by outcome."""
    under_way = ComparisonRequest.objects.filter(comparison=OuterRef("pk")).exclude(
        request__state__in=SampleRequest.ENDED
    )
    ready = (
        Comparison.objects.filter(state=Comparison.State.SAMPLING, held_at__isnull=True)
        .exclude(Exists(under_way))
        .order_by("created_at")
        .values_list("pk", flat=True)[:limit]
    )
    outcome = {"opened": 0, "held": 0, "resampled": 0, "discarded": 0, "waiting": 0, "broken": 0}
    for pk in list(ready):
        try:
            outcome[_settle(pk)] += 1
        except (DataError, IntegrityError, ValueError):  # one that cannot be settled keeps none of the others waiting
            log.exception("comparison %s cannot be settled", pk)
            outcome["broken"] += 1
    return outcome


@transaction.atomic
def _settle(pk: UUID) -> str:
    comparison = (
        Comparison.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("project", "round")
        .filter(pk=pk, state=Comparison.State.SAMPLING, held_at__isnull=True)
        .first()
    )
    if comparison is None:
        return "waiting"
    requests = list(SampleRequest.objects.filter(pk__in=comparison.requests.values("request")))
    if any(request.state not in SampleRequest.ENDED for request in requests):
        return "waiting"
    if _wait_for_a_filter(comparison):
        return "waiting"
    _take_completions(comparison)
    if comparison.candidates.count() >= comparison.k:
        return _open(comparison)
    if comparison.resamples < comparison.project.resample_limit or not requests:
        if not request_missing(comparison):
            return "waiting"
        Comparison.objects.filter(pk=comparison.pk).update(resamples=F("resamples") + int(bool(requests)))
        return "resampled"
    if comparison.candidates.count() >= 2:  # fewer than wanted, and different from each other: still a comparison
        _keep_copies(comparison)
        return _open(comparison)
    failures = [request.failure for request in requests if request.failure]
    unusable = "The completions were empty, blocked, equal to each other or held control tokens."
    reason = failures[-1] if failures else unusable
    _advance(comparison, Comparison.State.DISCARDED, discard_reason=reason[:200])
    return "discarded"


def _wait_for_a_filter(comparison: Comparison) -> bool:
    drawn = Q(request__in=comparison.requests.values("request")) | Q(pk__in=comparison.candidates.values("completion"))
    return Completion.objects.filter(drawn, withheld=WAITING).exists() or contents.prompt_waits(comparison)


def _open(comparison: Comparison) -> str:
    harms.state(comparisons=[comparison.pk])
    if comparison.selection == Comparison.Selection.MARGIN:
        selection.hold(comparison)
        return "held"
    _advance(comparison, Comparison.State.OPEN, opened_at=timezone.now())
    return "opened"


def _take_completions(comparison: Comparison) -> None:
    """Make usable new completions candidates, up to K, in storage order."""
    taken = list(comparison.candidates.select_related("completion"))
    for completion in _unused(comparison):
        if len(taken) >= comparison.k:
            break
        if _alike(completion, taken, comparison.project) is None:
            taken.append(Candidate.objects.create(comparison=comparison, completion=completion, index=len(taken)))


def _keep_copies(comparison: Comparison) -> None:
    """Places whose policy only repeats what is there keep its text as a further draw of that candidate."""
    wanted = places.owed(comparison)
    taken = list(comparison.candidates.select_related("completion"))
    for completion in _unused(comparison):
        slug = completion.model_version.slug if completion.model_version else ""
        same = _alike(completion, taken, comparison.project) if wanted[slug] > 0 else None
        if same is not None:
            CandidateCopy.objects.create(candidate=same, completion=completion)
            wanted[slug] -= 1


def _unused(comparison: Comparison) -> list[Completion]:
    """Usable completions that were drawn for it and are not in it, in storage order."""
    rows = (
        Completion.objects.filter(request__in=comparison.requests.values("request"))
        .filter(finish_reason__in=_usable_ends(comparison.project), withheld="")
        .exclude(pk__in=comparison.candidates.values("completion"))
        .select_related("model_version")
    )
    tokens = control_tokens.known()
    found = rows.order_by("request__created_at", "request_id", "index")
    return [row for row in found if visible(row.text) and not tokens.first(row.text)]


def _alike(completion: Completion, taken: list[Candidate], project: Project) -> Candidate | None:
    """The candidate whose text it repeats, exactly or nearly."""
    for candidate in taken:
        if similarity(completion.text, candidate.completion.text) >= project.near_duplicate_threshold:
            return candidate
    return None


def _usable_ends(project: Project) -> tuple[str, ...]:
    """Truncated texts are ranked only where the project says so."""
    ends = Completion.FinishReason
    return (ends.STOP, ends.LENGTH) if project.keep_truncated else (ends.STOP,)


def _advance(comparison: Comparison, state: str, **columns: object) -> None:
    if advance(comparison, to=state, table=Comparison.TRANSITIONS, **columns):
        log.info("comparison %s is %s", comparison.pk, state)
