"""Whatever writes on a ranking, a dialogue or their lease is in the table of pairs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

BASE = Path(__file__).resolve().parents[2]
ROOMS = ("labeling", "labeling/quality", "labeling/imports", "moderation", "managing")
WRITES = re.compile(
    r"\.(save|update|create|delete|bulk_create|bulk_update|get_or_create|update_or_create|execute)\(|advance\("
    r"|atomic\b|@joins|\b(INSERT INTO|UPDATE \w|DELETE FROM)"
)
# Writes that only happen within others, which are in the table.
WITHIN = {
    "dialogues.submit_dialogue": (
        "candidates.new_comparison", "candidates.request_missing", "random_turn.draw_for", "screening.screen_dialogue",
        "places.draw_missing", "dialogues.move",
    ),
    "rankings.submit_and_lease_next": (
        "dialogues.submit_ideal_answer", "overlap.ask_more_votes",
    ),
    "reviews.decide": ("decisions.accept_many",),  # one after the other
    "leases.lease_next": ("leases.lease", "leases.move"),
    "assignments.heartbeat": ("leases.extend", "leases.revive"),
    "comparisons.discard": ("assignments.take_back",),
    "chats.store_reply": ("chats.finish", "chats.take_reply"),
    "turns.add_turn": ("drafts.touch",),
    "withdrawal.withdraw": (
        "assignments.empty_drafts", "comparisons.withdraw", "dialogues.empty", "feedback.empty_comments",
        "projects.empty_prompts", "projects.withdraw_member", "rankings.empty_imported", "rankings.empty_words",
        "reviews.empty_comments",
    ),
}  # fmt: skip
# What they write is no work of anybody's: projects, people, prompts, rounds, thresholds; or it is new, and nobody else
# can have it in hand yet.
OF_NO_WORK = {
    "agreements.acknowledge",
    "comparisons.bring", "contents.check_brought", "export_presets.keep_preset", "marks.mark", "runs.carry_out",
    "runs.remove", "runs.take_back", "verdicts.set_standing", "dialogues.start_dialogue", "forms.plain",
    "given_prompts.begin", "goals.set_goals", "invitations.accept",
    "invitations.invite", "invitations.revoke", "inviting.take", "leases.lease_practice", "projects.add_prompts",
    "projects.change_settings", "projects.close_round", "projects.create_project", "projects.end_membership",
    "projects.open_round", "projects.publish_guidelines", "projects.retire_prompts", "projects.set_archived",
    "projects.set_label_weight", "projects.set_membership", "rows.write_comparisons", "rows.write_dialogues",
    "rows.write_prompts", "rows.write_rankings", "running.detect", "runs.claim", "runs.request", "runs.resume",
    "set_up.set_up", "storing.revert", "storing.store", "tasks.run_import",
}  # fmt: skip


def writes() -> Iterator[str]:
    """Public functions of the rooms that hold work, and that write: whatever their arguments are called."""
    for room in ROOMS:
        for path in sorted((BASE / room).glob("*.py")):
            for found in ast.parse(path.read_text()).body:
                if not isinstance(found, ast.FunctionDef) or found.name.startswith("_"):
                    continue
                if WRITES.search(ast.unparse(found)):
                    yield f"{path.stem}.{found.name}"


def test_every_write_is_in_a_pair() -> None:
    table = "".join((BASE / "tests" / "races" / f"{name}.py").read_text() for name in ("dialogues", "rankings"))
    within = {name: outer for outer, names in WITHIN.items() for name in names}
    found = sorted(set(writes()))
    assert len(found) > 60, "the search finds them"
    missing = [name for name in found if name not in OF_NO_WORK and f"{within.get(name, name)}(" not in table]
    assert not missing, f"{missing}: add each to a situation in tests/races, so that it meets every other write there"
    gone = (OF_NO_WORK | set(within)) - set(found)
    assert not gone, f"{gone}: what is said of a write that is gone is removed"
