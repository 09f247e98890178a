"""What keeps labels trustworthy while they are made: more votes where they disagree, hidden calibration
items and repeats, the entry exam, each trainer's drift.

A hidden item is an ordinary open comparison reserved for one trainer (`only_for`), a copy of its
original with completions of its own, made ahead by the beat task. It is leased by the same query and
shown by the same code as any other, so that page, API and timing tell nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Avg, Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from common.stats.agreement import tau_b
from common.stats.drift import Drift, cusum
from labeling import preferences, selection
from labeling.errors import Invalid
from labeling.models import Assignment, Candidate, Comparison, Dialogue, Membership, Project, Ranking, Review
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


def ask_more_votes(comparison: Comparison) -> bool:
    """Once all votes are in and disagree, want more; once per comparison. The caller holds its lock."""
    project = comparison.project
    if not project.adaptive_overlap or comparison.extra_votes or comparison.kind != Kind.NORMAL:
        return False
    votes = Ranking.objects.in_force().filter(comparison=comparison, kind=Ranking.Kind.VOTE)
    given = list(votes[: comparison.votes_wanted + 1])
    if len(given) < max(2, comparison.votes_wanted) or not disagree(given, project.adaptive_tau_bound):
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


# -- entry exam -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ExamStanding:
    """Where a trainer stands. `state`: not_needed, open, waiting (for grades), passed, failed."""

    state: str
    attempt: int
    done: int
    items: int
    pairs_right: float | None
    grade: float | None
    demonstrations: int
    rules: ExamRules


def known_points(groups: list[list[str]], known: list[list[str]]) -> tuple[int, int]:
    """(pairs ordered as known, pairs with a known order); a tie where an order is known is wrong."""
    place = preferences.ranks(groups)
    pairs = preferences.strict_pairs(known)
    return sum(place[a] < place[b] for a, b in pairs if a in place and b in place), len(pairs)


def exam_standing(project: Project, trainer: User) -> ExamStanding:
    """Recounted from what the trainer did: nothing of it is stored twice."""
    rules = ExamRules.of(project.exam)
    membership = Membership.objects.filter(project=project, user=trainer).first()
    if not rules.required or membership is None or membership.role != Membership.Role.TRAINER:
        return ExamStanding("not_needed", 0, 0, 0, None, None, 0, rules)
    rows = list(exam_rankings(project, trainer))
    items = min(rules.items, originals(project, Kind.EXAM).count())
    attempts = [rows[at : at + items] for at in range(0, len(rows), items)] if items else []
    grades = graded(project, trainer, rules.demonstrations)
    writes_enough = grades["graded"] >= rules.demonstrations
    grade_passes = not rules.demonstrations or (writes_enough and (grades["mean"] or 0) >= rules.pass_grade)
    current = attempts[-1] if attempts else []
    share = _share(current)
    state = "open"
    if items == 0 and not rules.demonstrations:
        state = "not_needed"  # an exam without items keeps nobody out
    elif items == 0 or any(
        len(attempt) == items and (_share(attempt) or 0) >= rules.pass_pairs for attempt in attempts
    ):
        state = "passed" if grade_passes else "failed" if writes_enough else "waiting"
    elif len(attempts) >= rules.attempts and len(current) == items:
        state = "failed"
    done = len(current) if len(current) < items or state != "open" else 0
    return ExamStanding(state, max(1, len(attempts)), done, items, share, grades["mean"], rules.demonstrations, rules)


def exam_rankings(project: Project, trainer: User) -> QuerySet[Ranking]:
    return (
        Ranking.objects.in_force()
        .filter(trainer=trainer, comparison__project=project, comparison__kind=Kind.EXAM, comparison__source=Kind.EXAM)
        .select_related("comparison")
        .order_by("submitted_at")
    )


def _share(rankings: list[Ranking]) -> float | None:
    points = [known_points(r.groups, r.comparison.known_groups or []) for r in rankings]
    asked = sum(total for _, total in points)
    return sum(right for right, _ in points) / asked if asked else None


def graded(project: Project, trainer: User, first: int) -> dict[str, Any]:
    """Mean grade of the trainer's first so many demonstrations that a reviewer graded."""
    if not first:
        return {"graded": 0, "mean": None}
    demonstrations = Dialogue.objects.filter(
        project=project, author=trainer, kind=Dialogue.Kind.DEMONSTRATION, submitted_at__isnull=False
    ).order_by("submitted_at")
    marks = Review.objects.filter(dialogue__in=demonstrations.values("pk"), grade__isnull=False)
    latest = marks.order_by("dialogue__submitted_at").values("dialogue").annotate(mark=Avg("grade"))[:first]
    values = [row["mark"] for row in latest]
    return {"graded": len(values), "mean": sum(values) / len(values) if values else None}


