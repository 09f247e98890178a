"""What a run of `demo_loop` found, as sections of a page. The run writes `report.json` beside its checkpoints; nothing
is computed here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_noop

from common.shapes import Json, JsonObject
from insights import charts
from insights.sections import Section
from insights.table_output import shown
from insights.tables import Cell, Row, Table
from labeling.models import Project

FILE = "report.json"
KEYS = ("value", "low", "high", "pairs", "topics")  # of a share
SAID = ("answers", "measure", "characters", "ended")  # of a policy's answers
COURSES = (  # over iterations
    ("reward", "Reward, as the reward model sees it"),
    ("rule_win_rate", "Share of pairs won against the first policy, by the rule"),
    ("kl", "KL from the first policy, nats an answer"),
)


def report_of(project: Project) -> JsonObject | None:
    """The last report of the run whose project this is; None where it is not a run's, or none was written here."""
    path = Path(settings.MODEL_ROOT) / project.slug / FILE
    if not project.slug.startswith("loop-") or not path.is_file():
        return None
    found: JsonObject = json.loads(path.read_text())
    return found


def sections(report: JsonObject) -> list[Section]:
    rounds = rows_in(report["rounds"])
    return [_preferred(rounds), _checks(rounds), _answers(rounds), *_iterations(rounds), _best_of_n(rounds)]


def _preferred(rounds: Sequence[JsonObject]) -> Section:
    bars: list[tuple[str, float | None, float | None, float | None]] = []
    rows: list[Row] = []
    for row in rounds:
        for side, who in (("held_out", "held-out topics"), ("trained_on", "other topics")):
            for by, name in (("trainers", "trainers"), ("rule", "the rule itself")):
                found = part(part(row, side), by)
                rows.append((_number(row["round"]), who, name, *(_number(found[key]) for key in KEYS)))
                if side == "held_out":
                    label = f"round {row['round']}, {name}"
                    bars.append((label, _float(found["value"]), _float(found["low"]), _float(found["high"])))
    table = Table(
        "New against old", ("round", "prompts", "judged by", "won by new", "95% low", "95% high", "pairs", "topics"),
        rows, frozenset({3, 4, 5}),
    )  # fmt: skip
    return Section(
        gettext_noop("Is the new policy preferred?"),
        "Share of pairs of a new and an old answer to one prompt that the new one wins; a tie is half. On held-out "
        "topics nobody trained. Intervals resample whole topics.",
        charts.intervals("Won by the new policy, held-out topics", bars, guide=0.5),
        [shown(table, "preferred")],
    )  # fmt: skip


def _checks(rounds: Sequence[JsonObject]) -> Section:
    rows: list[Row] = [
        (_number(row["round"]), str(one["check"]), _number(one["value"]), str(one["bound"]),
         "holds" if one["holds"] else "does not hold")
        for row in rounds for one in rows_in(row["checks"])
    ]  # fmt: skip
    missed = sum(row[-1] != "holds" for row in rows)
    return Section(
        gettext_noop("What has to hold"),
        f"All {len(rows)} bounds hold." if not missed else f"{missed} of {len(rows)} bounds do not hold.",
        "",
        [shown(Table("Bounds, fixed before any run", ("round", "check", "value", "bound", ""), rows), "checks")],
    )


def _answers(rounds: Sequence[JsonObject]) -> Section:
    rows: list[Row] = []
    for row in rounds:
        held_out = part(row, "held_out")
        for which in ("old", "new"):
            said, new = part(held_out, which), which == "new"
            rows.append(
                (_number(row["round"]), f"{which}: {row[which]}", *(_number(said[key]) for key in SAID),
                 _number(row["kl"]) if new else None, _number(row["perplexity"]) if new else None)
            )  # fmt: skip
    columns = ("round", "policy", "answers", "rule's measure", "characters", "ended", "KL", "perplexity")
    return Section(
        gettext_noop("Answers to held-out prompts"),
        "Less of the rule's measure is better. KL (nats an answer) and perplexity are counted from the first policy.",
        "",
        [shown(Table("Answers by round", columns, rows, frozenset({5})), "answers")],
    )


def _iterations(rounds: Sequence[JsonObject]) -> list[Section]:
    """One for each round whose policy PPO trained."""
    found = []
    for row in rounds:
        history = rows_in(row["iterations"])
        if not history:
            continue
        courses = [
            charts.course(
                title, _points(history, "iteration", name), over="iteration",
                guide=0.5 if name == "rule_win_rate" else None,
            )
            for name, title in COURSES
        ]  # fmt: skip
        names = ("iteration", "reward", "rule_win_rate", "kl", "tokens", "ended", "perplexity")
        heads = ("iteration", "reward", "won by the rule", "KL", "tokens", "ended", "perplexity")
        rows: list[Row] = [tuple(_number(one[name]) for name in names) for one in history]
        table = Table(f"Iterations of round {row['round']}", heads, rows, frozenset({2, 5}))
        found.append(
            Section(
                f"Reward against the rule, round {row['round']}",
                "Where the reward goes on rising and the share won by the rule does not, the policy has learnt the "
                "reward model's mistakes.",
                mark_safe("".join(courses)),
                [shown(table, f"iterations-{row['round']}")],
            )
        )
    return found


def _best_of_n(rounds: Sequence[JsonObject]) -> Section:
    last = rounds[-1]
    curve = rows_in(last["best_of"])
    rows: list[Row] = [(_number(one["n"]), _number(one["kl"]), _number(one["win_rate"])) for one in curve]
    accuracy = part(last, "rm_accuracy")
    return Section(
        gettext_noop("Best of n"),
        f"How often the answer that the reward model scores best of n beats another one to the prompt, by the rule. "
        f"The model orders {_share(accuracy['value'])} of {accuracy['pairs']} held-out pairs as the rule does.",
        charts.course(
            "Share won by the best of n",
            _points(curve, "n", "win_rate"), over="n", guide=0.5,
        ),
        [shown(Table("Best of n on held-out prompts", ("n", "KL", "won"), rows, frozenset({2})), "best-of-n")],
    )  # fmt: skip


def _points(rows: Sequence[JsonObject], over: str, name: str) -> list[tuple[float, float]]:
    """Without those that have no such figure: the answers of a last, given up iteration are not kept."""
    found = [(_float(row[over]), _float(row[name])) for row in rows]
    return [(x, y) for x, y in found if x is not None and y is not None]


def _share(value: Json) -> str:
    return f"{value:.1%}" if isinstance(value, int | float) else "none"


def _number(value: Json) -> Cell:
    return value if isinstance(value, int | float) else None


def _float(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def part(row: Mapping[str, Json], name: str) -> JsonObject:
    found = row[name]
    assert isinstance(found, dict)
    return found


def rows_in(found: Json) -> list[JsonObject]:
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, dict)]
