"""What stands in a project, without ids and times, so that two runs can be compared."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import (
    DateTimeField,
    Exists,
    Field,
    ForeignKey,
    Model,
    OuterRef,
    Q,
    UUIDField,
)

from labeling.models import (
    AiJudge,
    AiJudgement,
    Assignment,
    Comparison,
    Dialogue,
    Membership,
    Project,
    Question,
    Ranking,
    RedTeamAttempt,
    RedTeamRule,
    Review,
    Turn,
    TurnFeedback,
)
from sampler.models import SampleRequest

UUID_LIKE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+")
NUMBER = re.compile(r"\d+")  # which prompt of a pool was given, or what answers say, is another in each run
Fact = tuple[object, ...]
Standing = tuple[Fact, ...]


def standing(project: Project, since: datetime) -> Standing:
    """Every fact that a write on a ranking or a dialogue may change, of what came into being since then; sorted."""
    facts: list[Fact] = []
    here = {"project": project, "created_at__gte": since}
    comparisons: list[UUID] = []  # their ids: what hangs on none is not asked for
    found = Comparison.objects.filter(**here)
    for pk, state, wanted, prompt in found.values_list("pk", "state", "votes_wanted", "prompt"):
        comparisons.append(pk)
        facts.append(("comparison", state, wanted, prompt[-1]["content"]))
    dialogues = list(Dialogue.objects.filter(**here).values_list("pk", flat=True))
    leases = Assignment.objects.filter(comparison__in=comparisons)
    for name, kind, state, slot, draft in leases.values_list("trainer__username", "kind", "state", "slot", "draft"):
        held = state in (Assignment.State.LEASED, Assignment.State.SUBMITTED)
        facts.append(("assignment", name, kind, state, slot if held else None, str(draft.get("note"))))
    superseded = Exists(Ranking.objects.filter(supersedes=OuterRef("pk")))
    rankings = Ranking.objects.filter(comparison__in=comparisons).annotate(superseded=superseded)
    columns = ("trainer__username", "kind", "note", "undone_at", "superseded")
    for name, kind, note, undone_at, has_next in rankings.values_list(*columns):
        facts.append(("ranking", str(name), kind, note, undone_at is None, has_next))
    facts += _dialogues(dialogues)
    thumbs = TurnFeedback.objects.filter(turn__dialogue__in=dialogues)
    facts += [("feedback", up, len(earlier), said) for up, earlier, said in
              thumbs.values_list("thumb_up", "earlier", "comment")]  # fmt: skip
    reviews = Review.objects.filter(Q(ranking__comparison__in=comparisons) | Q(dialogue__in=dialogues))
    for decision, finding, comment, undone_at in reviews.values_list("decision", "finding", "comment", "undone_at"):
        facts.append(("review", decision, finding, comment, undone_at is None))
    tries = RedTeamAttempt.objects.filter(dialogue__in=dialogues)
    facts += [("attempt", *said) for said in tries.values_list("outcome", "how", "severity", "dialogue__state")]
    rules = RedTeamRule.objects.filter(project=project).values_list("number", "version", "sentence", "ended_at")
    facts += [("rule", number, version, words, ended_at is None) for number, version, words, ended_at in rules]
    members = Membership.objects.filter(project=project).values_list("user__username", "withdrawn_at")
    facts += [("member", name, withdrawn_at is None) for name, withdrawn_at in members]
    asked = SampleRequest.objects.filter(created_at__gte=since)
    for state, purpose, cancelled, prompt in asked.values_list("state", "purpose", "cancel_requested", "prompt"):
        facts.append(("request", state, purpose, cancelled, NUMBER.sub("n", prompt[-1]["content"])))
    questions = Question.objects.filter(project=project, created_at__gte=since)
    for text, answer, published, gone in questions.values_list("text", "answer", "for_everybody", "withdrawn_at"):
        facts.append(("question", text, answer, published, gone is not None))
    appointed = AiJudge.objects.filter(project=project, created_at__gte=since)
    facts += [("judge", ended_at is None) for ended_at in appointed.values_list("ended_at", flat=True)]
    for judgement in AiJudgement.objects.filter(comparison__in=comparisons):
        verdicts = tuple(judgement.verdicts.order_by("pk").values_list("said", flat=True))
        facts.append(("judgement", judgement.judged_at is not None, len(judgement.groups), verdicts))
    return tuple(sorted(facts, key=repr))


def rows(*models: type[Model], without: Collection[str] = ()) -> Standing:
    """Every row of these tables, without ids and drawn words; of a time only whether there is one."""
    return tuple(sorted((_row(row, without) for model in models for row in model._default_manager.all()), key=repr))


def _row(row: Model, without: Collection[str]) -> Fact:
    fields = [field for field in row._meta.concrete_fields if not field.primary_key and field.name not in without]
    return (type(row).__name__, *((field.name, _plain(field, getattr(row, field.attname))) for field in fields))


def _plain(field: Field[object, object], value: object) -> str:
    if isinstance(field, UUIDField | DateTimeField | ForeignKey) or value is None:
        return "none" if value is None else "some"
    return INSTANT.sub("then", UUID_LIKE.sub("id", str(value)))


def _dialogues(dialogues: Collection[UUID]) -> list[Fact]:
    texts: dict[UUID, list[Fact]] = defaultdict(list)
    turns = Turn.objects.filter(dialogue__in=dialogues).order_by("position")
    for pk, position, role, text in turns.values_list("dialogue", "position", "role", "text"):
        texts[pk].append((position, role, NUMBER.sub("n", text)))
    found = Dialogue.objects.filter(pk__in=dialogues)
    columns = ("pk", "state", "undone_at", "supersedes", "composer", "pending_request", "rule__name", "rule__version")
    return [
        ("dialogue", state, undone_at is None, supersedes is None, str(composer.get("text")), pending is None,
         rule, version, tuple(texts[pk]))
        for pk, state, undone_at, supersedes, composer, pending, rule, version in found.values_list(*columns)
    ]  # fmt: skip
