"""Addresses that no worker calls, whoever registered them: those at which a cloud tells a machine its own keys.

A model server may well stand on a private address, so these are the only ones that are refused.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from common.outgoing import Address, addresses_of

METADATA = {ipaddress.ip_address(one) for one in ("100.100.100.200", "192.0.0.192", "fd00:ec2::254")}
REFUSED = "{host} is an address of the cloud's own services, or of no single machine: no model server is called there."


class Refused(ValueError):
    """An address that is not called; the message is a sentence."""


class Unknown(ValueError):
    """A name that stands for no address; the message is a sentence."""


def is_refused(address: Address) -> bool:
    """Whether it is one of those, also when it is written inside another."""
    if isinstance(address, ipaddress.IPv6Address) and (inner := address.ipv4_mapped or address.sixtofour):
        return is_refused(inner)
    return address.is_link_local or address.is_multicast or address.is_unspecified or address in METADATA


def check_written(location: str) -> None:
    """Refuse an address that is written as a number; a name is not looked up.

    Raises:
        Refused: it is one of those.
    """
    host = urlsplit(location).hostname or ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return
    if is_refused(address):
        raise Refused(REFUSED.format(host=host))


def check(location: str) -> None:
    """Look the name up, and refuse it where one of its addresses is refused.

    Raises:
        Refused: it is one of those.
        Unknown: the name server does not know it.
    """
    parts = urlsplit(location)
    host = parts.hostname or ""
    try:
        found = addresses_of(host, parts.port or 80)
    except ValueError:  # a port that is none
        found = []
    if not found:
        raise Unknown(f"{host} is not known to the name server.")
    if any(map(is_refused, found)):
        raise Refused(REFUSED.format(host=host))
