"""Blocks of code, highlighted by classes."""

from __future__ import annotations

from django.utils.html import escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from labeling.pages.markdown.bounds import HIGHLIGHT_UP_TO

_formatter = HtmlFormatter(nowrap=True, classprefix="c-")


def code_as_html(source: str, language: str, left: int) -> tuple[str, int]:
    """The block, and how much of the `left` characters that may be highlighted it took."""
    body, spent = str(escape(source)), 0
    if language and len(source) <= min(HIGHLIGHT_UP_TO, left):
        try:
            body, spent = highlight(source, get_lexer_by_name(language), _formatter), len(source)
        except ClassNotFound:
            pass
    label = f'<span class="code-language">{escape(language)}</span>' if language else ""
    return f'<div class="code" dir="ltr">{label}<pre tabindex="0"><code>{body}</code></pre></div>', spent
