r"""Where a text holds TeX: `\( … \)`, `\[ … \]`, `$ … $`, `$$ … $$` and environments of mathematics, found in one
pass before Markdown is read.

A formula ends in its paragraph and is not looked for in code. What looks like TeX in code is put back there.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Iterator

ENVIRONMENTS = ("align", "equation", "gather", "eqnarray", "flalign", "multline")
OPENING = re.compile(rf"\\[\[(]|\$\$?|`+|\\begin\{{(?:{'|'.join(ENVIRONMENTS)})\*?\}}|\\[\s\S]")
PARAGRAPH_END = re.compile(r"\n[ \t>]*+\n|\n[ \t>]*+(?:```|~~~)")
BLOCK_START = re.compile(r"\n[ \t>]*+(?:[-+*]|\d{1,9}[.)]|\#{1,6})[ \t]")
FENCE = re.compile(r"^[ \t>]*+(?:(?:[-+*]|\d{1,9}[.)])[ \t]++)*+(`{3,}+(?=[^`\n]*+$)|~{3,}+)", re.MULTILINE)
CLOSING = {
    r"\(": re.compile(r"(?<!\\)(?:\\\\)*+\\\)"),
    r"\[": re.compile(r"(?<!\\)(?:\\\\)*+\\\]"),
    "$$": re.compile(r"(?<!\\)(?:\\\\)*+\$\$"),
    "$": re.compile(r"(?<!\\)(?:\\\\)*+\$"),
}
ENVIRONMENT_END = {
    rf"\begin{{{name}{star}}}": re.compile(rf"\\end\{{{name}{re.escape(star)}\}}")
    for name in ENVIRONMENTS
    for star in ("", "*")
}
TICKS = re.compile("`+")
NOWHERE = sys.maxsize
Formula = tuple[int, int, bool]  # start, end, whether it stands on lines of its own


def inside(formula: str) -> str:
    """A formula without its delimiters; an environment keeps its own."""
    if formula[0] == "\\" and formula[1] not in "([":
        return formula
    length = 1 if formula[0] == "$" and formula[1] != "$" else 2
    return formula[length:-length]


def formulas(text: str) -> Iterator[Formula]:
    """The formulas in order; they do not overlap."""
    if not any(mark in text for mark in ("$", r"\(", r"\[", r"\begin{")):
        return
    done = 0
    for start, end in fences(text):
        yield from _Scan(text, done, start).formulas()
        done = end
    yield from _Scan(text, done, len(text)).formulas()


def fences(text: str) -> Iterator[tuple[int, int]]:
    """Blocks between fences of backticks or tildes."""
    place = 0
    while opening := FENCE.search(text, place):
        mark = opening.group(1)
        closing = re.compile(rf"^[ \t>]*+{mark[0]}{{{len(mark)},}}+[ \t]*+$", re.MULTILINE)
        end = closing.search(text, opening.end())
        place = end.end() if end else len(text)
        yield opening.start(), place


class _Scan:
    """One walk over a stretch without fences. Each kind of end is looked for forward only, so that the whole walk is
    linear: the last found is kept and holds for every place before it."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.place, self.end = text, start, end
        self.found: dict[re.Pattern[str], tuple[int, int]] = {}
        self.ticks: dict[int, list[int]] = {}
        for run in TICKS.finditer(text, start, end):
            self.ticks.setdefault(run.end() - run.start(), []).append(run.start())

    def formulas(self) -> Iterator[Formula]:
        while opening := OPENING.search(self.text, self.place, self.end):
            mark, start = opening.group(), opening.start()
            self.place = opening.end()
            if mark[0] == "`":
                self.place = self._code_end(opening.end(), len(mark))
            elif end := self._formula_end(mark, start, opening.end()):
                self.place = end
                yield start, end, mark not in {r"\(", "$"} and self._alone(start, end)

    def _next(self, pattern: re.Pattern[str], place: int) -> tuple[int, int]:
        """Where `pattern` is found next; far beyond the text where it is not."""
        start, end = self.found.get(pattern, (-1, -1))
        if start < place:
            match = pattern.search(self.text, place, self.end)
            start, end = self.found[pattern] = match.span() if match else (NOWHERE, NOWHERE)
        return start, end

    def _formula_end(self, mark: str, start: int, inner: int) -> int:
        """The place after the formula that opens at `start`; 0 where none does."""
        closing = CLOSING.get(mark) or ENVIRONMENT_END.get(mark)
        if closing is None:
            return 0
        end = self._next(closing, inner)[1]
        if end == NOWHERE or end > self._next(PARAGRAPH_END, start)[0]:
            return 0
        if mark in {r"\(", "$"} and end > self._next(BLOCK_START, start)[0]:
            return 0
        content = self.text[inner : end - len(mark)]
        if len(mark) <= 2 and not content.strip():
            return 0
        return 0 if mark == "$" and not self._is_no_sum(content, start, end) else end

    def _is_no_sum(self, content: str, start: int, end: int) -> bool:
        """What stands between single dollars is TeX only where it cannot lie between two sums of money."""
        around = self.text[max(0, start - 1) : start] + self.text[end : end + 1]
        return content == content.strip() and not any(character.isdigit() for character in around)

    def _alone(self, start: int, end: int) -> bool:
        while start > 0 and self.text[start - 1] in " \t>":
            start -= 1
        while end < len(self.text) and self.text[end] in " \t":
            end += 1
        return self.text[max(0, start - 1) : start] in {"", "\n"} and self.text[end : end + 1] in {"", "\n"}

    def _code_end(self, place: int, length: int) -> int:
        """The end of the code that a run of backticks opens; `place` where nothing in the paragraph closes it."""
        runs = self.ticks.get(length, [])
        closing = bisect_left(runs, place)
        if closing == len(runs) or runs[closing] > self._next(PARAGRAPH_END, place)[0]:
            return place
        return runs[closing] + length
