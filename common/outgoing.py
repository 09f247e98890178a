"""Addresses that this server calls: which are of the public Internet, and which addresses of an operator are called.

What people other than operators may name is narrower: `webhooks/addresses.py`.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether the address is one of the public Internet, also when it is written inside another."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address.teredo:
            return False
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def addresses_of(host: str, port: int) -> list[Address]:
    """What the name stands for now; nothing where it is not known."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in found]


def trouble_with(url: str, *, ask: bool = True) -> str:
    """Why an operator's address is not called, as a sentence; empty where it is.

    Over http, texts and a key are only sent to private addresses, where nobody else reads them; with `ask` False no
    name server is asked which those are.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 80
    except ValueError:
        return f"{url!r} is not the address of a server."
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"{url!r} is not the address of a server: it takes a base URL, such as http://127.0.0.1:8001/v1."
    if parts.username or parts.password:
        return "A URL with a password in it would be shown: give the key in its own variable."
    if ask and parts.scheme == "http" and any(map(is_public, addresses_of(parts.hostname, port))):
        return f"{parts.hostname} is a public address: it takes https, since http would carry texts in the clear."
    return ""
