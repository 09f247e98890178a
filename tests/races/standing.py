"""What stands in a project, without ids and times, so that two runs can be compared."""

from __future__ import annotations

from accounts.models import User
from labeling.models import (
    Assignment,
    Comparison,
    Dialogue,
    Membership,
    Project,
    Ranking,
    Review,
    RoundPolicy,
    Turn,
    TurnFeedback,
)
from sampler.models import SampleRequest

Fact = tuple[object, ...]
Standing = tuple[Fact, ...]


def standing(project: Project) -> Standing:
    """Every fact that a write on a ranking or a dialogue may change, sorted."""
    facts: list[Fact] = []
    for row in Comparison.objects.filter(project=project):
        facts.append(("comparison", row.state, row.votes_wanted, row.prompt[-1]["content"]))
    for lease in Assignment.objects.filter(comparison__project=project).select_related("trainer"):
        held = lease.state in (Assignment.State.LEASED, Assignment.State.SUBMITTED)
        slot = lease.slot if held else None
        facts.append(("assignment", _name(lease.trainer), lease.kind, lease.state, slot, str(lease.draft.get("note"))))
    for ranking in Ranking.objects.filter(comparison__project=project).select_related("trainer"):
        superseded = Ranking.objects.filter(supersedes=ranking).exists()
        facts.append(
            ("ranking", _name(ranking.trainer), ranking.kind, ranking.note, ranking.undone_at is None, superseded)
        )
    for dialogue in Dialogue.objects.filter(project=project):
        facts.append(_dialogue(dialogue))
    for opinion in TurnFeedback.objects.filter(turn__dialogue__project=project):
        facts.append(("feedback", opinion.thumb_up, len(opinion.earlier), opinion.comment))
    for review in Review.objects.filter(ranking__comparison__project=project):
        facts.append(("review", review.decision, review.comment))
    for review in Review.objects.filter(dialogue__project=project):
        facts.append(("review", review.decision, review.comment))
    for member in Membership.objects.filter(project=project).select_related("user"):
        facts.append(("member", _name(member.user), member.withdrawn_at is None))
    asked = SampleRequest.objects.filter(model_version__in=_models(project))
    for request in asked:
        facts.append(
            ("request", request.state, request.purpose, request.cancel_requested, request.prompt[-1]["content"])
        )
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
        tuple(turns),
    )


def _models(project: Project) -> list[object]:
    policies = RoundPolicy.objects.filter(round__project=project)
    return list(policies.values_list("model_version", flat=True))


def _name(user: User | None) -> str:
    """Without the number that makes it another person in every run."""
    return user.username.partition(".")[0] if user is not None else ""
