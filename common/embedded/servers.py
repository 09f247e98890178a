"""The server of a name."""

from __future__ import annotations

from pathlib import Path

from common.embedded.folders import POSTGRESQL
from common.embedded.postgresql import PostgreSQL
from common.embedded.server import Server
from common.embedded.valkey import Valkey


def make(name: str, var_dir: Path) -> Server:
    return PostgreSQL(var_dir) if name == POSTGRESQL else Valkey(var_dir)
