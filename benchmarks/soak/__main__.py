"""The command: start, work, break, compare, say."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.soak import valkey
from benchmarks.soak.faults import Faults
from benchmarks.soak.ledger import WAYS, Ledger, check
from benchmarks.soak.site import Account, Site
from benchmarks.soak.trainers import Trainer

MOST_GROWTH = 0.10  # of a process's memory after its first minute


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainers", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--faults", type=int, default=15)
    parser.add_argument("--pause", type=float, default=2.0, help="seconds that a trainer thinks, on average")
    parser.add_argument("--stock", type=int, default=0, help="comparisons to rank; default: enough for the time")
    parser.add_argument("--disk", type=int, default=512, help="MB of the file system of its own; 0: none")
    parser.add_argument("--seed", type=int, default=7, help="of the order of the faults")
    given = parser.parse_args()
    given.minutes = min(given.minutes, 60.0)
    site = Site(Path(tempfile.mkdtemp(prefix="soak-")), given.disk)
    try:
        site.open()
        stock = given.stock or int(given.trainers * given.minutes * 60 / (3 * given.pause))
        say(f"it runs on {site.url}; {given.trainers} trainers, {stock} comparisons to rank")
        ledger, faults = Ledger(), None
        accounts = site.furnish(given.trainers, stock)
        until = time.monotonic() + given.minutes * 60
        every = given.minutes * 60 / max(1, given.faults)
        faults = Faults(site, count=given.faults, every=every, seed=given.seed, say=say)
        work(site, accounts, ledger, faults, until, given.pause)
        return report(site, ledger, faults)
    finally:
        site.close()


def work(site: Site, accounts: list[Account], ledger: Ledger, faults: Faults, until: float, pause: float) -> None:
    """Everybody at once until the time is over, and until the last fault has gone by."""
    breaking = threading.Thread(target=faults.run, args=(until,), daemon=True)
    weighing = threading.Event()

    def weigh() -> None:
        while not weighing.wait(5):
            site.weigh()

    threading.Thread(target=weigh, daemon=True).start()
    breaking.start()

    async def everybody() -> None:
        trainers = [Trainer(account, site.url, ledger, until, pause) for account in accounts]
        await asyncio.gather(*(trainer.work() for trainer in trainers))

    asyncio.run(everybody())
    breaking.join(180)
    weighing.set()


def report(site: Site, ledger: Ledger, faults: Faults) -> int:
    """Sentences for people, and JSON on the last line."""
    wrong = check(site, ledger)
    outside = ledger.fivehundreds(faults.outages)
    growth = site.growth()
    wrong += [
        f"{one.status} {one.path} begun outside an outage ({one.beside(faults.outages)}): {one.said}; the log: "
        + (" | ".join(site.logged(one.number)) or "nothing")
        for one in outside
    ]
    for series in site.inside.values():
        if told := valkey.growth(series, after=12):
            say(f"Valkey: {told}")
    wrong += [f"the {name} grew by {100 * by:.0f} %" for name, by in growth.items() if by > MOST_GROWTH]
    wrong += [f"never acknowledged: {what}" for what in ledger.given_up]
    wrong += [f"no {way} was acknowledged at all" for way in WAYS if not ledger.done[way]]
    for sentence in wrong[:40]:
        say(f"WRONG: {sentence}")
    facts = {
        "rankings": len(ledger.rankings), "dialogues": len(ledger.dialogues), "done": dict(ledger.done),
        "answers": len(ledger.answers),
        "5xx": sum(one.status >= 500 for one in ledger.answers), "5xx outside": len(outside),
        "faults": len(faults.ended), "not run": sorted(faults.not_run),
        "growth": {name: round(by, 3) for name, by in growth.items()}, "wrong": len(wrong),
    }  # fmt: skip
    print(json.dumps(facts), flush=True)
    return 1 if wrong else 0


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
