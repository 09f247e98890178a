"""What keeps labels trustworthy while they are made: more votes where they disagree, hidden calibration
items and repeats, each trainer's drift. The entry exam is in `labeling/exams.py`.

A hidden item is an ordinary open comparison reserved for one trainer (`only_for`), a copy of its
original with completions of its own, made ahead by the beat task. It is leased by the same query and
shown by the same code as any other, so that page, API and timing tell nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from common.stats.agreement import tau_b
from common.stats.drift import Drift, cusum
from labeling import preferences, selection
from labeling.errors import Invalid
from labeling.models import Assignment, Candidate, Comparison, Membership, Project, Ranking
from labeling.projects import current_round
from labeling.rules import ExamRules
from sampler import sampling

if TYPE_CHECKING:
    from accounts.models import User

Kind = Comparison.Kind
PRACTICE = "practice"
RATING_SPREAD = 2  # grades of one completion that lie further apart ask for more votes (HelpSteer2)
REPEAT_AFTER = 20  # rankings of the trainer in between


# -- adaptive overlap -----------------------------------------------------------------------------


def disagree(rankings: Iterable[Ranking], tau_bound: float) -> bool:
    """Whether two of these rankings of one comparison lie too far apart: tau-b under the bound, or a
    completion's grades differ by more than RATING_SPREAD."""
    votes = [ranking for ranking in rankings if ranking.groups]
    for one, other in combinations(votes, 2):
        left, right = preferences.ranks(one.groups), preferences.ranks(other.groups)
        ids = sorted(left)
        tau = tau_b([left[cid] for cid in ids], [right[cid] for cid in ids])
        if tau is not None and tau < tau_bound:
            return True
        if any(
            abs(one.ratings[cid] - other.ratings[cid]) > RATING_SPREAD for cid in one.ratings if cid in other.ratings
        ):
            return True
    return False


def votes_in_force(comparison: Comparison) -> list[Ranking]:
    """Every vote that counts, as order and grades."""
    votes = Ranking.objects.in_force().filter(comparison=comparison, kind=Ranking.Kind.VOTE)
    return list(votes.order_by().only("comparison_id", "groups", "ratings"))


def ask_more_votes(comparison: Comparison, votes: Sequence[Ranking]) -> bool:
    """Once all `votes` are in and disagree, want more; once per comparison. The caller holds its lock."""
    project = comparison.project
    if not project.adaptive_overlap or comparison.extra_votes:
        return False
    if len(votes) < max(2, comparison.votes_wanted) or not disagree(votes, project.adaptive_tau_bound):
        return False
    if comparison.kind != Kind.NORMAL:  # asked last: a hidden item must cost what any other does
        return False
    comparison.extra_votes = project.adaptive_extra_votes
    comparison.votes_wanted += comparison.extra_votes
    comparison.save(update_fields=["extra_votes", "votes_wanted"])
    return comparison.extra_votes > 0


# -- hidden items ---------------------------------------------------------------------------------


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
    return Comparison.objects.filter(
        project=project,
        kind__in=[Kind.CALIBRATION, Kind.EXAM],
        source=source,
        only_for__isnull=True,
        known_groups__isnull=False,
        state=Comparison.State.CLOSED,
    )


def _copy(original: Comparison, *, kind: str, groups: list[list[str]] | None, **columns: Any) -> Comparison:
    """The same texts under new ids, in a storage order of their own: nothing shows that they were seen before."""
    made = Comparison.objects.create(
        project_id=original.project_id,
        round=current_round(original.project),
        kind=kind,
        prompt=original.prompt,
        prompt_key=original.prompt_key,
        split=original.split,
        k=original.k,
        votes_wanted=1,
        **columns,
    )
    candidates = list(original.candidates.select_related("completion__model_version"))
    Random(selection.new_seed()).shuffle(candidates)
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
            made += _prepare(membership)
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
    return originals(project, Kind.CALIBRATION).annotate(given=given).order_by("given", "?").first()


def _to_repeat(project: Project, trainer: User) -> Comparison | None:
    """One of the trainer's own votes, some rankings ago, that was not repeated yet."""
    own = (
        Ranking.objects.in_force()
        .filter(trainer=trainer, kind=Ranking.Kind.VOTE, comparison__project=project, comparison__kind=Kind.NORMAL)
        .exclude(not_rankable__gt="")
        .exclude(Exists(Comparison.objects.filter(repeat_of=OuterRef("comparison"), only_for=trainer)))
        .order_by("-submitted_at")[REPEAT_AFTER : REPEAT_AFTER + 50]
    )
    votes = list(own.select_related("comparison__project"))
    return Random(selection.new_seed()).choice(votes).comparison if votes else None


def coin(project: Project) -> str:
    """Which kind of task the next lease tries first: hidden in the shares asked for, else an ordinary one."""
    point = Random(selection.new_seed()).random()
    if point < project.calibration_share:
        return Kind.CALIBRATION
    return Kind.REPEAT if point < project.calibration_share + project.repeat_share else Kind.NORMAL


# -- drift ----------------------------------------------------------------------------------------


def calibration_results(project: Project, trainer: User) -> list[bool]:
    """Every pair with a known order that this trainer was given, in order of time: right or wrong."""
    rows = (
        Ranking.objects.in_force()
        .filter(trainer=trainer, comparison__project=project, comparison__kind=Kind.CALIBRATION)
        .order_by("submitted_at")
        .values_list("groups", "comparison__known_groups")
    )
    results: list[bool] = []
    for groups, known in rows:
        place = preferences.ranks(groups)
        results.extend(
            place[a] < place[b] for a, b in preferences.strict_pairs(known or []) if a in place and b in place
        )
    return results


def drift_of(project: Project, trainer: User) -> Drift:
    rules = ExamRules.of(project.exam)
    return cusum(
        calibration_results(project, trainer), good=rules.good, failing=rules.failing, threshold=rules.threshold
    )


def intra_rater_pairs(project: Project, trainer: User) -> list[tuple[list[list[str]], list[list[str]]]]:
    """(first ranking, ranking of the repeat), with the repeat's completions named as in the first."""
    repeats = (
        Ranking.objects.in_force()
        .filter(trainer=trainer, comparison__project=project, comparison__kind=Kind.REPEAT)
        .exclude(groups=[])
        .select_related("comparison__repeat_of")
    )
    found = []
    for again in repeats:
        first = (
            Ranking.objects.in_force()
            .filter(comparison=again.comparison.repeat_of, trainer=trainer, kind=Assignment.Kind.VOTE)
            .exclude(groups=[])
            .first()
        )
        if first is None or again.comparison.repeat_of is None:
            continue
        texts = {text: cid for cid, text in again.comparison.repeat_of.texts.items()}
        names = {cid: texts[text] for cid, text in again.comparison.texts.items() if text in texts}
        if len(names) == len(texts):
            found.append((first.groups, [[names[cid] for cid in group] for group in again.groups]))
    return found
