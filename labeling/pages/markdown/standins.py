"""Rare signs that stand for what the Markdown parser is not to see: brackets of links, `<` of HTML, TeX.

A sign that the text itself does not hold stands for each, and is punctuation too, so that emphasis beside it is found
as beside the sign it stands for.
"""

from __future__ import annotations

import re
from itertools import islice

from django.utils.html import escape

from labeling.pages.markdown import mathml, tex

SIGNS = "".join(map(chr, (*range(0x2E00, 0x2E2F), *range(0x2056, 0x205F), *range(0x1361, 0x1369))))
ESCAPED = re.compile(r"\\\\|\\\[|\\<")
LONE_TILDE = re.compile(r"(?<![~\\])~(?!~)")  # GitHub's Markdown strikes through between single ones
AUTOLINK = re.compile(r"<(?!https?://)")
ESCAPES = ("&amp;", "&lt;", "&gt;", "&quot;", "&#x27;", "&#39;", "\xa0")
NEEDED = 8 + len(ESCAPES)
QUOTED = re.compile(r"\n[ \t]*(?:>[ \t]?)+")


class TooManySigns(Exception):
    """The text leaves no sign to stand for anything."""


class StandIns:
    """The signs chosen for one text."""

    def __init__(self, text: str) -> None:
        used = set(text)
        free = list(islice((sign for sign in SIGNS if sign not in used), NEEDED))
        if len(free) < NEEDED:
            raise TooManySigns
        self.less, self.bracket, self.tilde, self.bang, self.colon, self.escaped_less, self.escaped_bracket = free[:7]
        self.formula = free[7]
        self.escapes = dict(zip(ESCAPES, free[8:], strict=True))
        self.formulas: list[tuple[str, bool]] = []
        self.tex_left, self.mathml_left = mathml.IN_ALL, mathml.HTML_IN_ALL

    def put_in(self, text: str, *, links: bool) -> str:
        """The text as the parser is to see it."""
        pieces: list[str] = []
        done = 0
        for start, end, display in tex.formulas(text):
            pieces += (self._hidden(text[done:start], links=links), f"{self.formula}{len(self.formulas)}{self.formula}")
            self.formulas.append((text[start:end], display))
            done = end
        return "".join((*pieces, self._hidden(text[done:], links=links)))

    def source(self, html: str) -> str:
        """The text that a piece of the parser's HTML came from: what code shows."""
        for name, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
            html = html.replace(name, sign)
        html = html.replace(self.escaped_bracket, r"\[").replace(self.escaped_less, r"\<")
        html = html.replace(self.bracket, "[").replace(self.less, "<")
        html = html.replace(self.tilde, "~").replace(self.bang, "!").replace(self.colon, ":")
        return self._formula().sub(lambda match: self.formulas[int(match[1])][0], html)

    def source_html(self, html: str) -> str:
        return str(escape(self.source(html)))

    def take_out(self, html: str) -> str:
        """What stood behind each sign, as HTML. Code was seen to before."""
        html = html.replace(self.escaped_bracket, "[").replace(self.escaped_less, "&lt;")
        html = html.replace(self.bracket, "[").replace(self.less, "&lt;")
        html = html.replace(self.tilde, "~").replace(self.bang, "!").replace(self.colon, ":")
        return self._formula(r"(<br />\n)?", r"(<br />\n)?").sub(self._formula_html, html)

    def hide_escapes(self, html: str) -> str:
        for name, sign in self.escapes.items():
            html = html.replace(name, sign)
        return html

    def show_escapes(self, html: str) -> str:
        for name, sign in self.escapes.items():
            html = html.replace(sign, name)
        return html

    def _hidden(self, text: str, *, links: bool) -> str:
        if r"\[" in text or r"\<" in text:
            escaped = {r"\\": r"\\", r"\<": self.escaped_less, r"\[": self.escaped_bracket}
            text = ESCAPED.sub(lambda match: escaped[match.group()], text)
        text = LONE_TILDE.sub(self.tilde, text) if "~" in text else text
        if not links:
            return text.replace("<", self.less).replace("[", self.bracket)
        text = AUTOLINK.sub(self.less, text)
        return text.replace("![", f"{self.bang}[").replace("]:", f"]{self.colon}")

    def _formula(self, before: str = "", after: str = "") -> re.Pattern[str]:
        groups = rf"(\d+){self.formula}"
        return re.compile(f"{before}{self.formula}{groups}{after}")

    def _formula_html(self, match: re.Match[str]) -> str:
        before, number, after = match.groups()
        formula, display = self.formulas[int(number)]
        formula = QUOTED.sub("\n", formula).strip()
        html = self._mathml(formula, display) or escape(formula)
        if display:  # a block of its own: the breaks beside it are its edges
            return f'<span class="tex tex-block" dir="ltr">{html}</span>'
        return f'{before or ""}<span class="tex" dir="ltr">{html}</span>{after or ""}'

    def _mathml(self, formula: str, display: bool) -> str | None:
        """As much of the text's TeX as is converted; the source is shown of what comes after."""
        if len(formula) > self.tex_left:
            return None
        html = mathml.mathml(tex.inside(formula), display=display, longest=self.mathml_left)
        self.tex_left -= len(formula)
        self.mathml_left -= len(html or "")
        return html
