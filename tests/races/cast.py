"""Who takes part in every run of a pair: made once for all of its runs, and set back before each."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from accounts.models import User
from labeling.models import Assignment, Comparison, Membership, Project
from tests import makers

ROLES = {"alice": "trainer", "bob": "trainer", "carol": "trainer", "rita": "reviewer", "ron": "reviewer",
         "mona": "manager"}  # fmt: skip


@dataclass
class Cast:
    """Alice does the work; bob is another trainer, carol wrote the prompt, rita and ron review, mona manages."""

    project: Project
    people: dict[str, User]

    @classmethod
    def make(cls, label: str = "") -> Cast:
        """`label` tells casts in one database apart."""
        types = ["chat", "demonstration", "ranking"]
        project = makers.make_project(f"demo{label}", stock_target=0, task_types=types)
        people = {name: makers.make_member(project, name + label, role=role) for name, role in ROLES.items()}
        return cls(project, people)

    def reset(self) -> None:
        """Everybody is a member again, and nothing of earlier runs can be leased or is held."""
        Membership.objects.filter(project=self.project).update(ended_at=None, withdrawn_at=None)
        Assignment.objects.filter(comparison__project=self.project, state__in=["leased", "expired"]).update(
            state="skipped", slot=None, skip_reason="an earlier run"
        )
        Comparison.objects.filter(project=self.project).exclude(state="discarded").update(
            state="discarded", discard_reason="an earlier run", discarded_at=timezone.now()
        )
