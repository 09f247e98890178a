"""Hidden items: calibration items with a known order, and repeats of a trainer's own votes.

A hidden item is an ordinary open comparison reserved for one trainer (`only_for`), a copy of its
original with completions of its own, made ahead by the beat task. It is leased by the same query and
shown by the same code as any other, so that page, API and timing tell nothing.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from labeling import comparisons, offering, randomness
from labeling.errors import Gone, Invalid
from labeling.models import Candidate, Comparison, Membership, Project, Ranking
from labeling.projects import current_round
from sampler import sampling

if TYPE_CHECKING:
    from uuid import UUID

    from accounts.models import User

Kind = Comparison.Kind
PRACTICE = "practice"
REPEAT_AFTER = 20  # rankings of the trainer in between


def practice_key(project: UUID) -> str:
    """Under which is kept whether a project has something to practise."""
    return f"practice:{project}"


@transaction.atomic
def make_original(*, ranking: Ranking, kind: str, explanation: str = "", practice: bool = False) -> Comparison:
    """A calibration, exam or practice item out of a ranking whose order is trusted. It is never handed out
    itself. Practice is an exam item whose explanation is shown afterwards and that no exam asks for.

    Raises:
        Invalid: the ranking has no order, or the kind is neither.
    """
    if kind not in (Kind.CALIBRATION, Kind.EXAM):
        raise Invalid("An item is for calibration or for the exam.")
    if len(ranking.groups) < 2:
        raise Invalid("This ranking orders nothing: it cannot be an item with a known order.")
    now = timezone.now()
    if practice:
        transaction.on_commit(lambda: cache.delete(practice_key(ranking.comparison.project_id)))
    return _copy(
        ranking.comparison,
        kind=kind,
        groups=ranking.groups,
        state=Comparison.State.CLOSED,
        opened_at=now,
        closed_at=now,
        explanation=explanation,
        source=PRACTICE if practice else kind,
    )


def originals(project: Project, source: str) -> QuerySet[Comparison]:
    """Items of this kind (or PRACTICE) that copies are made of."""
    return of_source(source).filter(project=project)


def of_source(source: str) -> QuerySet[Comparison]:
    """Those of all projects."""
    return Comparison.objects.filter(
        kind__in=[Kind.CALIBRATION, Kind.EXAM],
        source=source,
        only_for__isnull=True,
        known_groups__isnull=False,
        state=Comparison.State.CLOSED,
    )


def _copy(original: Comparison, *, kind: str, groups: list[list[str]] | None, **columns: Any) -> Comparison:
    """The same texts under new ids, in a storage order of their own: nothing shows that they were seen before.

    Raises:
        Gone: its text was withdrawn.
    """
    original = comparisons.locked(original.pk)
    if original.withdrawn_at is not None:
        raise Gone("The text of this comparison was withdrawn.")
    made = Comparison.objects.create(
        project_id=original.project_id,
        copied_from=original,
        round=current_round(original.project),
        kind=kind,
        prompt=original.prompt,
        prompt_key=original.prompt_key,
        split=original.split,
        k=original.k,
        harms=original.harms,
        votes_wanted=1,
        **columns,
    )
    candidates = list(original.candidates.select_related("completion__model_version"))
    Random(randomness.new_seed()).shuffle(candidates)
    renamed: dict[str, str] = {}
    for index, candidate in enumerate(candidates):
        source = candidate.completion
        completion = sampling.provide(
            text=source.text, model_version=source.model_version, model_label=source.model_label
        )
        Candidate.objects.create(comparison=made, completion=completion, index=index)
        renamed[str(source.pk)] = str(completion.pk)
    if groups is not None:
        made.known_groups = [[renamed[cid] for cid in group] for group in groups]
        made.save(update_fields=["known_groups"])
    return made


def hand_to(*, original: Comparison, trainer: User, kind: str) -> Comparison:
    """An open copy of `original` that only `trainer` will be given."""
    groups = original.known_groups if kind != Kind.REPEAT else None
    return _copy(
        original,
        kind=kind,
        groups=groups,
        state=Comparison.State.OPEN,
        opened_at=timezone.now(),
        only_for=trainer,
        repeat_of=original,
        source=original.source if kind != Kind.REPEAT else "",
        explanation=original.explanation,
    )


def keep_hidden() -> int:
    """Have one calibration item and one repeat ready for every trainer whose project wants them."""
    made = 0
    wanting = Project.objects.active().filter(Q(calibration_share__gt=0) | Q(repeat_share__gt=0))
    for project in wanting:
        members = Membership.objects.filter(project=project, ended_at__isnull=True, role=Membership.Role.TRAINER)
        for membership in members.select_related("user"):
            try:
                made += _prepare(membership)
            except Gone:  # withdrawn at this moment; the next round finds another
                continue
    return made


@transaction.atomic
def _prepare(membership: Membership) -> int:
    project, trainer = membership.project, membership.user
    locked = Membership.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=membership.pk).first()
    if locked is None:
        return 0
    ready = set(
        Comparison.objects.filter(project=project, only_for=trainer, state=Comparison.State.OPEN).values_list(
            "kind", flat=True
        )
    )
    made = 0
    if project.calibration_share and Kind.CALIBRATION not in ready and (item := _least_used(project, trainer)):
        hand_to(original=item, trainer=trainer, kind=Kind.CALIBRATION)
        made += 1
    if project.repeat_share and Kind.REPEAT not in ready and (item := _to_repeat(project, trainer)):
        hand_to(original=item, trainer=trainer, kind=Kind.REPEAT)
        made += 1
    return made


def _least_used(project: Project, trainer: User) -> Comparison | None:
    given = Count("repeats", filter=Q(repeats__only_for=trainer))
    items = offering.avoided(project, trainer).leave_out(originals(project, Kind.CALIBRATION))
    return items.annotate(given=given).order_by("given", "?").first()


def _to_repeat(project: Project, trainer: User) -> Comparison | None:
    """One of the trainer's own votes, some rankings ago, that was not repeated yet."""
    own = (
        Ranking.objects.in_force()
        .filter(trainer=trainer, kind=Ranking.Kind.VOTE, comparison__project=project, comparison__kind=Kind.NORMAL)
        .exclude(not_rankable__gt="")
        .exclude(comparison__state=Comparison.State.DISCARDED)
        .exclude(Exists(Comparison.objects.filter(repeat_of=OuterRef("comparison"), only_for=trainer)))
        .order_by("-submitted_at")[REPEAT_AFTER : REPEAT_AFTER + 50]
    )
    avoided = offering.avoided(project, trainer)
    votes = [vote for vote in own.select_related("comparison__project") if not avoided.has(vote.comparison.harms)]
    return Random(randomness.new_seed()).choice(votes).comparison if votes else None


def kind_to_try_first(project: Project) -> str:
    """Which kind of task the next lease tries first: hidden in the shares asked for, else an ordinary one."""
    point = Random(randomness.new_seed()).random()
    if point < project.calibration_share:
        return Kind.CALIBRATION
    return Kind.REPEAT if point < project.calibration_share + project.repeat_share else Kind.NORMAL
