"""What stands in a project, without ids and times, so that two runs can be compared."""

from __future__ import annotations

import re
from datetime import datetime

from django.db.models import Q

from labeling.models import (
    Assignment,
    Comparison,
    Dialogue,
    Membership,
    Project,
    Question,
    Ranking,
    Review,
    Turn,
    TurnFeedback,
)
from sampler.models import SampleRequest

NUMBER = re.compile(r"\d+")  # which prompt of a pool was given is another in each run
Fact = tuple[object, ...]
Standing = tuple[Fact, ...]


def standing(project: Project, since: datetime) -> Standing:
    """Every fact that a write on a ranking or a dialogue may change, of what came into being since then; sorted."""
    facts: list[Fact] = []
    comparisons = Comparison.objects.filter(project=project, created_at__gte=since)
    dialogues = Dialogue.objects.filter(project=project, created_at__gte=since)
    for row in comparisons:
        facts.append(("comparison", row.state, row.votes_wanted, row.prompt[-1]["content"]))
    for lease in Assignment.objects.filter(comparison__in=comparisons).select_related("trainer"):
        held = lease.state in (Assignment.State.LEASED, Assignment.State.SUBMITTED)
        slot = lease.slot if held else None
        facts.append(
            ("assignment", lease.trainer.username, lease.kind, lease.state, slot, str(lease.draft.get("note")))
        )
    for ranking in Ranking.objects.filter(comparison__in=comparisons).select_related("trainer"):
        superseded = Ranking.objects.filter(supersedes=ranking).exists()
        stands = ranking.undone_at is None
        facts.append(("ranking", str(ranking.trainer), ranking.kind, ranking.note, stands, superseded))
    for dialogue in dialogues:
        facts.append(_dialogue(dialogue))
    for opinion in TurnFeedback.objects.filter(turn__dialogue__in=dialogues):
        facts.append(("feedback", opinion.thumb_up, len(opinion.earlier), opinion.comment))
    for review in Review.objects.filter(Q(ranking__comparison__in=comparisons) | Q(dialogue__in=dialogues)):
        facts.append(("review", review.decision, review.comment, review.undone_at is None))
    for question in Question.objects.filter(project=project, created_at__gte=since):
        gone = question.withdrawn_at is not None
        facts.append(("question", question.text, question.answer, question.for_everybody, gone))
    for member in Membership.objects.filter(project=project).select_related("user"):
        facts.append(("member", member.user.username, member.withdrawn_at is None))
    for request in SampleRequest.objects.filter(created_at__gte=since):
        last = request.prompt[-1]["content"]
        facts.append(("request", request.state, request.purpose, request.cancel_requested, last))
    return tuple(sorted(facts, key=repr))


def _dialogue(dialogue: Dialogue) -> Fact:
    turns = Turn.objects.filter(dialogue=dialogue).order_by("position").values_list("position", "role", "text")
    return (
        "dialogue",
        dialogue.state,
        dialogue.undone_at is None,
        dialogue.supersedes_id is None,
        str(dialogue.composer.get("text")),
        dialogue.pending_request_id is None,
        tuple((position, role, NUMBER.sub("n", text)) for position, role, text in turns),
    )
