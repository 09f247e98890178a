"""Which comparisons an AI judge is asked about, and the asking: the beat task, a few at a time.

A judge's requests wait behind whatever was asked before them, so only so many are under way that completions for
people do not wait long behind them.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import MD5, Cast, Concat
from django.utils import timezone

from common.shapes import Message
from labeling.ai_judges import prompts
from labeling.models import AiJudge, AiJudgement, AiVerdict, Comparison
from sampler import sampling
from sampler.models import ModelVersion

UNDER_WAY = 96  # verdicts of a judge that are waited for when it is asked about one comparison more
AT_ONCE = 50  # comparisons
LOOK_BACK = timedelta(minutes=15)  # a comparison commits a moment after the instant at which it opened
GREEDY = {"temperature": 0.0}  # the same question gets the same answer


def ask() -> int:
    """Ask every judge about what it has not judged yet; return how many comparisons were asked about."""
    serving = AiJudge.objects.filter(ended_at__isnull=True, project__archived_at__isnull=True)
    return sum(_ask(judge) for judge in serving.exclude(model_version__state=ModelVersion.State.RETIRED))


def _ask(judge: AiJudge) -> int:
    now, asked, up_to = timezone.now(), 0, judge.looked_up_to
    found = list(due(judge).values_list("pk", "opened_at")[:AT_ONCE])
    for comparison, opened_at in found:
        if not _ask_about(judge.pk, comparison):
            break
        asked, up_to = asked + 1, opened_at
    if asked == len(found) < AT_ONCE:  # nothing is left for later
        up_to = now
    AiJudge.objects.filter(pk=judge.pk).update(looked_up_to=up_to)
    return asked


def due(judge: AiJudge) -> QuerySet[Comparison]:
    """Comparisons that are drawn for the judge and that it was not asked about, those that opened first before others.

    Whether one is drawn follows from the ids of both, so that two judges do not get the same share.
    """
    rows = Comparison.objects.filter(
        project=judge.project_id, kind=Comparison.Kind.NORMAL, state__in=Comparison.READY, withdrawn_at__isnull=True
    )
    if judge.looked_up_to is not None:
        rows = rows.filter(opened_at__gt=judge.looked_up_to - LOOK_BACK)
    if judge.share < 1:
        drawn = MD5(Concat(Value(str(judge.pk)), Cast("pk", CharField())))
        rows = rows.alias(drawn=drawn).filter(drawn__lt=f"{int(judge.share * 16**32):032x}")
    asked = AiJudgement.objects.filter(judge=judge, comparison=OuterRef("pk"))
    return rows.exclude(Exists(asked)).order_by("opened_at", "pk")


@transaction.atomic
def _ask_about(judge_id: UUID, comparison_id: UUID) -> bool:
    """Every two completions in both orders: K (K - 1) requests. The comparison is locked, so that no withdrawal empties
    its texts meanwhile and leaves them in a request."""
    free = AiJudge.objects.select_for_update(of=("self",), no_key=True).filter(pk=judge_id, ended_at__isnull=True)
    judge = free.select_related("model_version").first()
    still = AiVerdict.objects.filter(judgement__judge=judge_id, judgement__judged_at__isnull=True, said="").count()
    if judge is None or still >= UNDER_WAY:
        return False
    locked = Comparison.objects.select_for_update(of=("self",), no_key=True)
    comparison = locked.filter(pk=comparison_id, state__in=Comparison.READY, withdrawn_at__isnull=True).first()
    if comparison is None:
        return True
    judgement, new = AiJudgement.objects.get_or_create(judge=judge, comparison=comparison)
    for first, second in permutations(comparison.texts, 2) if new else ():
        read = prompts.filled(judge.prompt, comparison.prompt, comparison.texts[first], comparison.texts[second])
        request = sampling.request_completions(
            model_version=judge.model_version, prompt=[Message(role="user", content=read)], params=GREEDY
        )
        AiVerdict.objects.create(judgement=judgement, first_id=first, second_id=second, request=request)
    return True
