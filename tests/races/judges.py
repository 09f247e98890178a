"""What may be written on a comparison that an AI judge judges."""

from __future__ import annotations

from collections.abc import Sequence

from labeling.ai_judges import asking, judges, prompts, settling
from labeling.models import AiJudge, AiVerdict
from tests import makers
from tests.races import rankings
from tests.races.cast import Cast
from tests.races.pairs import Situation
from tests.races.rankings import Work


def appointed(cast: Cast) -> Work:
    """A judge that was not asked yet, and none of an earlier run."""
    for judge in AiJudge.objects.filter(project=cast.project, ended_at__isnull=True):
        judges.dismiss(judge=judge)
    work = rankings.leased(cast)
    judges.appoint(project=cast.project, model_version=makers.make_model(), prompt=prompts.DEFAULT, share=1)
    return work


def asked(cast: Cast) -> Work:
    """Nothing is answered yet."""
    work = appointed(cast)
    asking.ask()
    return work


def answered(cast: Cast) -> Work:
    work = asked(cast)
    for verdict in AiVerdict.objects.filter(judgement__comparison=work.comparison).select_related("request"):
        makers.answer(verdict.request, "VERDICT: 1")
    return work


def ask(work: Work) -> object:
    return asking.ask()


def settle(work: Work) -> object:
    return settling.settle()


def dismiss(work: Work) -> None:
    judges.dismiss(judge=AiJudge.objects.filter(project=work.project).order_by("-number")[0])


def appoint(work: Work) -> object:
    """One more than the situation has."""
    model = makers.make_model()
    return judges.appoint(project=work.project, model_version=model, prompt=prompts.DEFAULT, share=1)


WRITES = {"ask": ask, "settle": settle, "dismiss": dismiss, **rankings.EVERYBODYS, "submit": rankings.submit}
SITUATIONS: Sequence[Situation[Work]] = (
    Situation("to be judged", appointed, {**WRITES, "appoint": appoint}),
    Situation("asked", asked, WRITES),
    Situation("answered", answered, WRITES),
)
