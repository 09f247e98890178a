"""Celery's beat that goes on when its file cannot be written: then it only forgets what it ran before it was started.

The file matters for what runs once a night: a beat that was away at that time catches up.
"""

from __future__ import annotations

import logging

from celery.beat import PersistentScheduler

log = logging.getLogger(__name__)


class Scheduler(PersistentScheduler):
    """Keeps its times in a file where it can."""

    told = False

    def setup_schedule(self) -> None:
        try:
            super().setup_schedule()
        except Exception as error:
            self._tell(error)
            self._store = {"entries": {}}
            self.merge_inplace(self.app.conf.beat_schedule)
            self.install_default_entries(self.schedule)

    def sync(self) -> None:
        try:
            super().sync()
        except Exception as error:
            self._tell(error)
        else:
            self.told = False

    def close(self) -> None:
        try:
            super().close()
        except Exception as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if not self.told:
            log.warning("beat cannot keep its times in %s and goes on without: %s", self.schedule_filename, error)
            self.told = True
