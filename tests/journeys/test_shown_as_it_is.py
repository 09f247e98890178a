"""What a trainer sees is what was written: user turns to the last sign, mathematics as mathematics or as its source."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from labeling import comparisons
from labeling.models import Assignment, Project
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.server import Server

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

FENCED = (
    "Why does this fail?\n\n```python\n# not a heading\n\ndef half(n):\n    if n > 1:\n\t\treturn n // 2\n\n\n```\n"
    "It says `IndentationError`."
)
USER_TEXTS = [
    FENCED,
    "def f(x):\n    # a comment\n    return x * 2 * x\n\nprint(f(3))",
    "    four spaces first\n  two\nnone",
    "\tone tab\n\t\ttwo tabs\tand between",
    "two  spaces   three    four",
    "ends with blanks   \nand a line   ",
    "* not a list\n- nor this\n1. nor this\n# nor a heading\n> nor a quote",
    "A line\n\n\n\nafter three empty ones",
    "\nbegins with an empty line",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "$x_1 + x_2$ and $$\\sum_i x_i$$ and \\(a\\) and \\[b\\]",
    "\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}",
    "It costs $5, not $6.",
    "<b>bold</b> & <script>alert(1)</script> &amp; &lt;",
    "[a link](https://example.org) and ![a picture](x.png)",
    "**stars**, _lines_, ~~tildes~~, `ticks`, ``two ` ticks``",
    "back\\slashes \\* \\_ \\\\ \\n",
    "```\nno language\n    kept\n```",
    "~~~sql\nSELECT *\n  FROM t;\n~~~\nand after",
    "```js\nnever closed\n  { a: 1 }",
    "````md\n```py\nx = 1\n```\n````",
    "1. item\n   ```c\n   int main(void) { return 0; }\n   ```\n2. item",
    "quotes \"double\" 'single' \u201ccurly\u201d and \u2014 dashes \u2026",
    "שלום עולם, x = 1\nمرحبا بالعالم 2",
    "emoji \U0001f469\u200d\U0001f4bb, e\u0301, \u00a0no-break\u00a0, zero\u200bwidth",
    "漢字とかな\n한국어\nไทย",
    "```diff\n- old\n+ new\n\n```",
    "```console\n$ ls -l\n\ntotal 0\n```\n",
    "def g():\r\n    return '\\r\\n'\r\n",
    "x" * 300 + " " + "y" * 300 + "\n" + "long " * 120,
]
COPY = """(element) => { const all = document.createRange(); all.selectNodeContents(element);
  const chosen = getSelection(); chosen.removeAllRanges(); chosen.addRange(all); return chosen.toString(); }"""

COMPLETIONS = [
    "The mean is $\\bar{x} = \\frac{1}{n}\\sum_{i=1}^n x_i$.",
    "$$\n\\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}\n$$",
    "By \\(a^2 + b^2 = c^2\\) we get \\[c = \\sqrt{a^2 + b^2}\\]",
    "\\begin{align}\nx &= 1 \\\\\ny &= 2\n\\end{align}",
    "\\begin{equation*}\nE = mc^2\n\\end{equation*}",
    "$$f(x) = \\begin{cases} 1 & x > 0 \\\\ 0 & \\text{otherwise} \\end{cases}$$",
    "The answer is $\\boxed{42}$.",
    "A matrix $\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}$ and a vector $\\vec{v}$",
    "Limits: $\\lim_{x \\to 0} \\frac{\\sin x}{x} = 1$",
    "$\\mathbb{E}[X] = \\int x \\, \\mathrm{d}P$",
    "Sets: $A \\cap B \\subseteq \\mathbb{R} \\setminus \\{0\\}$",
    "- one: $\\alpha$\n- two: $\\beta_1$",
    "| f | g |\n|---|---|\n| $x^2$ | $2x$ |",
    "> quoted: $$a \\equiv b \\pmod{n}$$",
    "$\\unknowncommand{x}$ stays as it is",
    "$\\newcommand{\\R}{\\mathbb{R}} \\R$",
    "$\\href{https://example.org}{x}$",
    "$\\cancel{x}$ is cancelled",
    "$50% x$ is no comment",
    "$a \\tag{7}$",
    "\\begin{gather}\na = b \\\\\nc = d\n\\end{gather}",
    "\\begin{multline}\na + b \\\\ + c\n\\end{multline}",
    "It costs $5 or $10, and $n$ is a number.",
    "`$code$` is code, $m$ is not",
    "```\n$$not mathematics$$\n```",
    "$\\left( \\frac{a}{b} \\right)^2 \\geq 0$",
    "$\\binom{n}{k} = \\frac{n!}{k!(n-k)!}$",
    "$\\nabla \\times \\mathbf{E} = -\\frac{\\partial \\mathbf{B}}{\\partial t}$",
    "$\\hat{\\theta} = \\underset{\\theta}{\\operatorname{argmin}}\\; L(\\theta)$",
    "$x_{" + "1" * 200 + "}$ and $" + "{" * 300 + "$",
]


@pytest.fixture
def written(live: Server, project: Project, alice: User) -> Assignment:
    """A task whose prompt is every text of a user, and whose completions hold mathematics."""
    project.language = "ar"
    project.save()
    answers = ["\n\n---\n\n".join(COMPLETIONS[start::3]) for start in range(3)]
    comparison, _ = comparisons.bring(
        project=project,
        prompt=[
            {"role": role, "content": content}
            for text in USER_TEXTS
            for role, content in (("user", text), ("assistant", "Go on."))
        ][:-1],
        completions=[{"text": answer} for answer in answers],
    )
    return makers.make_lease(comparison, alice)


def test_a_users_text_is_copied_as_it_was_written(visit: Visits, alice: User, written: Assignment) -> None:
    page = visit(alice).open(f"/ranking/{written.pk}/")
    blocks = page.locator('#prompt [data-role="user"] .written')
    stored = [message["content"] for message in written.comparison.prompt if message["role"] == "user"]
    assert len(stored) == blocks.count() == 30
    wrong = {
        text: copied
        for number, text in enumerate(stored)
        if (copied := blocks.nth(number).evaluate(COPY)) != text.replace("\r\n", "\n")
    }
    assert not wrong
    assert blocks.first.get_attribute("lang") == "ar"
    assert blocks.first.get_attribute("dir") == "rtl"
    assert page.locator("#note").get_attribute("dir") == "rtl"
    assert page.locator("#prompt .c-k").count()  # and yet the code is highlighted


def test_mathematics_is_mathml_or_legible_source_and_the_source_is_one_click_away(
    visit: Visits, alice: User, written: Assignment
) -> None:
    page = visit(alice).open(f"/ranking/{written.pk}/")
    shown = page.locator(".cards .prose")
    text = " ".join(shown.all_inner_texts())
    source = re.findall(r"\\(?:begin|frac|sum|int|sqrt|vec|lim|alpha|mathbf|left|binom|hat)\b[^\n]*", text)
    assert [one for one in source if not one.startswith(("\\begin{multline}", "\\mathbb{R}} \\R"))] == []
    for kept in (
        "\\unknowncommand{x}",
        "\\newcommand{\\R}",
        "\\href{https://example.org}{x}",
        "\\cancel{x}",
        "$50% x$",
    ):
        assert kept in text
    assert page.locator(".cards math").count() >= 26
    assert page.locator(".cards math").evaluate_all(
        "all => all.every((math) => math.getBoundingClientRect().height > 4 && math.namespaceURI.endsWith('MathML'))"
    )
    card = page.locator("#card-A")
    expect(card.locator(".source")).not_to_be_visible()
    card.get_by_label("Source").check()
    expect(card.locator(".prose")).not_to_be_visible()
    assert card.locator(".source").evaluate(COPY) == written.comparison.texts[written.order_shown[0]]
    page.keyboard.press("a")
    page.keyboard.press("o")
    expect(card.locator(".prose")).to_be_visible()


def test_code_is_copied_by_a_button(visit: Visits, live: Server, project: Project, alice: User) -> None:
    code = "def f():\n\n    return 1\n"
    comparison, _ = comparisons.bring(
        project=project,
        prompt=[{"role": "user", "content": "Write it."}],
        completions=[{"text": f"Here:\n\n```python\n{code}```"}, {"text": "No"}],
    )
    task = makers.make_lease(comparison, alice)
    visitor = visit(alice, permissions=["clipboard-read", "clipboard-write"])
    page = visitor.open(f"/ranking/{task.pk}/")
    page.locator(".code").hover()
    page.get_by_role("button", name="Copy the code").click()
    expect(page.get_by_role("button", name="Copy the code")).to_have_text("Copied")
    assert clipboard(page) == code


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_a_page_with_mathematics_weighs_less_than_300_kb(visit: Visits, alice: User, written: Assignment) -> None:
    visitor = visit(alice)
    sizes: dict[str, int] = {}
    visitor.page.on("response", lambda answer: sizes.__setitem__(answer.url, len(answer.body())))
    visitor.open(f"/ranking/{written.pk}/")
    visitor.page.wait_for_load_state("networkidle")
    assert sum(size for url, size in sizes.items() if not url.endswith(".svg")) < 300_000, sizes
