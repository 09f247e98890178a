"""Text of trainers and models as safe HTML.

What a user wrote is shown as it was written (`written.py`). What a model answers is Markdown without HTML, links or
images: whatever could lead away from the page or run shows as the text that it is. Code is highlighted with classes
(no inline style), TeX becomes MathML or keeps its source (`mathml.py`), every block finds its own writing direction.
What is too long or too deep to be laid out is shown as written, with a sentence (`bounds.py`). The sanitiser at the
end is the second lock on the same door. What was laid out is kept (`kept.py`).
"""

from __future__ import annotations

import re

import comrak
import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from common.numbers import grouped
from labeling.pages.markdown import bounds, directions, kept, mathml, written
from labeling.pages.markdown.code import code_as_html
from labeling.pages.markdown.standins import StandIns, TooManySigns

FOLD_FROM = 2400  # characters; shorter texts are never folded
FOLD_LINES = 36

OWN_DIRECTION = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "td", "th")
TAGS = {
    "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "blockquote", "ul", "ol", "li",
    "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "span", "div", *mathml.ATTRIBUTES,
}  # fmt: skip
ATTRIBUTES: dict[str, set[str]] = {
    **mathml.ATTRIBUTES,
    "*": {"dir", "class"},
    "ol": {"start"},
    "a": {"href"},
    "pre": {"tabindex"},
    "div": {"tabindex", "role", "aria-label"},
}
RICH = re.compile(r"[`$|\\]|~~~|\t| {4}")
CODE = re.compile(r'<pre><code(?: class="language-([^"]*)")?>(.*?)</code></pre>|<code>(.*?)</code>', re.DOTALL)


def to_html(text: str) -> SafeString:
    """Text of a turn or completion: links and images stay text."""
    return _html(text, "markdown")


def as_written(text: str) -> SafeString:
    """What a user wrote, to the last sign; code between fences is highlighted."""
    return mark_safe(kept.kept(_rendered, text, "written"))


def guidelines_to_html(text: str) -> SafeString:
    """Text by managers, which is written as documents are: http(s) links work, and a line may be wrapped anywhere.
    In a turn or completion every line break was meant."""
    return _html(text, "guidelines")


def is_long(text: str) -> bool:
    """Whether the text should begin folded."""
    return len(text) > FOLD_FROM or text.count("\n") > FOLD_LINES


def may_be_rich(text: str) -> bool:
    """Whether its HTML may need css/rich.css: it does where there is code, a table or mathematics."""
    return RICH.search(text) is not None


def _html(text: str, how: kept.How) -> SafeString:
    if len(text) > bounds.LONGEST:  # as quick as looking it up
        return mark_safe(_as_written(text, gettext(bounds.TOO_LONG) % grouped(len(text))))
    return mark_safe(kept.kept(_rendered, text, how))


def _rendered(text: str, how: kept.How) -> str:
    if how == "written":
        return written.to_html(text)
    return _marked_up(text, links=how == "guidelines")


def _marked_up(text: str, *, links: bool) -> str:
    text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}").replace("\r\n", "\n").replace("\r", "\n")
    try:
        bounds.check_tables(text)
        signs = StandIns(text)
        html = _parsed(signs.put_in(text, links=links), links=links)
        bounds.check_html(html)
    except bounds.TooMuch as error:
        return _as_written(text, gettext(str(error)))
    except TooManySigns:
        return _as_written(text, gettext("This text holds nearly every sign there is; it is shown as written."))
    left = bounds.HIGHLIGHT_IN_ALL

    def code(match: re.Match[str]) -> str:
        nonlocal left
        language, block, span = match.groups()
        if block is None:
            return f"<code>{signs.source_html(span)}</code>"
        html, spent = code_as_html(signs.source(block), signs.source(language or ""), left)
        left -= spent
        return html

    html = signs.take_out(CODE.sub(code, html))
    html = html.replace("<del>", "<s>").replace("</del>", "</s>")
    return _sanitised(_tables(html), signs, links=links)


def _parsed(text: str, *, links: bool) -> str:
    extensions, options = comrak.ExtensionOptions(), comrak.RenderOptions()
    extensions.table = extensions.strikethrough = True
    options.hardbreaks = not links
    return comrak.render_markdown(text, extension_options=extensions, render_options=options)


def _tables(html: str) -> str:
    """A frame that scrolls around each table, and the alignment of columns as a class: an attribute is presentation."""
    if "<table>" not in html:
        return html
    for side in ("left", "center", "right"):
        for cell in ("td", "th"):
            html = html.replace(f'<{cell} align="{side}">', f'<{cell} class="align-{side}">')
    frame = f'<div class="table" tabindex="0" role="group" aria-label="{escape(gettext("Table"))}"><table>'
    return html.replace("<table>", frame).replace("</table>", "</table></div>")


def _sanitised(html: str, signs: StandIns, *, links: bool) -> str:
    """The sanitiser takes 3 microseconds for an escaped character, so it sees a stand-in, which is text to it too."""
    html = directions.of_holders(signs.hide_escapes(html))
    cleaned = nh3.clean(
        html,
        tags=TAGS | {"a"} if links else TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer",
        set_tag_attribute_values={tag: {"dir": "auto"} for tag in OWN_DIRECTION},
    )
    return signs.show_escapes(cleaned)


def _as_written(text: str, sentence: str) -> str:
    text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return f'<p class="soft small">{escape(sentence)}</p><div class="as-written" dir="auto">{escape(text)}</div>'
