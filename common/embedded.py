"""PostgreSQL and Valkey for one machine, from PyPI wheels, on private sockets under the var folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Services:
    database_url: str
    redis_url: str


def discover(var_dir: Path) -> Services:
    """URLs of the services that belong to `var_dir`, whether or not they run now."""
    run = var_dir / "run"
    return Services(
        database_url=f"postgresql://postgres@/duologue?host={run}",
        redis_url=f"unix://{run}/valkey.sock?db=0",
    )
