"""Which model versions' answers are cut at their limit, and how often: what trainers judge is then not all there is."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count, Q

from insights.report_types import CutShare
from labeling.models import ComparisonRequest, Project, Round, Turn
from sampler.models import Completion


def cut_answers(project: Project, round_: Round | None) -> list[CutShare]:
    """By round and model version: texts drawn for comparisons, and turns of chats and suggestions that were taken."""
    drawn = ComparisonRequest.objects.filter(comparison__project=project)
    spoken = Turn.objects.filter(dialogue__project=project, completion__request__isnull=False)
    if round_ is not None:
        drawn, spoken = drawn.filter(comparison__round=round_), spoken.filter(dialogue__round=round_)
    every: Counter[tuple[int, str]] = Counter()
    cut: Counter[tuple[int, str]] = Counter()
    for rows, at, slug, completion in (
        (drawn, "comparison__round__number", "request__model_version__slug", "request__completions"),
        (spoken, "dialogue__round__number", "completion__model_version__slug", "completion"),
    ):
        whole = Q(**{f"{completion}__finish_reason__in": Completion.WHOLE})
        length = Q(**{f"{completion}__finish_reason": Completion.FinishReason.LENGTH})
        found = (
            rows.order_by()
            .values_list(at, slug)
            .annotate(n=Count(completion, filter=whole), short=Count(completion, filter=length))
        )
        for number, name, n, short in found:
            every[number or 0, name] += n
            cut[number or 0, name] += short
    return [
        {"round": number or None, "model": name, "answers": n, "cut": cut[number, name], "share": cut[number, name] / n}
        for (number, name), n in sorted(every.items()) if n
    ]  # fmt: skip
