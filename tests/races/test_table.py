"""Whatever writes on a row that another may write on too is in the table of pairs."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from tests.races import rooms

BASE = Path(__file__).resolve().parents[2]
ROOMS = (
    "labeling", "labeling/ai_judges", "labeling/red_team", "labeling/quality", "labeling/imports", "moderation",
    "managing", "hub", "exports", "sampler", "screening", "webhooks", "accounts", "insights",
)  # fmt: skip
WRITES = re.compile(
    r"\.(save|update|create|delete|bulk_create|bulk_update|get_or_create|update_or_create|execute)\(|advance\("
    r"|atomic\b|@joins|\b(INSERT INTO|UPDATE \w|DELETE FROM)"
)
# What modules of the same name in two rooms are called here and in the situations.
CALLED = {"exports/runs": "export_runs", "labeling/imports/runs": "import_runs", "screening/verdicts": "said"}
# Writes that only happen within others, which are in the table.
WITHIN = {
    "dialogues.submit_dialogue": (
        "candidates.new_comparison", "candidates.request_missing", "random_turn.draw_for", "screening.screen_dialogue",
        "places.draw_missing", "dialogues.move",
    ),
    "rankings.submit_and_lease_next": (
        "dialogues.submit_ideal_answer", "overlap.ask_more_votes",
    ),
    "corrections.undo_submission": ("attempts.copy_to",),
    "reviews.decide": ("decisions.accept_many",),  # one after the other
    "leases.lease_next": ("leases.lease", "leases.move"),
    "assignments.heartbeat": ("leases.extend", "leases.revive"),
    "comparisons.discard": ("assignments.take_back",),
    "opt_outs.choose": ("harms.give_back",),
    "harms.state_of_texts": ("harms.state",),
    "chats.store_reply": ("chats.finish", "chats.take_reply"),
    "turns.add_turn": ("drafts.touch",),
    "turns.edit_turn": ("said.replace",),
    "withdrawal.withdraw": (
        "assignments.empty_drafts", "attempts.empty", "comparisons.withdraw", "dialogues.empty",
        "feedback.empty_comments", "projects.empty_prompts", "projects.withdraw_member", "questions.empty",
        "rankings.empty_imported", "rankings.empty_words", "reviews.empty_comments", "idempotency.empty",
        "said.empty_unsent",
        "said.empty_comments",
    ),
    "problems.report": ("feedback.report",),
    "problems.take_back": ("feedback.take_back", "marks.take_back"),
    "import_runs.remove": ("storing.revert", "sampling.forget"),
    "import_runs.execute": (
        "storing.store", "rows.write_comparisons", "rows.write_dialogues", "rows.write_prompts", "rows.write_rankings",
    ),
    "subscriptions.end": ("subscriptions.give_up",),
    "results.complete": ("screened.store",),
    "idempotency.forget_old": ("idempotency.idempotent",),
    "results.give_back": ("results.requeue",),
}  # fmt: skip
# New rows, which nobody else can have in hand yet.
NEW = {
    "audit.record", "comparisons.bring", "contents.check_brought", "dialogues.start_dialogue", "given_prompts.begin",
    "import_runs.request", "leases.lease_practice", "projects.create_project", "rules.choose_filters",
    "rules.set_threshold", "said.record", "said.record_unsent", "sampling.provide", "sampling.provide_all",
    "set_up.set_up", "tokens.create",
}  # fmt: skip
# Computed from rows and computed again, by one worker at a time (`common/advisory_lock.py`).
DERIVED = {
    "judgements.catch_up", "rejudging.apply", "reports.refresh", "rewards.score", "rounds.refresh", "running.detect",
}  # fmt: skip
# Rows that ended long ago; Redis, files and the session; SQL that only reads.
OF_NO_WORK = {
    "ai_judges.ai_judges", "forms.plain", "inviting.take", "outbox.forget_old", "registry.ask_server",
    "said.harms_on_record", "snapshot.now",
    "snapshot.settle", "snapshot.snapshot", "status.gone", "storage.publish", "storage.remove",
    "streams.publish", "suggestions.suggestion_use",
}  # fmt: skip
# Tasks that only take a lock around what is in the table.
TASKS = {"tasks.push", "tasks.run_import", "tasks.take_back"}
# Of those, the ones by which situations are made.
MAKE = {"dialogues.start_dialogue", "import_runs.request", "tokens.create"}
OUTSIDE = NEW | DERIVED | OF_NO_WORK | TASKS


def writes() -> Iterator[str]:
    """Public functions of the rooms that hold work, and that write: whatever their arguments are called."""
    for room in ROOMS:
        for path in sorted((BASE / room).glob("*.py")):
            for found in ast.parse(path.read_text()).body:
                if not isinstance(found, ast.FunctionDef) or found.name.startswith("_"):
                    continue
                if WRITES.search(ast.unparse(found)):
                    yield f"{CALLED.get(f'{room}/{path.stem}', path.stem)}.{found.name}"


def test_every_write_is_in_a_pair() -> None:
    table = "".join(inspect.getsource(room) for room in rooms.ROOMS)
    within = {name: outer for outer, names in WITHIN.items() for name in names}
    found = sorted(set(writes()))
    assert len(found) > 100, "the search finds them"
    missing = [
        name
        for name in found
        if name not in OUTSIDE and not re.search(rf"\b{re.escape(within.get(name, name))}\(", table)
    ]
    assert not missing, f"{missing}: add each to a situation in tests/races, so that it meets every other write there"
    gone = (OUTSIDE | set(within)) - set(found)
    assert not gone, f"{gone}: what is said of a write that is gone is removed"
    paired = [name for name in OUTSIDE if re.search(rf"\b{re.escape(name)}\(", table)]
    assert sorted(paired) == sorted(MAKE), "what is in the table is not said to need no pair"
