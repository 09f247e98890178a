"""PostgreSQL and Valkey for one machine, from PyPI wheels, on private sockets under the var folder.

Whoever needs them holds them (`running`): the first holder starts a supervisor process for each server, later ones
share it, and when the last holder is gone, killed ones included, the supervisor stops its server and ends. No TCP port
is ever opened. Standard library only.

folders     names, folders, sockets and addresses
holding     `running`, `hold`, `release`; starts the supervisors
supervisor  the process that supervises one server
server      what both servers have in common; postgresql and valkey: each of them
"""

from common.embedded.folders import (
    BOTH,
    LONGEST_SOCKET_PATH,
    POSTGRESQL,
    VALKEY,
    ServiceError,
    Services,
    discover,
    make_folders,
    socket_dir,
)
from common.embedded.holding import hold, needed, release, revive, running, trouble
from common.embedded.postgresql import PostgreSQL

__all__ = [
    "BOTH",
    "LONGEST_SOCKET_PATH",
    "POSTGRESQL",
    "VALKEY",
    "PostgreSQL",
    "ServiceError",
    "Services",
    "discover",
    "hold",
    "make_folders",
    "needed",
    "release",
    "revive",
    "running",
    "socket_dir",
    "trouble",
]
