"""What a person does not want to meet, while they are given tasks and verdicts come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import User
from labeling import assignments, harms, leases, opt_outs
from labeling.models import Assignment, Comparison
from moderation.models import Verdict
from tests import makers
from tests.races.cast import Cast
from tests.races.pairs import Situation, taken

BAD = "I will kill you tomorrow."


@dataclass
class Held:
    """One flagged comparison and one that is not; alice holds the flagged one."""

    cast: Cast
    comparison: Comparison
    lease: Assignment

    @property
    def alice(self) -> User:
        return User.objects.get(pk=self.cast.people["alice"].pk)

    @property
    def mine(self) -> Assignment:
        return Assignment.objects.select_related("comparison__project").get(pk=self.lease.pk)


def held(cast: Cast) -> Held:
    bad = makers.make_comparison(cast.project, prompt=BAD)
    makers.make_comparison(cast.project, prompt="Why is the sky blue?")
    return Held(cast, bad, makers.make_lease(bad, cast.people["alice"]))


def choose(work: Held, *kinds: str) -> object:
    return opt_outs.choose(person=work.alice, kinds=kinds)


def lease(work: Held, name: str) -> object:
    person = User.objects.get(pk=work.cast.people[name].pk)
    return taken(leases.lease_next(project=work.cast.project, trainer=person)[0])


def verdict_goes(work: Held) -> object:
    """As new thresholds have it: the text is not flagged any more."""
    Verdict.objects.filter(target_id=work.comparison.pk).update(action="none", harms=[])
    return harms.state_of_texts(
        project=work.cast.project.pk, target=Verdict.Target.PROMPT, text_ids=[work.comparison.pk]
    )


SITUATIONS: Sequence[Situation[Held]] = (
    Situation(
        "what is not to be met", held,
        {
            "opt out": lambda work: choose(work, "violence"), "of others": lambda work: choose(work, "hate"),
            "alice's next": lambda work: lease(work, "alice"), "bob's next": lambda work: lease(work, "bob"),
            "heartbeat": lambda work: assignments.heartbeat(assignment=work.mine),
            "skip": lambda work: assignments.skip(assignment=work.mine, reason="Not my subject"),
            "draft": lambda work: assignments.save_draft(assignment=work.mine, draft={"note": "half"}),
            "not flagged": verdict_goes,
        },
    ),
)  # fmt: skip
