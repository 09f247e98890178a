"""What beat runs for the whole."""

from __future__ import annotations

import logging
from pathlib import Path

from celery import shared_task
from django.conf import settings

from common import disk
from common.advisory_lock import try_advisory_lock
from operations import backup, rehearsal

log = logging.getLogger(__name__)
KEEP = 14


@shared_task(expires=50)
def watch_disk() -> str:
    """Every minute: the operator is warned while there is still room to do something."""
    room = disk.room(settings.VAR_DIR, settings.DISK_LOW)
    if room.is_full:
        log.error("the disk is full: %s; nothing can be stored until there is room", room)
    elif room.is_low:
        log.warning("the disk runs low: %s (DUOLOGUE_DISK_LOW says when to warn)", room)
    return str(room)


@shared_task
def back_up() -> str:
    """Once a night, into the folder of DUOLOGUE_BACKUPS."""
    with try_advisory_lock("operations.back_up") as mine:
        if not mine:
            return "another worker is at it"
        return str(backup.rotate(Path(settings.BACKUPS), keep=KEEP, say=log.info))


@shared_task
def rehearse() -> str:
    """Once a week: whether the newest backup can be restored."""
    with try_advisory_lock("operations.back_up") as mine:
        if not mine:
            return "another worker is at it"
        return str(rehearsal.rehearse_newest(say=log.info))
