"""What is too much to be laid out: a page must come within half a second whatever a text holds.

Everything here is linear in the text's length. The parser is too, but for two things: rows of a table that are
padded to its width, and blocks or emphasis nested so deep that no reader and no browser follows.
"""

from __future__ import annotations

import re
from itertools import accumulate

from django.utils.translation import gettext_noop

LONGEST = 200_000  # characters
PADDED_CELLS = 20_000  # cells that a text's tables have without having been written
DEEPEST = 60  # lists, quotes and emphasis within each other
LONGEST_HTML = 3_000_000
HIGHLIGHT_UP_TO = 10_000  # characters of one code block
HIGHLIGHT_LINE = 300  # of one line: most lexers that are quadratic are so within a line
HIGHLIGHT_IN_ALL = 20_000  # characters of all code blocks of a text

TOO_LONG = gettext_noop("This text has %s characters. Texts of more than 200,000 are shown as written.")
TABLE_TOO_WIDE = gettext_noop("A table of this text is much wider than its rows; the text is shown as written.")
TOO_DEEP = gettext_noop("This text nests lists, quotes or emphasis more than 60 deep; it is shown as written.")
TOO_MUCH_MARKUP = gettext_noop("This text is nearly all markup; it is shown as written.")

DELIMITER = re.compile(r"^(?=[^\n]*\|)[ \t>|:-]++$", re.MULTILINE)
BLANK = re.compile(r"\n[ \t>]*+(?:\n|$)")
NESTS = re.compile(r"</?(?:em|strong|del|blockquote|li)>")


class TooMuch(Exception):
    """The text is not laid out; the sentence says why."""


def check_tables(text: str) -> None:
    """Raises: TooMuch: short rows under a wide head would be filled up with cells."""
    end = padded = 0
    for head in DELIMITER.finditer(text):
        if head.start() < end:
            continue
        blank = BLANK.search(text, head.end())
        end = blank.start() if blank else len(text)
        columns = head.group().count("|") + 1
        rows = text.count("\n", head.end(), end)
        padded += max(0, columns * rows - text.count("|", head.end(), end) - rows)
        if padded > PADDED_CELLS:
            raise TooMuch(TABLE_TOO_WIDE)


def check_html(html: str) -> None:
    """Raises: TooMuch: the elements are nested too deep, or the text is hidden under markup."""
    if len(html) > LONGEST_HTML:
        raise TooMuch(TOO_MUCH_MARKUP)
    steps = (-1 if tag[1] == "/" else 1 for tag in NESTS.findall(html))
    if max(accumulate(steps), default=0) > DEEPEST:
        raise TooMuch(TOO_DEEP)
