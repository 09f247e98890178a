"""Who takes part in every run of a pair: made once for all of its runs."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import User
from labeling.models import Project
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
        types = ["chat", "demonstration", "ranking", "red_team"]
        project = makers.make_project(f"demo{label}", stock_target=0, task_types=types)
        people = {name: makers.make_member(project, name + label, role=role) for name, role in ROLES.items()}
        return cls(project, people)
