"""Values of environment variables, each read by its kind: a flag, a number, a size, a secret."""

from __future__ import annotations

import os
import re
from pathlib import Path


class SettingError(Exception):
    """A setting that cannot be used; the message is one sentence for the operator."""


def flag(name: str) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value not in {"", "0", "1", "true", "false", "yes", "no"}:
        raise SettingError(f"{name} is {value!r}: it takes 1 or 0.")
    return value in {"1", "true", "yes"}


def size(name: str) -> int | None:
    """ "" is None; otherwise a whole number with an optional K, M or G."""
    value = os.environ.get(name, "").strip().upper()
    if not value:
        return None
    factor = {"K": 2**10, "M": 2**20, "G": 2**30}.get(value[-1], 1)
    digits = value if factor == 1 else value[:-1]
    if not digits.isdecimal() or int(digits) == 0:
        raise SettingError(f"{name} is {value!r}: it takes a number of bytes, such as 8G.")
    return int(digits) * factor


def seconds(name: str, default: float) -> float:
    value = os.environ.get(name) or str(default)
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < 86400:
        raise SettingError(f"{name} is {value!r}: it takes a number of seconds.")
    return number


def count(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or int(value) == 0:
        raise SettingError(f"{name} is {value!r}: it takes a whole number from 1.")
    return int(value)


def megabytes(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdigit() or not 1 <= int(value) <= 1024:
        raise SettingError(f"{name} is {value!r}: it takes whole megabytes, 1 to 1024.")
    return int(value) * 1024 * 1024


def namespaces(name: str) -> dict[str, frozenset[str]]:
    """`lab, acme:poems+essays`: names, each with the projects that it is for; none named: for all of them."""
    found: dict[str, frozenset[str]] = {}
    for part in filter(None, (part.strip() for part in os.environ.get(name, "").split(","))):
        namespace, narrowed, projects = part.partition(":")
        slugs = [slug.strip() for slug in projects.split("+")]
        plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}", namespace)
        if not plain or (narrowed and not all(re.fullmatch(r"[-a-zA-Z0-9_]+", slug) for slug in slugs)):
            raise SettingError(f"{name} holds {part!r}: it takes NAMESPACE or NAMESPACE:PROJECT+PROJECT, by commas.")
        if namespace in found:
            raise SettingError(f"{name} names {namespace} twice.")
        found[namespace] = frozenset(slugs) if narrowed else frozenset()
    return found


def secret(name: str) -> str:
    """A secret from NAME, or from the file that NAME_FILE names; empty where neither is set."""
    value = os.environ.get(name, "")
    if value or not (file := os.environ.get(f"{name}_FILE", "")):
        return value
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise SettingError(f"{name}_FILE {file!r} cannot be read: {error.strerror}.") from None
