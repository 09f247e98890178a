"""The tables of the loop, by noun."""

from labeling.models.agreements import Acknowledgement
from labeling.models.ai_judges import AiJudge, AiJudgement, AiVerdict
from labeling.models.assignments import Assignment
from labeling.models.comparisons import Candidate, CandidateCopy, Comparison, ComparisonRequest
from labeling.models.dialogues import Dialogue, ReplyRequest, SuggestionRequest
from labeling.models.guidelines import GuidelineVersion
from labeling.models.imports import ImportRun
from labeling.models.invitations import Invitation
from labeling.models.members import Membership
from labeling.models.projects import DEFAULT_FLAGS, Project
from labeling.models.prompts import Prompt
from labeling.models.questions import Question
from labeling.models.rankings import Ranking
from labeling.models.red_team import RED_TEAM, RedTeamAttempt, RedTeamRule
from labeling.models.reviews import Review, ReviewItem
from labeling.models.rounds import Round, RoundPolicy
from labeling.models.terms import KeptAcceptance, TermsAcceptance, TermsVersion
from labeling.models.turns import Turn, TurnDraw, TurnFeedback
from labeling.models.warnings import ContentWarning, WarningRead

__all__ = [
    "DEFAULT_FLAGS",
    "RED_TEAM",
    "Acknowledgement",
    "AiJudge",
    "AiJudgement",
    "AiVerdict",
    "Assignment",
    "Candidate",
    "CandidateCopy",
    "Comparison",
    "ComparisonRequest",
    "ContentWarning",
    "Dialogue",
    "GuidelineVersion",
    "ImportRun",
    "Invitation",
    "KeptAcceptance",
    "Membership",
    "Project",
    "Prompt",
    "Question",
    "Ranking",
    "RedTeamAttempt",
    "RedTeamRule",
    "ReplyRequest",
    "Review",
    "ReviewItem",
    "Round",
    "RoundPolicy",
    "SuggestionRequest",
    "TermsAcceptance",
    "TermsVersion",
    "Turn",
    "TurnDraw",
    "TurnFeedback",
    "WarningRead",
]
