"""A restore tried out: a backup is unpacked and restored into a database of its own, which is counted, migrated and
dropped. What is here is not touched."""

from __future__ import annotations

import json
import shutil
import tarfile
import time
import uuid
from pathlib import Path

from django.conf import settings

from operations import databases, restore
from operations.backup import BackupError, Say

LAST = "rehearsed.json"  # beside the backups: which one was tried last, and when


def rehearse(source: Path, *, say: Say) -> dict[str, int]:
    """Restore `source` beside everything, and compare the rows of each table with what the backup says.

    Raises:
        BackupError: it could not be restored, or something is missing in it.
    """
    plan = restore.Plan(uuid.uuid4().hex[:12])
    with restore.alone():
        try:
            with tarfile.open(source) as archive:
                restore.require_room(source)
                plan.folder.mkdir(mode=0o700)
                facts = restore.unpack(archive, plan.folder)
            restore.fill(plan)
            rows = databases.rows(plan.fresh)
            _compare(facts.get("rows"), rows)
            restore.migrate(plan)
        except (tarfile.TarError, EOFError):
            raise BackupError(f"{str(source)!r} is not a backup, or it is damaged.") from None
        except databases.DatabaseError as error:
            raise BackupError(str(error)) from None
        except OSError as error:
            raise BackupError(f"{str(source)!r} cannot be tried: {error.strerror}.") from None
        finally:
            databases.drop(plan.fresh)
            shutil.rmtree(plan.folder, ignore_errors=True)
    say(f"  {sum(rows.values()):,} rows in {len(rows)} tables, backup of {facts['made_at']}")
    return rows


def _compare(wanted: dict[str, int] | None, found: dict[str, int]) -> None:
    """Backups of older releases say nothing of their rows; that they can be restored is shown all the same."""
    if wanted is None or wanted == found:
        return
    wrong = sorted(table for table in {*wanted, *found} if wanted.get(table) != found.get(table))
    first = wrong[0]
    raise BackupError(
        f"{len(wrong)} tables are not what was backed up: {first} has {found.get(first, 0)} rows and had "
        f"{wanted.get(first, 0)}."
    )


def rehearse_newest(*, say: Say) -> Path | None:
    """The newest backup of the scheduled ones; what was tried is noted beside it."""
    folder = Path(settings.BACKUPS)
    newest = max(folder.glob("duologue-*Z.tar"), default=None)
    if newest is None:
        return None
    rows = rehearse(newest, say=say)
    fresh = folder / f".{LAST}"
    fresh.write_text(json.dumps({"backup": newest.name, "at": time.time(), "rows": sum(rows.values())}))
    fresh.replace(folder / LAST)
    return newest


def last_times() -> dict[str, float]:
    """When the newest scheduled backup was made and one was last tried out; what is not known is left out."""
    folder = Path(settings.BACKUPS) if settings.BACKUPS else None
    found: dict[str, float] = {}
    if folder is None or not folder.is_dir():
        return found
    if (newest := max(folder.glob("duologue-*Z.tar"), default=None)) is not None:
        found["made"] = newest.stat().st_mtime
    if (folder / LAST).exists():
        found["rehearsed"] = float(json.loads((folder / LAST).read_text())["at"])
    return found
