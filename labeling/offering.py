"""Whether a person is given a task of a project now: one in a language in which they work, once they have agreed to
what is to be agreed to (`labeling/agreements.py`). What is begun can be finished all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts import languages
from labeling import agreements
from labeling.errors import NotOffered
from labeling.models import Project

if TYPE_CHECKING:
    from accounts.models import User


def check(*, project: Project, person: User, by_program: bool = False) -> None:
    """Costs no statement: languages are read with the person and the project, and agreements are held for a second.

    Raises:
        NotOffered: it is not their language. NotAgreed: something is to be read and agreed to first.
    """
    if not languages.works_in(person, project.language):
        raise NotOffered(
            "This project is in %(language)s, and you work in other languages. You choose them under Password and "
            "security.",
            language=languages.name_of(project.language),
        )
    agreements.check(project=project, person=person, by_program=by_program)
