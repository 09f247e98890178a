"""What a run needs to know of its project, read once in its snapshot: names of rounds and model versions,
guidelines, who withdrew, which votes disagree, which test prompts train has too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from common.control_tokens import control_tokens
from exports.options import Options
from exports.selection import votes
from exports.selection.rules import Instant, Selection
from exports.snapshot import Snapshot, instant
from exports.sources.base import at, gone
from labeling import published
from labeling.models import Project
from moderation import held_back

Parameters = Mapping[str, object]


@dataclass(frozen=True)
class Facts:
    """Everything fixed about one run."""

    project: Project
    options: Options
    cutoff: str
    parameters: Parameters  # of the queries of all sources
    selection: Selection
    until: Instant
    since: Instant | None  # the cutoff of the earlier export that a delta goes on from
    guidelines: list[published.Published]
    terms: list[published.Terms]
    models: Mapping[str, str]  # id of a model version to slug
    hashes: Mapping[str, str]  # id of a model version to weights hash
    agreement: votes.Summary | None


# Who withdrew, until when what is theirs stays out, and whether it was since the earlier export.
_WITHDRAWN = f"""
    SELECT json_build_array(user_id::text, coalesce({at("returned_at")}, 'infinity'), withdrawn_at > %(since)s)::text
    FROM labeling_membership WHERE project_id = %(project)s AND withdrawn_at IS NOT NULL
"""
# The keys of the prompts that went since then.
_KEYS = """
    SELECT prompt_key FROM labeling_comparison WHERE project_id = %(project)s
        AND (withdrawn_at > %(since)s OR author_id = ANY(%(withdrawn_since)s))
    UNION
    SELECT prompt_key FROM labeling_prompt WHERE project_id = %(project)s AND author_id = ANY(%(withdrawn_since)s)
    UNION
    SELECT prompt_key FROM labeling_dialogue WHERE project_id = %(project)s AND withdrawn_at > %(since)s
"""
_THEIRS = f"SELECT id::text FROM labeling_dialogue WHERE project_id = %(project)s AND {gone('author_id', 'created_at')}"
_ROUNDS = "SELECT json_build_array(id, number)::text FROM labeling_round WHERE project_id = %(project)s"
_CONTROL_TOKENS = """
    SELECT DISTINCT jsonb_array_elements_text(control_tokens) FROM sampler_modelversion
    WHERE control_tokens_at <= %(cutoff)s
"""
_VERSIONS = "SELECT json_build_array(id, slug, weights_hash)::text FROM sampler_modelversion"


def read(view: Snapshot, project: Project, cutoff: datetime, options: Options) -> Facts:
    asked = {"project": str(project.pk), "since": options.since or cutoff}
    left = [orjson.loads(text) for text in view.read(_WITHDRAWN, asked)]
    parameters = _parameters(project, cutoff, options, left)
    guidelines = [orjson.loads(text) for text in view.read(published.GUIDELINES, parameters)]
    versions = [orjson.loads(text) for text in view.read(_VERSIONS, parameters)]
    judged = votes.agreement(view.read(votes.VOTES, parameters), bound=options.min_agreement)
    return Facts(
        project=project,
        options=options,
        cutoff=instant(cutoff),
        parameters=parameters,
        selection=Selection(
            options=options,
            withdrawn_until={user: until for user, until, _ in left},
            withdrawn_dialogues=frozenset(view.read(_THEIRS, parameters)),
            withdrawn_keys=frozenset(view.read(_KEYS, parameters) if options.since else ()),
            withdrawn_lately=bool(parameters["withdrawn_since"]),
            blocked=frozenset(view.read(held_back.BLOCKED, parameters)),
            judged_anew=frozenset(view.read(held_back.JUDGED_ANEW, parameters) if options.since else ()),
            guidelines={g["id"]: g["number"] for g in guidelines},
            rounds=dict(orjson.loads(text) for text in view.read(_ROUNDS, parameters)),
            control_tokens=control_tokens(frozenset(view.read(_CONTROL_TOKENS, parameters))),
        ),
        until=_at(view, cutoff, parameters, judged),
        since=_earlier(view, options, parameters),
        guidelines=[published.version(row) for row in guidelines],
        terms=[orjson.loads(text) for text in view.read(published.TERMS, parameters)],
        models={id_: slug for id_, slug, _ in versions},
        hashes={id_: weights for id_, _, weights in versions if weights},
        agreement=judged.summary,
    )


def _parameters(project: Project, cutoff: datetime, options: Options, left: list[tuple[str, str, bool]]) -> Parameters:
    """`since` is the cutoff where no earlier one was named: what went before both need not be read."""
    return {
        "project": str(project.pk),
        "cutoff": cutoff,
        "since": options.since or cutoff,
        "withdrawn": orjson.dumps({user: until for user, until, _ in left}).decode(),
        "withdrawn_since": [int(user) for user, _, lately in left if lately and options.since],
        "round": options.round,
        "kinds": list(options.kinds),
        "mixed": [source for source, _ in options.mix],
        "filters": held_back.blocking(project.pk),
    }


def _earlier(view: Snapshot, options: Options, parameters: Parameters) -> Instant | None:
    if options.since is None:
        return None
    filters = held_back.blocking(UUID(str(parameters["project"])), instants=(options.since, None))
    then = {**parameters, "cutoff": options.since, "filters": filters}
    return _at(view, options.since, then, votes.agreement(view.read(votes.VOTES, then), bound=options.min_agreement))


def _at(view: Snapshot, moment: datetime, parameters: Parameters, judged: votes.Agreement) -> Instant:
    from exports.selection import near_duplicates  # brings numpy

    waiting = view.read(held_back.NOT_JUDGED, parameters) if parameters["filters"] else ()
    return Instant(instant(moment), judged.below, near_duplicates.found(view, parameters), frozenset(waiting))
