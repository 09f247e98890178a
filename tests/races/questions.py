"""What may be written on a question: while it waits, and once it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from labeling import questions, withdrawal
from labeling.models import Question
from tests.races import rankings
from tests.races.cast import Cast
from tests.races.pairs import Situation


@dataclass
class Work:
    """A task of alice's, and what she asked on it."""

    task: rankings.Work
    question: Question
    read: datetime | None = None  # the answer that the manager has on the page


def asked(cast: Cast) -> Work:
    task = rankings.leased(cast)
    return Work(task, _ask(task, "Which counts more?"))


def answered(cast: Cast) -> Work:
    work = asked(cast)
    answer(work, "Truth.")
    work.read = Question.objects.get(pk=work.question.pk).answered_at
    return work


def _ask(task: rankings.Work, text: str) -> Question:
    return questions.ask(by=task.people["alice"], text=text, comparison=task.comparison)


def ask(work: Work) -> object:
    return _ask(work.task, "And the length?")


def answer(work: Work, text: str, *, for_everybody: bool = False) -> object:
    return questions.answer(
        question=work.question, by=work.task.people["mona"], text=text, for_everybody=for_everybody,
        instead_of=work.read,
    )  # fmt: skip


def take_back(work: Work) -> None:
    questions.take_back(question=work.question, by=work.task.people["alice"])


def withdraw(work: Work, name: str) -> object:
    return withdrawal.withdraw(project=work.task.project, user=work.task.people[name])


WRITES = {
    "answer": lambda work: answer(work, "Truth first."),
    "another answer": lambda work: answer(work, "The first line.", for_everybody=True),
    "take back": take_back,
    "ask": ask,
    "submit": lambda work: rankings.submit(work.task),
    "withdraw alice": lambda work: withdraw(work, "alice"),
    "withdraw carol": lambda work: withdraw(work, "carol"),
    "withdraw mona": lambda work: withdraw(work, "mona"),
}
SITUATIONS: Sequence[Situation[Work]] = (
    Situation("asked", asked, WRITES),
    Situation("answered", answered, {name: WRITES[name] for name in WRITES if name not in ("ask", "submit")}),
)
