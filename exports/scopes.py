"""What a run needs to know of its project, read once in its snapshot: names of rounds and model
versions, guidelines, who withdrew, which votes disagree, which test prompts have a twin in train."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from exports import pseudonyms, redaction, votes
from exports.formats._shared import Context
from exports.options import Options
from exports.records import INSTANT, instant
from exports.rules import Scope

if TYPE_CHECKING:
    from exports.snapshot import Snapshot
    from labeling.models import Project


@dataclass(frozen=True)
class Facts:
    """What of the project's own columns an export needs."""

    pk: str
    slug: str
    title: str
    language: str
    pseudonym_key: str
    split_by: str
    split_salt: str
    test_share: float


class Found:
    """What was waited for, as a function that a process can be given."""

    def __init__(self, keys: frozenset[str]) -> None:
        self._keys = keys

    def __call__(self) -> frozenset[str]:
        return self._keys


@dataclass
class Ground:
    """The fixed facts of one run."""

    project: Facts
    options: Options
    cutoff: datetime
    at: str  # the cutoff, as records date things
    since: str | None
    scope: Scope
    params: dict[str, Any]
    guidelines: list[dict[str, Any]]
    models: dict[str, str]
    hashes: dict[str, str]
    agreement: dict[str, Any] | None
    leaks: Callable[[], frozenset[str]] = frozenset  # waits for the process that looks for them

    def portable(self) -> Ground:
        """For another process: nothing is waited for any more."""
        return replace(self, leaks=Found(self.leaks()))

    def redactor(self) -> redaction.Redactor | None:
        return redaction.Redactor(redaction.region_of(self.project.language)) if self.options.redact else None

    def context(self) -> Context:
        return Context(
            options=self.options,
            cutoff=self.at,
            language=self.project.language,
            name=pseudonyms.namer(self.project.pseudonym_key),
            models=self.models,
            hashes=self.hashes,
            guidelines=self.scope.guidelines,
            rounds=self.scope.rounds,
            redact=self.redactor(),
        )


@contextmanager
def read(view: Snapshot, project: Project, cutoff: datetime, options: Options) -> Iterator[Ground]:
    """The ground, and a process beside that looks for prompts in both splits."""
    from exports import splits  # brings numpy

    params = {"project": str(project.pk), "cutoff": cutoff}
    withdrawn = [
        user
        for (user,) in view.query(
            "SELECT user_id FROM labeling_membership WHERE project_id = %(project)s AND withdrawn_at IS NOT NULL",
            params,
        )
    ]
    theirs = view.query(
        "SELECT id FROM labeling_dialogue WHERE project_id = %(project)s AND author_id = ANY(%(users)s)",
        {**params, "users": withdrawn},
    )
    guidelines = [
        {"id": str(id_), "number": number, "created_at": created, "note": note, "text": text}
        for id_, number, created, note, text in view.query(
            f"SELECT id, number, to_char(created_at AT TIME ZONE 'UTC', {INSTANT}), note, text "
            "FROM labeling_guidelineversion "
            "WHERE project_id = %(project)s AND created_at <= %(cutoff)s ORDER BY number",
            params,
        )
    ]
    rounds = view.query("SELECT id, number FROM labeling_round WHERE project_id = %(project)s", params)
    versions = view.query("SELECT id, slug, weights_hash FROM sampler_modelversion", params)
    judged = votes.agreement(view, params, bound=options.min_agreement)
    ground = Ground(
        project=Facts(
            pk=str(project.pk),
            slug=project.slug,
            title=project.title,
            language=project.language,
            pseudonym_key=project.pseudonym_key,
            split_by=str(project.split_by),  # of a project just made it is a member of the choices
            split_salt=project.split_salt,
            test_share=project.test_share,
        ),
        options=options,
        cutoff=cutoff,
        at=instant(cutoff),
        since=instant(options.since) if options.since else None,
        scope=Scope(
            options=options,
            withdrawn_users=frozenset(withdrawn),
            withdrawn_dialogues=frozenset(str(id_) for (id_,) in theirs),
            disagreeing=judged.below,
            guidelines={g["id"]: g["number"] for g in guidelines},
            rounds={str(id_): number for id_, number in rounds},
            mixed_sources=frozenset(source for source, _ in options.mix),
        ),
        params=params,
        guidelines=[{k: v for k, v in g.items() if k != "id"} for g in guidelines],
        models={str(id_): slug for id_, slug, _ in versions},
        hashes={str(id_): weights for id_, _, weights in versions if weights},
        agreement=judged.summary,
    )
    with view.beside(splits.leaks, params) as leaks:
        ground.leaks = leaks
        yield ground
