"""What a run needs to know of its project, read once in its snapshot: names of rounds and model
versions, guidelines, who withdrew, which votes disagree, which test prompts have a twin in train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exports import pseudonyms, redaction, splits, votes
from exports.formats._shared import Context
from exports.options import Options
from exports.records import INSTANT, instant
from exports.rules import Scope
from exports.snapshot import Snapshot
from labeling.models import Project


@dataclass
class Ground:
    """The fixed facts of one run."""

    project: Project
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
    leaks: Callable[[], frozenset[str]] = frozenset  # waits for what a thread finds

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


def read(view: Snapshot, project: Project, cutoff: datetime, options: Options) -> Ground:
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
    return Ground(
        project=project,
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
        leaks=view.beside(lambda other: splits.leaks(other, params)),
    )
