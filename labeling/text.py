"""Text as it is stored and compared: line ends, forbidden characters, keys and splits. Pure functions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from django.utils.translation import gettext, gettext_noop

from common.shapes import Message
from common.visible import visible
from labeling.errors import Invalid

MAX_CHARACTERS = 1_000_000
ROLES = ("system", "user", "assistant")
TEST_BUCKETS = 10_000


def clean(text: str) -> str:
    """`text` with LF line ends: a posted form carries CRLF where a model writes LF, and a reward
    model would learn that difference.

    Raises:
        Invalid: a NUL byte or half of a surrogate pair, which PostgreSQL and UTF-8 cannot hold, or
            over `MAX_CHARACTERS`.
    """
    if not isinstance(text, str):  # what comes from JSON is typed in name only
        raise Invalid("A text was expected.")
    if "\x00" in text:
        raise Invalid("The text holds a NUL byte.")
    if not text.isascii() and any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise Invalid("The text holds half of a surrogate pair, which is not a character.")
    if len(text) > MAX_CHARACTERS:
        raise Invalid(
            "The text has %(length)s characters; at most %(most)s are kept.",
            length=len(text), most=MAX_CHARACTERS,
        )  # fmt: skip
    return text.replace("\r\n", "\n").replace("\r", "\n")


WITHDRAWN = gettext_noop("[withdrawn]")  # what is stored in the place of a text that its author took back


def as_read(text: str) -> str:
    """A stored text as a page shows it: what stands in the place of a withdrawn one, in the reader's language."""
    return gettext(WITHDRAWN) if text == WITHDRAWN else text


def opening(messages: Sequence[Message]) -> str:
    """What a dialogue is about, for a line in a list: the last thing that the user says."""
    return next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")


def check_json(value: object) -> None:
    """Refuse JSON that PostgreSQL cannot hold.

    Raises:
        Invalid: a NUL or half of a surrogate pair in a text, NaN or Infinity, or what is not JSON at all.
    """
    try:
        packed = json.dumps(value, ensure_ascii=False, allow_nan=False)
        packed.encode("utf-8")
    except (TypeError, ValueError, RecursionError):
        raise Invalid("What was sent is not plain JSON.") from None
    if "\\u0000" in packed and "\x00" in "".join(_texts(value)):
        raise Invalid("The text holds a NUL byte.")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)


def check_messages(messages: object, *, last: str | None = None) -> list[Message]:
    """Messages with exactly `role` and `content`, cleaned: at most one system message, first; then
    user and assistant in turn, starting with user.

    Raises:
        Invalid: a sentence that names what is wrong and where.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        raise Invalid("A list of messages was expected.")
    checked: list[Message] = []
    expected = "user"
    for number, given in enumerate(messages, start=1):
        message = _message(given, number)
        if message["role"] == "system":
            if number != 1:
                raise Invalid("Message %(number)s is a system message; only the first can be.", number=number)
        elif message["role"] != expected:
            raise _out_of_turn(number, expected)
        else:
            expected = "assistant" if expected == "user" else "user"
        checked.append({"role": message["role"], "content": clean(message["content"])})
    if last and checked[-1]["role"] != last:
        if last == "assistant":
            raise Invalid("It has to end with an answer by the assistant. Add one as the last message.")
        raise Invalid("It has to end with a message by the user. Add one as the last message.")
    return checked


def _out_of_turn(number: int, expected: str) -> Invalid:
    if expected == "user":
        return Invalid(
            "Message %(number)s is by the assistant, and so a message by the user is missing before it.", number=number
        )
    return Invalid(
        "Message %(number)s is by the user, and so an answer by the assistant is missing before it.", number=number
    )


def _message(given: object, number: int) -> Message:
    """A message with a role and a text, its place among the others not looked at."""
    if not isinstance(given, Mapping) or set(given) != {"role", "content"}:
        raise Invalid("Message %(number)s takes exactly 'role' and 'content'.", number=number)
    role, content = given["role"], given["content"]
    if role not in ROLES:
        raise Invalid(
            "Message %(number)s has the role %(role)s; it takes system, user or assistant.",
            number=number,
            role=repr(role),
        )
    if not isinstance(content, str) or not visible(content):
        raise Invalid("Message %(number)s has no text.", number=number)
    return {"role": role, "content": content}


def normalise(text: str) -> str:
    """As a reader sees it, case-folded, with whitespace collapsed: two prompts equal in this form are one prompt."""
    return " ".join(visible(visible(text).casefold()).split())


def prompt_key(messages: Sequence[Mapping[str, object]]) -> str:
    """SHA-256 (hex) of the normalised first user turn: the key of the split."""
    first = next((str(m["content"]) for m in messages if m["role"] == "user"), "")
    return hashlib.sha256(normalise(first).encode("utf-8")).hexdigest()


def split_of(*, salt: str, key: str, test_share: float) -> str:
    """`train` or `test`: sha256(salt:key) mod 10000 against the share, so that a row never moves as
    data grows."""
    bucket = int(hashlib.sha256(f"{salt}:{key}".encode()).hexdigest(), 16) % TEST_BUCKETS
    return "test" if bucket < round(test_share * TEST_BUCKETS) else "train"


def content_hash(value: object) -> str:
    """SHA-256 (hex) of a JSON value in canonical form."""
    packed = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(packed.encode()).hexdigest()
