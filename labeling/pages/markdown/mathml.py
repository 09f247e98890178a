r"""TeX as MathML, or nothing where the source is the safer thing to show.

latex2mathml parses and converts; this module is the fence around it. Nothing is shown that the writer did not write
(no invented equation numbers), nothing that moves, hides or colours what stands around it, and no command that is
unknown is guessed. Which TeX a text holds: `tex.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from django.utils.html import escape
from latex2mathml.converter import Converter

IN_ALL = 4_000  # characters of TeX of one text that are converted
HTML_IN_ALL = 36_000  # characters of MathML of one text
DEEPEST = 40

ATTRIBUTES = {
    "math": {"display"},
    "mi": {"mathvariant"},
    "mo": {"stretchy", "fence", "form", "separator", "lspace", "rspace", "minsize", "maxsize", "accent", "largeop",
           "movablelimits", "symmetric"},
    "mfrac": {"linethickness"},
    "mspace": {"width", "depth", "height"},
    "mpadded": {"width", "height", "depth", "lspace", "voffset"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mtable": {"displaystyle", "rowspacing", "columnspacing"},
    "mtd": {"columnalign"},
    "mover": {"accent"}, "munder": {"accentunder"}, "munderover": set(),
    "mrow": set(), "mn": set(), "mtext": set(), "msqrt": set(), "mroot": set(), "msub": set(), "msup": set(),
    "msubsup": set(), "mtr": set(),
}  # fmt: skip
CHILDREN = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "msubsup": 3, "mover": 2, "munder": 2, "munderover": 3,
            "mi": 0, "mo": 0, "mn": 0, "mtext": 0, "mspace": 0}  # fmt: skip
LEFT_OUT = {"mathcolor", "mathbackground", "mathsize", "columnlines", "rowlines", "frame", "mathvariant", "columnalign",
            "xmlns"}  # fmt: skip
# Macros change what is read; the others take lengths and addresses that the writer chose, or hide what is there.
REFUSED = re.compile(
    r"\\(?:(?:re|provide)?newcommand|providecommand|(?:[egx]?def|let)(?![a-zA-Z])|DeclareMathOperator|href|url|style|class"
    r"|cssId|html\w+|unicode|char(?![a-zA-Z])|[vh]?phantom|smash|[hv]space|[hv]?skip|m?kern|mskip|mspace|rule|raisebox"
    r"|raise|lower|move(?:left|right)|[cl]ap|rlap|math[clr]+ap|llap|skew|genfrac|above(?![a-zA-Z])|abovewithdelims)"
    r"|\\\\\s*\[\s*[-\d.]|(?<!\\)(?:\\\\)*%"
)
ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([^{}]*)\}")
ENVIRONMENTS = {
    **dict.fromkeys(("align", "align*", "aligned", "flalign", "flalign*", "eqnarray", "eqnarray*"), "align*"),
    **dict.fromkeys(("gather", "gather*", "gathered"), "matrix"),
    **dict.fromkeys(("equation", "equation*"), "equation*"),
    **dict.fromkeys(("cases", "dcases"), "cases"),
    **{name: name for name in ("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array",
                               "split")},
}  # fmt: skip
LENGTH = re.compile(r"[-+]?(\d*\.?\d+)(?:em|ex|pt|px)?")
ENTITY = re.compile(r"&#x([0-9A-Fa-f]{2,6});")
FURTHEST = 6.0  # of any unit: what the converter sets of itself is below
BOLD = ' class="bold"'


class _Refused(Exception):
    """The source is shown instead."""


def mathml(source: str, *, display: bool, longest: int = HTML_IN_ALL) -> str | None:
    """The formula (its delimiters taken off) as a `<math>` element of at most `longest` characters; None: show the
    source."""
    if REFUSED.search(source) or "&#" in source:
        return None
    try:
        source = ENVIRONMENT.sub(_without_numbers, source)
        row = Converter(display="block" if display else "inline").convert_to_element(source)[0]
        html = "".join(("<math", ' display="block">' if display else ">", *_inside(row, 0), "</math>"))
    except Exception:  # the converter raises IndexError, KeyError and RecursionError as well as its own
        return None
    return html if len(html) <= longest else None


def _without_numbers(mark: re.Match[str]) -> str:
    """The environment under the name by which the converter knows it and adds no numbers to it."""
    return f"\\{mark[1]}{{{ENVIRONMENTS[mark[2]]}}}"


def _html(element: Element, depth: int) -> Iterator[str]:
    """The element as HTML, of listed elements and attributes only."""
    tag, attributes = element.tag, ""
    if depth > DEEPEST or element.get("linebreak") or len(element) != CHILDREN.get(tag, len(element)):
        raise _Refused
    if tag == "menclose" and element.get("notation") == "box":  # browsers draw no enclosures: a border is one
        tag, attributes = "mrow", ' class="boxed"'
    elif tag not in ATTRIBUTES:
        raise _Refused
    else:
        attributes = "".join(_attributes(element))
    yield f"<{tag}{attributes}>"
    yield from _inside(element, depth)
    yield f"</{tag}>"


def _inside(element: Element, depth: int) -> Iterator[str]:
    if element.text:
        yield _text(element)
    for child in element:
        yield from _html(child, depth + 1)


def _attributes(element: Element) -> Iterator[str]:
    listed = ATTRIBUTES[element.tag]
    for name, value in element.attrib.items():
        if name == "mathvariant" and "bold" in value:
            yield BOLD
        elif name == "mathvariant" and value != "normal":
            continue
        elif name == "columnalign" and value in {"left", "right", "center"}:
            yield f' class="align-{value}"'
        elif name in listed:
            if any(abs(float(length)) > FURTHEST for length in LENGTH.findall(value)):
                raise _Refused
            yield f' {name}="{escape(value)}"'
        elif name not in LEFT_OUT:
            raise _Refused


def _text(element: Element) -> str:
    """The converter writes signs as references, and leaves as they are those that the writer wrote."""
    text = element.text or ""
    if "\\" in text or (text == "&" and element.tag == "mi"):  # a command that it does not know; no table to divide
        raise _Refused
    return str(escape(ENTITY.sub(lambda match: chr(int(match[1], 16)), text)))
