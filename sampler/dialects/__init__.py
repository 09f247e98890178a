"""The dialects of model servers: how each kind of OpenAI-compatible server spells what we ask of it.

The folder is the registry: one file, one table, one server. `base.py` says what a table holds.
"""

from __future__ import annotations

from common.plugins import Folder
from sampler.dialects.base import Dialect

DIALECTS: Folder[Dialect] = Folder("sampler.dialects", "DIALECT")
