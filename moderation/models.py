"""The tables of this app. They stand in `screening/models.py`, where withdrawals and labeling's writes reach them."""

from __future__ import annotations

from screening.models import ProjectFilters as ProjectFilters
from screening.models import Threshold as Threshold
from screening.models import Verdict as Verdict
from screening.models import VerdictFeedback as VerdictFeedback
