"""What the trainers were told is stored, and whether it is: in the database and in an export."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.soak.faults import Outage
from benchmarks.soak.site import PROJECT, ROOT, Site

# The ways in which trainers work.
API_RANKING, PAGE_RANKING, CHAT = "ranking by the API", "ranking on the pages", "chat by the API"
API_DEMONSTRATION, PAGE_DEMONSTRATION = "demonstration by the API", "demonstration on the pages"
WAYS = (API_RANKING, PAGE_RANKING, CHAT, API_DEMONSTRATION, PAGE_DEMONSTRATION)


@dataclass(frozen=True)
class Answer:
    """One request and what came of it."""

    began: float
    ended: float
    status: int  # 0: none came
    path: str
    number: str = ""  # the server's number of it
    said: str = ""  # the begin of a refusal

    def beside(self, outages: Sequence[Outage]) -> str:
        """Where it lies to the outage that is nearest to it."""
        near = min(outages, key=lambda one: one.distance(self.began, self.ended), default=None)
        if near is None:
            return "there was no outage"
        if near.began <= self.ended and self.began <= near.ended:
            return f"at work when this began, {near.began - self.began:.1f} s after it: {near.name}"
        side = (
            f"begun {self.began - near.ended:.1f} s after the end of"
            if self.began > near.ended
            else (f"answered {near.began - self.ended:.1f} s before")
        )
        return f"{side}: {near.name}"


@dataclass
class Ledger:
    """Written by the trainers as the answers come."""

    rankings: dict[str, list[list[str]]] = field(default_factory=dict)  # assignment: groups
    dialogues: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # dialogue: (role, text) of its turns
    answers: list[Answer] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)  # what stayed unacknowledged to the end
    done: Counter[str] = field(default_factory=Counter)  # what was acknowledged, by the way of working

    def fivehundreds(self, outages: Sequence[Outage]) -> list[Answer]:
        """Answers of 5xx to requests begun outside of every outage."""
        return [
            one
            for one in self.answers
            if one.status >= 500 and not any(outage.began <= one.began <= outage.ended for outage in outages)
        ]


def check(site: Site, ledger: Ledger) -> list[str]:
    """Sentences about what is lost, doubled, changed or stuck; none is as it should be."""
    from django.db import connection

    from labeling.models import Assignment, Comparison, Dialogue, Ranking
    from sampler.models import SampleRequest

    connection.close()
    wrong: list[str] = []
    wait_until_quiet()
    standing = Ranking.objects.in_force().filter(comparison__project__slug=PROJECT)
    by_lease: dict[str, list[list[list[str]]]] = {}
    for lease, groups in standing.values_list("assignment_id", "groups"):
        by_lease.setdefault(str(lease), []).append(in_order(groups))
    for pk, groups in ledger.rankings.items():
        found = by_lease.get(pk, [])
        if found != [in_order(groups)]:
            wrong.append(f"ranking of lease {pk}: acknowledged {groups}, found {found}")
    doubled = Counter(standing.values_list("comparison_id", "trainer_id"))
    wrong += [f"two votes of one trainer on comparison {key[0]}" for key, count in doubled.items() if count > 1]
    for pk, turns in ledger.dialogues.items():
        dialogue = Dialogue.objects.filter(pk=pk).first()
        if dialogue is None or dialogue.state != Dialogue.State.SUBMITTED:
            wrong.append(f"dialogue {pk}: acknowledged, and is {dialogue.state if dialogue else 'gone'}")
            continue
        stored = list(dialogue.turns.order_by("position").values_list("role", "text"))
        if stored != turns:
            wrong.append(f"dialogue {pk}: acknowledged {turns}, found {stored}")
    open_requests = SampleRequest.objects.filter(finished_at__isnull=True).count()
    sampling = Comparison.objects.filter(project__slug=PROJECT, state="sampling").count()
    if open_requests or sampling:
        wrong.append(f"stuck: {open_requests} requests and {sampling} comparisons have not ended")
    over = Assignment.objects.filter(state="leased").values_list("comparison_id", "slot")
    wrong += [f"two leases of one vote: {key}" for key, count in Counter(over).items() if count > 1]
    return wrong + compare_export(site, ledger)


def wait_until_quiet(seconds: float = 120.0) -> None:
    from labeling.models import Comparison
    from sampler.models import SampleRequest

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        waiting = SampleRequest.objects.filter(finished_at__isnull=True)
        if not waiting.exists() and not Comparison.objects.filter(project__slug=PROJECT, state="sampling").exists():
            return
        time.sleep(1)


def compare_export(site: Site, ledger: Ledger) -> list[str]:
    """The same against what leaves: every acknowledged ranking and demonstration once, as it was sent."""
    from labeling.models import Assignment

    out = site.folder / "export"
    command = [sys.executable, "manage.py", "export", PROJECT, "--out", str(out), "--config", "rankings,sft"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    if made.returncode:
        return [f"the export failed: {made.stderr[-300:]}"]
    leases = Assignment.objects.filter(pk__in=[UUID(pk) for pk in ledger.rankings]).values_list("pk", "comparison_id")
    wanted = Counter((str(comparison), str(in_order(ledger.rankings[str(lease)]))) for lease, comparison in leases)
    found = Counter((str(row["prompt_id"]), str(_groups(row))) for row in _rows(out / "rankings"))
    wrong = [f"not in the export: {key}" for key in wanted - found]
    ours = {comparison for comparison, _ in wanted}
    return wrong + [f"twice or changed in the export: {key}" for key in found - wanted if key[0] in ours]


def in_order(groups: list[list[str]]) -> list[list[str]]:
    """Within a tie no order means anything."""
    return [sorted(group) for group in groups]


def _groups(row: dict[str, Any]) -> list[list[str]]:
    places: dict[int, list[str]] = {}
    for one in row["completions"]:
        places.setdefault(one["rank"], []).append(one["completion_id"])
    return in_order([places[place] for place in sorted(places)])


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*.jsonl")):
        with path.open() as lines:
            yield from map(json.loads, lines)
