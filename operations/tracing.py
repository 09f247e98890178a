"""Whether what was exported leads back to the dialogue, the turn and the ranking that it came from; and the forms of
the API's answers that `selfcheck` reads."""

from __future__ import annotations

import json
from typing import TypedDict

from exports import storage
from exports.models import ExportRun
from labeling.models import Comparison, Turn
from operations.api_client import CheckFailed
from operations.check_project import CheckProject


class Check(TypedDict):
    ok: bool
    detail: str


class Readiness(TypedDict):
    checks: dict[str, Check]


class Reply(TypedDict):
    state: str
    error: str


class TurnBody(TypedDict):
    by_model: bool


class DialogueBody(TypedDict):
    id: str
    reply: Reply | None
    turns: list[TurnBody]


class CompletionBody(TypedDict):
    id: str


class ComparisonBody(TypedDict):
    id: str
    completions: list[CompletionBody]


class AssignmentBody(TypedDict):
    id: str
    comparison: ComparisonBody


class PairRow(TypedDict):
    """A row of `preferences`, as far as it is looked at."""

    id: str
    ranking_id: str
    prompt_id: str
    dialogue_id: str
    turn_id: str
    round: int
    chosen_completion_id: str
    rejected_completion_id: str
    chosen_model_version: str
    rejected_model_version: str
    annotator_id: str


def trace(
    made: CheckProject, run: ExportRun, dialogue: DialogueBody, assignment: AssignmentBody, groups: list[list[str]]
) -> None:
    """One ranking with a tie gives one row and five pairs, each of which names its origin.

    Raises:
        CheckFailed: it does not.
    """
    pairs: list[PairRow] = [json.loads(line) for line in _lines(run, "preferences")]
    rankings: list[dict[str, str]] = [json.loads(line) for line in _lines(run, "rankings")]
    if len(rankings) != 1 or len(pairs) != 5:  # six pairs of four, less the tie
        raise CheckFailed(f"One ranking with a tie gave {len(rankings)} rankings and {len(pairs)} pairs, not 1 and 5.")
    comparison = Comparison.objects.get(pk=assignment["comparison"]["id"])
    turn = Turn.objects.get(pk=comparison.turn_id or dialogue["id"])
    place = {cid: at for at, group in enumerate(groups) for cid in group}
    names = {user.username for user in made.users.values()}
    for pair in pairs:
        holds = {
            "ranking": pair["ranking_id"] == rankings[0]["id"],
            "comparison": pair["prompt_id"] == str(comparison.pk),
            "dialogue": pair["dialogue_id"] == dialogue["id"] == str(turn.dialogue_id),
            "turn": pair["turn_id"] == str(turn.pk),
            "round": pair["round"] == 1,
            "order": place[pair["chosen_completion_id"]] < place[pair["rejected_completion_id"]],
            "model version": bool(pair["chosen_model_version"] and pair["rejected_model_version"]),
            "pseudonym": bool(pair["annotator_id"]) and not any(name in json.dumps(pair) for name in names),
        }
        if wrong := [name for name, true in holds.items() if not true]:
            raise CheckFailed(f"The exported pair {pair['id']} does not lead back to its {wrong[0]}.")


def _lines(run: ExportRun, config: str) -> list[bytes]:
    found: list[bytes] = []
    for file in (run.manifest or {}).get("files", []):
        if file["path"].startswith(f"{config}/"):
            with storage.open_file(run.path, file["path"]) as lines:
                found += list(lines)
    return found
