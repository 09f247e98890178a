"""Which addresses a server may be made to call: public ones, unless the operator allows private ones.

A name is resolved here once, every address that it stands for is checked, and the connection goes
to a checked address, not to the name: a name that resolves differently a moment later (DNS
rebinding) changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

import httpcore
from django.conf import settings

from common.outgoing import Address, addresses_of, is_public


class Refused(ValueError):
    """An address that is not called; the message is a sentence."""


def resolve(host: str, port: int) -> list[Address]:
    """Addresses of `host` that may be called.

    Raises:
        Refused: there is none, or one of them is private.
    """
    addresses = addresses_of(host, port)
    if not addresses:
        raise Refused(f"{host} is not known to the name server.")
    if not settings.WEBHOOKS_TO_PRIVATE_ADDRESSES and not all(is_public(address) for address in addresses):
        raise Refused(
            f"{host} is a private address: webhooks go there only if the operator sets "
            "DUOLOGUE_WEBHOOKS_TO_PRIVATE_ADDRESSES=1."
        )
    return addresses


def check_url(url: str) -> None:
    """Refuse a URL that would never be called.

    Raises:
        Refused: not https (http only where private addresses are allowed), a user in it, a private address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("This is not the address of a web server.") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise Refused("A webhook takes an https:// address.")
    if parts.scheme == "http" and not settings.WEBHOOKS_TO_PRIVATE_ADDRESSES:
        raise Refused("A webhook takes an https:// address: http would carry ids in the clear.")
    if parts.username or parts.password or parts.fragment:
        raise Refused("A webhook's address holds no user, no password and no fragment.")
    resolve(parts.hostname, port or (443 if parts.scheme == "https" else 80))


class CheckedNetwork(httpcore.NetworkBackend):
    """Connects to the checked address of a name; TLS still verifies the name."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        error: Exception = Refused(f"{host} has no address.")
        for address in resolve(host, port):
            try:
                return self._backend.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        raise Refused("Webhooks do not go to sockets.")
