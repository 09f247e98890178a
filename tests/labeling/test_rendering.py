"""Text of trainers and models as HTML: nothing in it can run, lead away or restyle the page."""

from __future__ import annotations

import re

import pytest
from django.utils.html import escape
from hypothesis import given
from hypothesis import strategies as st

from labeling.pages import differences, markdown
from labeling.templatetags.text import written_in

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](https://evil.example/)",
    "![pixel](https://evil.example/p.png)",
    "<https://evil.example>",
    "<style>*{display:none}</style>",
    '<p style="position:fixed">over</p>',
    "</main></body><h1>other page</h1>",
    "```js' onmouseover='alert(1)\nx\n```",
    "| <svg onload=alert(1)> |\n|---|\n| [a](data:text/html,x) |",
    "$<b>x</b>$ and \\(<i>y</i>\\)",
    "[ref]: javascript:alert(1)\n\n[ref]",
    "&lt;script&gt;",
]
TAG = re.compile(r"<\s*/?\s*([a-zA-Z0-9]+)([^>]*)>")
ATTRIBUTE = re.compile(r'([a-zA-Z-]+)(?:="[^"]*")?')


def assert_harmless(html: str) -> None:
    for name, attributes in TAG.findall(html):
        assert name in markdown.TAGS, f"<{name}> in {html}"
        names = set(ATTRIBUTE.findall(re.sub(r'"[^"]*"', '""', attributes)))
        assert names <= markdown.ATTRIBUTES["*"] | markdown.ATTRIBUTES.get(name, set()), html


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text(text: str) -> None:
    html = str(markdown.to_html(text))
    assert_harmless(html)
    assert "href" not in TAG.sub(lambda m: m.group(2), html) or "<a" not in html


@given(st.text(alphabet="<>[]()!`*_#|-:$\\/\"'& \nabjs=.", max_size=120))
def test_no_text_yields_a_tag_or_attribute_outside_the_list(text: str) -> None:
    assert_harmless(str(markdown.to_html(text)))


def test_links_work_in_guidelines_only_and_only_to_the_web() -> None:
    html = str(markdown.guidelines_to_html("[a](https://example.org/) [b](javascript:alert(1)) <script>x</script>"))
    assert 'href="https://example.org/"' in html
    assert 'rel="noopener noreferrer"' in html
    assert 'href="javascript' not in html
    assert "<script" not in html


def test_markdown_tables_and_code_are_rendered_with_classes_and_no_styles() -> None:
    html = str(markdown.to_html("| a | b |\n|:-:|--:|\n| 1 | 2 |\n\n```python\ndef f(): return 1\n```"))
    assert "<table" in html
    assert "align-center" in html
    assert 'class="c-k"' in html
    assert "style=" not in html


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        (r"\(a_1 * b_2 * c\)", "<msub><mi>a</mi><mn>1</mn></msub><mo>*</mo>"),
        ("\\[\n\\frac{a}{b}\n\\]", '<math display="block"><mfrac>'),
        ("$x_1 + x_2$", "<msub><mi>x</mi><mn>2</mn></msub>"),
        ("$$\n\\sum_i x_i\n$$", '<math display="block">'),
        ("\\begin{align}\na &= b_*\\\\\nc &= d_*\n\\end{align}", "<mtable"),
        (r"$\boxed{42}$", '<mrow class="boxed">'),
        (r"$\mathbf{x} \bm{y}$", '<mi class="bold">y</mi>'),
        (r"$\text{if } a < b \text{ & c}$", "<mtext>\N{NO-BREAK SPACE}&amp;\N{NO-BREAK SPACE}c</mtext>"),
    ],
)
def test_tex_becomes_mathml(source: str, holds: str) -> None:
    html = str(markdown.to_html(f"Before {source} after" if "\n" not in source else source))
    assert "<em>" not in html
    assert 'class="tex' in html
    assert holds in html
    assert re.sub(r"\s", "", source) not in html


