"""The parser of the API's bodies. In a module of its own, because the framework loads it while it is loaded itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

DEEPEST = 64
TOO_DEEP = f"The body is nested more than {DEEPEST} deep."


class ShallowJsonParser(JSONParser):
    """JSON of a depth that everything after it can walk through; no form of the API is deeper than a few levels."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, object] | None = None
    ) -> dict[str, object]:
        try:
            body: dict[str, object] = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(TOO_DEEP) from None
        if too_deep(body):
            raise ParseError(TOO_DEEP)
        return body


def too_deep(body: object) -> bool:
    level: list[object] = [body]
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
