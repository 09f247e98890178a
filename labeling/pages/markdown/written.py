"""A text as it was written: every sign, space and line of it, for one block that keeps them.

Code between fences is highlighted within the same bounds as elsewhere; the fences stay.
"""

from __future__ import annotations

import re

from django.utils.html import escape

from labeling.pages.markdown import bounds, tex
from labeling.pages.markdown.code import highlighted

HEAD = re.compile(r"[^\n]*?(?:```+|~~~+)[ \t]*([\w+#.-]*)[^\n]*\n?")
LAST_FENCE = re.compile(r"[ \t>]*(?:```+|~~~+)[ \t]*\Z")


def to_html(text: str) -> str:
    """The inside of a block with `white-space: pre-wrap`. A lone CR ends a line in a browser, as CR LF does."""
    text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}").replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > bounds.LONGEST or ("```" not in text and "~~~" not in text):
        return str(escape(text))
    pieces: list[str] = []
    done, left = 0, bounds.HIGHLIGHT_IN_ALL
    for start, end in tex.fences(text):
        head = HEAD.match(text, start, end)
        if head is None:
            continue
        last = LAST_FENCE.match(text, max(head.end(), text.rfind("\n", start, end) + 1), end)
        stop = last.start() if last else end
        body, spent = highlighted(text[head.end() : stop], head[1], left)
        left -= spent
        pieces += (str(escape(text[done : head.end()])), f'<span class="fenced">{body}</span>')
        done = stop
    return "".join((*pieces, str(escape(text[done:]))))
