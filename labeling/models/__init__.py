"""The tables of the loop, by noun."""

from labeling.models.comparisons import (
    Assignment,
    Candidate,
    Comparison,
    ComparisonRequest,
    Ranking,
    Review,
)
from labeling.models.dialogues import Dialogue, Turn, TurnDraw, TurnFeedback
from labeling.models.invitations import Invitation
from labeling.models.projects import (
    DEFAULT_FLAGS,
    GuidelineVersion,
    Membership,
    Project,
    Prompt,
    Round,
    RoundPolicy,
)
from labeling.models.reviews import ReviewItem

__all__ = [
    "DEFAULT_FLAGS",
    "Assignment",
    "Candidate",
    "Comparison",
    "ComparisonRequest",
    "Dialogue",
    "GuidelineVersion",
    "Invitation",
    "Membership",
    "Project",
    "Prompt",
    "Ranking",
    "Review",
    "ReviewItem",
    "Round",
    "RoundPolicy",
    "Turn",
    "TurnDraw",
    "TurnFeedback",
]
