"""Imports: a file of other people's records becomes prompts, demonstrations and comparisons.

`running.py` drives it: `reading.py` finds the records of the file, an importer of `labeling/importers/` makes items
of each, `storing.py` and `rows.py` write them, `reporting.py` counts. A record that cannot be stored is refused with
its line and reason and loses no other.
"""

from labeling.imports.records import Unreadable
from labeling.imports.reporting import Report
from labeling.imports.running import detect, preview, run
from labeling.imports.storing import revert

__all__ = ["Report", "Unreadable", "detect", "preview", "revert", "run"]
