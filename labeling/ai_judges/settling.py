"""Reading what AI judges answered: the beat task, after the sampler."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from labeling.ai_judges import orders, prompts
from labeling.models import AiJudgement, AiVerdict, Comparison
from sampler.models import Completion, SampleRequest

AT_ONCE = 200
Said = AiVerdict.Said


def settle() -> Counter[str]:
    """Read the answers of the judgements that have all of theirs; how many, by what was said and as `judged`."""
    outcome: Counter[str] = Counter()
    under_way = AiVerdict.objects.filter(judgement=OuterRef("pk"), said=Said.WAITING).exclude(
        request__state__in=SampleRequest.ENDED
    )
    whole = AiJudgement.objects.filter(judged_at__isnull=True).exclude(Exists(under_way)).order_by("asked_at")
    for pk, comparison in whole.values_list("pk", "comparison")[:AT_ONCE]:
        outcome += _settle(pk, comparison)
    return outcome


@transaction.atomic
def _settle(pk: UUID, comparison_id: UUID) -> Counter[str]:
    """The comparison is locked as a withdrawal locks it: what was said of it is read whole, or was emptied before."""
    comparison = Comparison.objects.select_for_update(of=("self",), no_key=True).get(pk=comparison_id)
    judgement = AiJudgement.objects.select_for_update().filter(pk=pk, judged_at__isnull=True).first()
    if judgement is None:  # another process was first
        return Counter()
    rows = list(judgement.verdicts.order_by("pk"))
    answers = {
        answer.request_id: answer for answer in Completion.objects.filter(request__in=[row.request_id for row in rows])
    }
    for row in rows:
        answer = None if comparison.withdrawn_at else answers.get(row.request_id)
        row.said = _said(answer)
    AiVerdict.objects.bulk_update(rows, ["said"])
    verdicts = {(str(row.first_id), str(row.second_id)): row.said for row in rows}
    ids = list(dict.fromkeys(first for first, _ in verdicts))
    judgement.groups, judgement.judged_at = orders.order(ids, verdicts), timezone.now()
    judgement.save(update_fields=["groups", "judged_at"])
    return Counter({"judged": 1, **Counter(str(row.said) for row in rows)})


def _said(answer: Completion | None) -> Said:
    """Only an answer that ended by itself is read: of one that was cut nobody knows how it would have ended."""
    if answer is None or answer.finish_reason not in Completion.WHOLE:
        return Said.UNANSWERED
    found = None if answer.is_cut else prompts.read(answer.text)
    return Said(found) if found else Said.UNREADABLE
