"""What is shown is bounded: any text comes within half a second, and the time grows as its length."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from labeling.pages import differences, markdown
from labeling.pages.markdown import bounds, code, tex
from tests.measuring import processor_seconds

REPEATED = [
    "\\[\n", "\\(", "\\)", "\\[a\\] ", "\\[a\\]\n", "$a$ ", "$a", "$$", "$$a$$\n", "- \\(a\n", "a | b\n--|--\n",
    "|a|b|\n|-|-|\n", "1. a\n", "- a\n", "- ", "- a\n\n", "1. ", "> ", ">", "> a\n\n", ">>> a\n", "**a", "*a_b", "_a",
    "_a_ ", "~~a", "~a", "a\n=\n", "# a\n", "&", "&amp;", "'", "\u00a0", "<", "<a ", "<!--", "[", "[a](b)", "![",
    "](", "[a]: x\n", "`", "`a``", "```\n", "\\", "a\n", "```python\nx = [1]\n```\n",
    "```makefile\n" + "a " * 900 + "\n```\n", "```java\n" + "a " * 900 + "\n```\n", "\t", "|", "\\\\[", "- 1\n",
    "\\begin{align}", "\\begin{align}a&b\\\\\\end{align}\n", "$\\frac{a}{b}$ ", "$\\sqrt{", "\\(\\left(\\) ", "$(($ ",
]  # fmt: skip
GROWN: list[Callable[[int], str]] = [
    lambda n: "*a " * (n // 6) + "b* " * (n // 6),
    lambda n: "- " * (n // 4) + "a" + "\n" * (n // 2),
    lambda n: "|" + "a|" * 1000 + "\n|" + "-|" * 1000 + "\n" + "a\n" * (n // 2 - 2000),
    lambda n: "".join("e" + "`" * i for i in range(1, int((2 * n) ** 0.5))),
    lambda n: "".join("  " * i + "- a\n" for i in range(int(n**0.5))),
]


def seconds(text: str, *, how: markdown.kept.How = "markdown") -> float:
    return processor_seconds(lambda: markdown._rendered(text, how), times=2)


def steep(small: str, large: str) -> bool:
    """Whether the larger of the two takes more than twice as long as its length tells, each time that one looks."""
    return all(seconds(large) > 8 * seconds(small) + 0.02 for _ in range(4))


def texts(size: int) -> list[str]:
    return [(part * size)[:size] for part in REPEATED] + [grow(size)[:size] for grow in GROWN]


@pytest.mark.slow
def test_200_000_characters_of_anything_are_laid_out_within_half_a_second() -> None:
    slow = {text[:12]: took for text in texts(bounds.LONGEST) if (took := seconds(text)) > 0.5}
    assert not slow


def test_time_grows_as_the_length() -> None:
    pairs = zip(texts(5_000), texts(20_000), strict=True)
    assert not [large[:12] for small, large in pairs if steep(small, large)]


@pytest.mark.slow
def test_what_is_shown_as_written_takes_no_longer() -> None:
    for text in texts(bounds.LONGEST):
        assert seconds(text, how="written") < 0.5, text[:12]


@pytest.mark.parametrize("text", ["\\[\n" * 5000, "\\(\n" * 5000, "$$\n" * 5000, "> [" * 5000])
def test_a_flood_of_brackets_comes_at_once(text: str) -> None:
    assert seconds(text) < 0.5


def test_longer_texts_are_shown_as_written_with_a_sentence() -> None:
    html = str(markdown.to_html("**a** <b>" + "x" * bounds.LONGEST))
    assert "200,009 characters" in html
    assert "**a** &lt;b&gt;" in html
    assert "<strong>" in str(markdown.to_html("**a** " * 30_000))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- " * 61 + "a", bounds.TOO_DEEP),
        ("*a " * 70 + "b* " * 70, bounds.TOO_DEEP),
        ("|" + "a|" * 500 + "\n|" + "-|" * 500 + "\n" + "a\n" * 500, bounds.TABLE_TOO_WIDE),
    ],
)
def test_what_is_too_deep_or_too_wide_is_shown_as_written(text: str, sentence: str) -> None:
    html = str(markdown.to_html(text))
    assert sentence in html
    assert text.strip() in html


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("$$E=mc^2$$ (1)", "(1)"),
        ("\\[E=mc^2\\] (1)", "(1)"),
        ("Energy: $$\nE=mc^2\n$$ (eq1)", "(eq1)"),
        ("$E=mc^2$ (1)", "(1)"),
    ],
)
def test_a_formula_and_its_label_are_both_legible(text: str, rest: str) -> None:
    html = str(markdown.to_html(text))
    assert "<mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup>" in html
    assert rest in html.rpartition("</math>")[2]
    assert 'class="tex' in html


@pytest.mark.parametrize(
    "text",
    ["`$a$`", "```\n\\[a\\]\n```", "    \\(a\\)", "``\\[ ` \\]``", "> ```\n> $a$\n> ```", "`a[0] < b[1]` and ~x~"],
)
def test_code_is_shown_as_it_is(text: str) -> None:
    html = str(markdown.to_html(text))
    assert "tex" not in html
    source = text.strip("`> \n").replace("> ", "").strip("`\n ")
    assert source.partition("`")[0].replace("<", "&lt;") in html


def test_escaped_brackets_and_money_are_text() -> None:
    assert "[x] &lt;y" in str(markdown.to_html(r"\[x] \<y"))
    assert list(tex.formulas("It costs $5 and $6, or $ 7 $.")) == []
    assert list(tex.formulas("\\(a\n\nb\\) \\\\(c\\)")) == []


def test_two_giant_texts_are_told_to_be_too_long() -> None:
    one, two = "a b " * 150_000, "c d " * 150_000
    with pytest.raises(differences.TooLong):
        differences.word_diff(one, two)
    words = " ".join(f"a{n}" for n in range(40_000)), " ".join(f"b{n}" for n in range(40_000))
    with pytest.raises(differences.TooLong):
        differences.word_diff(*words)
    same = " ".join(f"a{n}" for n in range(25_000))
    assert len(differences.word_diff(same + " x " + same, same + " y " + same)[0]) == 3


def test_what_was_laid_out_is_kept_and_found_by_every_process() -> None:
    text = "**kept** " * 2_000
    first = str(markdown.to_html(text))
    calls: list[str] = []

    def render(text: str, how: markdown.kept.How) -> str:
        calls.append(text)
        return ""

    assert markdown.kept.kept(render, text, "markdown") == first
    assert calls == []


def test_code_of_mostly_empty_lines_is_shown_without_colours() -> None:
    """Five lexers are quadratic in them: nine thousand cost a second."""
    shown = "int a;" + "\n" * 90 + "int b;\n"
    assert "c-" in code.highlighted(shown, "c", bounds.HIGHLIGHT_IN_ALL)[0]
    hollow = "int a;" + " \n" * 4_000
    assert code.highlighted(hollow, "c", bounds.HIGHLIGHT_IN_ALL) == (hollow, 0)


@pytest.mark.slow
@pytest.mark.parametrize("language", sorted(code.MEASURED))
def test_no_lexer_takes_long_for_what_is_highlighted(language: str) -> None:
    parts = [
        *"([{<\"'`\\a1$#@%\n ",
        "/*",
        "a ",
        "<a ",
        "{{",
        "--",
        "//",
        '"""',
        "a.b",
        "<?",
        "x:",
        "x = [1]\n",
        "a\n",
        "a <",
    ]
    slow = []
    for part in parts:
        line = (part * 300)[:299]
        source = (f"{line}\n" * 40)[:9_000]
        if processor_seconds(partial(code.code_as_html, source, language, bounds.HIGHLIGHT_IN_ALL)) > 0.25:
            slow.append(part)
    assert not slow
