"""The part of a project's form that sets its rules of review, its exam and its drift alarm.

The fields are named `review_` or `exam_` and then as in `labeling/quality/rules.py`, which holds their defaults.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop

from labeling.admin.base import RowForm
from labeling.admin.form_fields import number, switch
from labeling.models import Project
from labeling.quality.rules import ExamRules, ReviewRules

COLUMNS = {"review": "review_rules", "exam": "exam"}  # prefix of the fields to the column of the project


class RulesForm(RowForm[Project]):
    review_random_share = number(
        "Random share", gettext_noop("Share of finished work (0 to 1) that is reviewed whoever did it."), low=0, high=1
    )
    review_low_agreement = switch(
        "Low agreement", gettext_noop("Rankings that disagree with another vote on the same comparison.")
    )
    review_fast_seconds = number(
        "Fast work (seconds)",
        gettext_noop("Rankings done in less time than this. 0: never."),
        low=0,
        high=3600,
        whole=True,
    )
    review_contradictions = switch(
        "Contradictions", gettext_noop("Rankings whose order goes against their own grades.")
    )
    review_verbatim_share = number(
        "Verbatim suggestions",
        gettext_noop(
            "Demonstrations in which at least this share (0 to 1) of assistant turns is the model's own text. 0: never."
        ),
        low=0,
        high=1,
    )
    review_new_trainer = number(
        "New trainers", gettext_noop("The first so many pieces of work of each trainer."), low=0, high=1000, whole=True
    )
    exam_required = switch(
        "Exam required", gettext_noop("Newcomers rank the exam's comparisons first, and go on only if they pass.")
    )
    exam_items = number(
        "Exam comparisons",
        gettext_noop("How many of the exam's comparisons each newcomer ranks."),
        low=1,
        high=100,
        whole=True,
    )
    exam_pass_pairs = number(
        "Pass mark: pairs",
        gettext_noop("Share of pairs (0 to 1) that must be ordered as known. InstructGPT asked for 0.75."),
        low=0,
        high=1,
    )
    exam_demonstrations = number(
        "Exam demonstrations",
        gettext_noop("Demonstrations to be graded by a reviewer. 0: none."),
        low=0,
        high=100,
        whole=True,
    )
    exam_pass_grade = number(
        "Pass mark: grade",
        gettext_noop("Mean grade of these demonstrations, 1 to 7. InstructGPT asked for 6."),
        low=1,
        high=7,
    )
    exam_attempts = number("Attempts", gettext_noop("How often the exam may be taken."), low=1, high=20, whole=True)
    exam_good = number(
        "Drift alarm: good",
        gettext_noop("Share of calibration pairs (0 to 1) that a good trainer gets right."),
        low=0.5,
        high=0.99,
    )
    exam_failing = number(
        "Drift alarm: failing",
        gettext_noop("Share that a failing trainer gets right; must be lower."),
        low=0.3,
        high=0.95,
    )
    exam_threshold = number(
        "Drift alarm: threshold",
        gettext_noop("Evidence that rings it. 7 gives 3% false alarms in 500 items."),
        low=1,
        high=50,
    )

    def rules(self) -> list[tuple[str, ReviewRules | ExamRules]]:
        """The rules in force, each with the prefix of its fields."""
        return [("review", ReviewRules.of(self.instance.review_rules)), ("exam", ExamRules.of(self.instance.exam))]