def kinds_open_to(project: Project, trainer: User) -> tuple[str, ...]:
    """Kinds of comparison that this trainer may be given now, the first to be tried first.

    Raises:
        Invalid: the exam was failed.
    """
    standing = exam_standing(project, trainer)
    if standing.state == "failed":
        raise Invalid("You did not pass the entry exam of this project. Your manager can tell you more.")
    if standing.state == "open":
        _deal_exam(project, trainer)
        return (Kind.EXAM,)
    if standing.state == "waiting":
        raise Invalid("Your exam demonstrations wait for their grades. Ranking opens once they pass.")
    first = coin(project)
    others = [Kind.NORMAL, Kind.CALIBRATION, Kind.REPEAT]
    return (first, *(kind for kind in others if kind != first))


def _deal_exam(project: Project, trainer: User) -> None:
    """Have the next exam item waiting, each item once an attempt. The caller holds the membership's lock."""
    mine = Comparison.objects.filter(project=project, kind=Kind.EXAM, source=Kind.EXAM, only_for=trainer)
    if mine.filter(state=Comparison.State.OPEN).exists():
        return
    used = Count("repeats", filter=Q(repeats__only_for=trainer))
    item = originals(project, Kind.EXAM).annotate(used=used).order_by("used", "?").first()
    if item is not None:
        hand_to(original=item, trainer=trainer, kind=Kind.EXAM)


@transaction.atomic
def next_practice(*, project: Project, trainer: User) -> Comparison | None:
    """An open practice item for this trainer, the least used first; None where the project has none."""
    Membership.objects.select_for_update(of=("self",)).get(project=project, user=trainer, ended_at__isnull=True)
    mine = Comparison.objects.filter(project=project, source=PRACTICE, only_for=trainer, state=Comparison.State.OPEN)
    if (waiting := mine.first()) is not None:
        return waiting
    used = Count("repeats", filter=Q(repeats__only_for=trainer))
    item = originals(project, PRACTICE).annotate(used=used).order_by("used", "?").first()
    return hand_to(original=item, trainer=trainer, kind=Kind.EXAM) if item else None


def practised(project: Project, trainer: User) -> QuerySet[Ranking]:
    """The trainer's finished practice items, newest first; the comparison holds the order and explanation."""
    return (
        Ranking.objects.in_force()
        .filter(trainer=trainer, comparison__project=project, comparison__source=PRACTICE)
        .select_related("comparison__repeat_of")
        .order_by("-submitted_at")
    )


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
        .select_related("comparison")
    )
    found = []
    for again in repeats:
        first = (
            Ranking.objects.in_force()
            .filter(comparison=again.comparison.repeat_of, trainer=trainer, kind=Assignment.Kind.VOTE)
            .exclude(groups=[])
            .first()
        )
        if first is None:
            continue
        texts = {
            c.completion.text: str(c.completion_id)
            for c in again.comparison.repeat_of.candidates.select_related("completion")
        }
        names = {
            str(c.completion_id): texts[c.completion.text]
            for c in again.comparison.candidates.select_related("completion")
            if c.completion.text in texts
        }
        if len(names) == len(texts):
            found.append((first.groups, [[names[cid] for cid in group] for group in again.groups]))
    return found