def test_no_number_is_added_to_an_equation() -> None:
    for name in ("align", "align*", "gather", "equation", "eqnarray"):
        html = str(markdown.to_html(f"\\begin{{{name}}}\na = b\n\\end{{{name}}}"))
        assert "<math" in html
        assert "(1)" not in html


SHOWN_AS_SOURCE = [
    r"\newcommand{\a}{b}\a", r"\def\a{b}\a", r"\let\a=b \a", r"\href{https://evil.example}{x}", r"\unknown{x}",
    r"\hspace{-20em}x", r"\rule{9em}{9em}", r"\phantom{x} y", r"x \\[-9em] y", r"\cancel{x}", r"a \\ b", r"a & b",
    r"\begin{rcases}a\end{rcases}", r"\begin{align}a\end{gather}", "{" * 900 + "}" * 900, r"\frac", "x_", "x_1_2",
    r"\left( x", r"\mathop{x}", r"\text{&#x41;}", r"\require{x}", r"\kern9em x", r"\label{a} x", r"50% of x",
    r"\style{color:red}{x}", r"\rcases{x}", r"\raisebox{9em}{x}",
]  # fmt: skip


@pytest.mark.parametrize("source", SHOWN_AS_SOURCE, ids=lambda source: str(source)[:20])
def test_what_is_not_sure_shows_its_source(source: str) -> None:
    html = str(markdown.to_html(f"${source}$"))
    assert "<math" not in html
    assert f"${escape(source)}$" in html
    assert 'class="tex"' in html


def test_so_much_tex_of_a_text_is_laid_out_and_the_rest_is_source() -> None:
    formula = r"$\text{abcdefgh}$"
    html = str(markdown.to_html(f"{formula}\n\n" * 1000))
    assert html.count("<math") == 4000 // len(formula)
    assert html.count(formula) == 1000 - html.count("<math")
    html = str(markdown.to_html("$((((((((((((((((($\n\n" * 180))
    assert sum(map(len, re.findall(r"<math.*?</math>", html))) <= 36_000
    assert "$((" in html


def test_sums_of_money_are_not_mathematics() -> None:
    assert "tex" not in str(markdown.to_html("It costs $5 or $10."))


def test_every_block_finds_its_own_direction() -> None:
    html = str(markdown.to_html("שלום\n\nhello\n\n- مرحبا"))
    assert html.count('dir="auto"') == 3
    assert '<ul dir="rtl">' in html  # its markers stand where its text begins
    assert '<ol dir="ltr">' in str(markdown.to_html("1. **a** שלום"))
    assert '<table dir="rtl">' in str(markdown.to_html("| א | b |\n|---|---|\n| 1 | 2 |"))
    assert 'dir="ltr"' in str(markdown.to_html("```\nx\n```"))


def test_a_text_of_a_language_from_the_right_says_that_all_of_it_is() -> None:
    assert written_in("ar", "`code` ثم") == ' lang="ar" dir="rtl" data-side="right"'
    assert written_in("ar", "only code()") == written_in("ar") == ' lang="ar" dir="rtl"'
    assert written_in("en", "شكرا") == ' lang="en" dir="auto"'
    assert written_in("english", "שלום") == ' dir="auto"'


def test_a_text_of_20000_characters_folds_and_a_short_one_does_not() -> None:
    assert markdown.is_long("x" * 20_000)
    assert markdown.is_long("x\n" * 40)
    assert not markdown.is_long("x" * 500)


def test_word_differences_cover_both_texts_and_mark_only_what_differs() -> None:
    left, right = differences.word_diff("The cat sat on the mat.", "The dog sat on a mat.")
    assert "".join(text for _, text in left) == "The cat sat on the mat."
    assert "".join(text for _, text in right) == "The dog sat on a mat."
    assert ("only", "cat") in left
    assert ("only", "dog") in right


def test_word_differences_of_two_long_texts_are_quick() -> None:
    words = [f"word{n % 700}" for n in range(4000)]
    left, _ = differences.word_diff(" ".join(words), " ".join(reversed(words)))
    assert left
