"""Blocks of code, highlighted by classes.

Pygments' lexers are regular expressions, some of them quadratic or worse in what they are given. So only languages
whose lexers were measured are highlighted, only blocks without long lines, and only so much of a text.
"""

from __future__ import annotations

import re
from html import unescape

from django.utils.html import escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from labeling.pages.markdown.bounds import HIGHLIGHT_LINE, HIGHLIGHT_UP_TO

MEASURED = frozenset({
    "python", "pycon", "js", "typescript", "jsx", "java", "c", "cpp", "csharp", "go", "rust", "ruby", "php", "html",
    "xml", "css", "json", "yaml", "bash", "console", "powershell", "sql", "splus", "kotlin", "swift", "scala",
    "haskell", "perl", "lua", "tex", "markdown", "diff", "toml", "ini", "docker", "make", "text",
})  # fmt: skip
WORDS_IN_A_ROW = re.compile(
    r"(?<![\w$.<>?\[\]])(?:[\w$.<>?\[\]]++\s++){40}"
)  # 40 words that could be types of a method
EMPTY_LINES = re.compile(r"(?:[ \t]*+\n){100}")  # the lexers of C and its kin look over all of them from each of them
TAG = re.compile(r"<[^>]*>")
EACH = 200  # what setting out to highlight costs, as so many characters
_formatter = HtmlFormatter(nowrap=True, classprefix="c-")


def code_as_html(source: str, language: str, left: int) -> tuple[str, int]:
    """The block, and how much of the `left` characters that may be highlighted it took."""
    body, spent = highlighted(source, language, left)
    label = f'<span class="code-language">{escape(language)}</span>' if language else ""
    return f'<div class="code" dir="ltr">{label}<pre tabindex="0"><code>{body}</code></pre></div>', spent


def highlighted(source: str, language: str, left: int) -> tuple[str, int]:
    """The code with classes, no sign of it added or lost, and what that took of `left`."""
    if language and len(source) <= min(HIGHLIGHT_UP_TO, left) and (lexer := _lexer(source, language)):
        html = highlight(source, lexer, _formatter)
        if unescape(TAG.sub("", html)) == source:  # some lexers drop or add a line's end
            return html, len(source) + EACH
    return str(escape(source)), 0


def _lexer(source: str, language: str) -> Lexer | None:
    """The lexer of the language, where it comes to an end soon with this source."""
    if any(len(line) > HIGHLIGHT_LINE for line in source.split("\n")) or EMPTY_LINES.search(source):
        return None
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    names = set(lexer.aliases)
    if names.isdisjoint(MEASURED) or (names & {"java", "csharp"} and WORDS_IN_A_ROW.search(source)):
        return None
    return lexer
