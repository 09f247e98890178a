"""Text of trainers and models as safe HTML.

Markdown without HTML, links or images: whatever could lead away from the page or run shows as the
text that it is. Code is highlighted with classes (no inline style), TeX keeps its source, every
block finds its own writing direction. The sanitiser at the end is the second lock on the same door.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

FOLD_FROM = 2400  # characters; shorter texts are never folded
FOLD_LINES = 36
HIGHLIGHT_UP_TO = 20_000  # characters of one code block

BLOCKS = ("paragraph", "heading", "bullet_list", "ordered_list", "list_item", "blockquote", "td", "th", "table")
HOLDERS = ("bullet_list", "ordered_list", "blockquote", "table")  # whose text is in blocks of their own
TAGS = {
    "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "blockquote", "ul", "ol", "li",
    "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "span", "div",
}  # fmt: skip
ATTRIBUTES = {
    "*": {"dir", "class"},
    "ol": {"start"},
    "a": {"href"},
    "pre": {"tabindex"},
    "div": {"tabindex", "role", "aria-label"},
}

_formatter = HtmlFormatter(nowrap=True, classprefix="c-")


def to_html(text: str) -> SafeString:
    """Text of a turn or completion: links and images stay text."""
    return _render(text, links=False)


def guidelines_to_html(text: str) -> SafeString:
    """Text by managers, which is written as documents are: http(s) links work, and a line may be wrapped anywhere.
    In a turn or completion every line break was meant."""
    return _render(text, links=True)


def is_long(text: str) -> bool:
    """Whether the text should begin folded."""
    return len(text) > FOLD_FROM or text.count("\n") > FOLD_LINES


@lru_cache(maxsize=1024)
def _render(text: str, *, links: bool) -> SafeString:
    html = _parser(links).render(text.replace("\x00", "\N{REPLACEMENT CHARACTER}"))
    tags = TAGS | {"a"} if links else TAGS
    return mark_safe(
        nh3.clean(html, tags=tags, attributes=ATTRIBUTES, url_schemes={"http", "https"}, link_rel="noopener noreferrer")
    )


@lru_cache(maxsize=2)
def _parser(links: bool) -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": not links})
    md.enable(["table", "strikethrough"])
    md.disable(["html_block", "html_inline", "image", "reference"])
    if not links:
        md.disable(["link", "autolink"])
    dollarmath_plugin(md, allow_space=False, allow_digits=False, double_inline=True, renderer=_dollars)
    md.inline.ruler.before("escape", "tex_brackets", _tex_inline)
    md.block.ruler.before("fence", "tex_brackets_block", _tex_block, {"alt": ["paragraph", "blockquote", "list"]})
    md.core.ruler.push("direction", _direction)
    rules: dict[str, Callable[..., str]] = md.renderer.rules  # type: ignore[attr-defined]
    rules["fence"] = rules["code_block"] = _code
    rules["tex_inline"] = lambda tokens, i, options, env: _tex(tokens[i].content, block=False)
    rules["tex_block"] = lambda tokens, i, options, env: _tex(tokens[i].content, block=True)
    rules["math_inline"] = lambda tokens, i, options, env: _tex(f"${tokens[i].content}$", block=False)
    rules["math_inline_double"] = lambda tokens, i, options, env: _tex(f"$${tokens[i].content}$$", block=False)
    rules["math_block"] = lambda tokens, i, options, env: _tex(f"$${tokens[i].content}$$", block=True)
    rules["table_open"] = lambda tokens, i, options, env: (
        f'<div class="table" tabindex="0" role="group" aria-label="Table"><table dir="{tokens[i].attrs["dir"]}">'
    )
    rules["table_close"] = lambda tokens, i, options, env: "</table></div>"
    return md


def _dollars(content: str, options: dict[str, object]) -> str:
    return escape(content)


def _tex(source: str, *, block: bool) -> str:
    return f'<span class="tex{" tex-block" if block else ""}" dir="ltr">{escape(source.strip())}</span>'


def _tex_inline(state: StateInline, silent: bool) -> bool:
    """`\\( … \\)` and `\\[ … \\]`, whose backslashes Markdown would otherwise eat."""
    opening = state.src[state.pos : state.pos + 2]
    if opening not in (r"\(", r"\["):
        return False
    end = state.src.find(r"\)" if opening == r"\(" else r"\]", state.pos + 2, state.posMax)
    if end < 0:
        return False
    if not silent:
        token = state.push("tex_inline", "", 0)
        token.content = state.src[state.pos : end + 2]
    state.pos = end + 2
    return True


def _tex_block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    r"""A paragraph that is wholly `\[ … \]`."""
    start = state.bMarks[first] + state.tShift[first]
    if state.src[start : start + 2] != r"\[":
        return False
    line = first
    while line < last:
        text = state.src[state.bMarks[line] : state.eMarks[line]].rstrip()
        if line > first and not text:
            return False
        if text.endswith(r"\]"):
            break
        line += 1
    else:
        return False
    if not silent:
        state.line = line + 1
        token = state.push("tex_block", "", 0)
        token.content = state.getLines(first, line + 1, state.blkIndent, False)
        token.map = [first, line + 1]
    return True


def _direction(state: StateCore) -> None:
    for place, token in enumerate(state.tokens):
        if token.type.endswith("_open") and token.type[:-5] in BLOCKS:
            token.attrSet("dir", _side(state.tokens[place:]) if token.type[:-5] in HOLDERS else "auto")
            if "style" in token.attrs:  # column alignment, which would be an inline style
                align = re.sub(r".*:", "", str(token.attrs.pop("style"))).strip()
                token.attrSet("class", f"align-{align}")


def _side(tokens: Sequence[Token]) -> str:
    """The direction of the first strong character. A browser's `auto` looks past blocks that have a direction of
    their own, which everything in a list or table has: the markers would stand on the wrong side."""
    for token in tokens:
        for character in token.content if token.type == "inline" else "":
            kind = unicodedata.bidirectional(character)
            if kind in {"L", "R", "AL"}:
                return "ltr" if kind == "L" else "rtl"
    return "auto"


def _code(tokens: Sequence[Token], index: int, options: object, env: object) -> str:
    token = tokens[index]
    language = (token.info or "").strip().split(maxsplit=1)[0] if (token.info or "").strip() else ""
    body = escape(token.content)
    if language and len(token.content) <= HIGHLIGHT_UP_TO:
        try:
            body = highlight(token.content, get_lexer_by_name(language), _formatter)
        except ClassNotFound:
            pass
    label = f'<span class="code-language">{escape(language)}</span>' if language else ""
    return f'<div class="code" dir="ltr">{label}<pre tabindex="0"><code>{body}</code></pre></div>\n'
