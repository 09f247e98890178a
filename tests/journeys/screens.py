"""Every page at every width, in both themes and in every language: axe, no scrolling sideways, and a picture of each.

    python -m tests.journeys.screens FOLDER [--only "1280-light or 320-dark"] [--docs]

walks the whole matrix of the trainers', the account's, the reviewers', the managers' and the insights' pages, or a part
of it as pytest's -k names it, and leaves the pictures in FOLDER/ROOM/WIDTH-THEME-LANGUAGE/, with a contact sheet of
each such folder beside it. `--docs` then replaces docs/screenshots. The suite walks two screens of each room, its slow
tier all of them, without pictures.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from launcher import suite
from tests.journeys import sheets

WIDTHS = (320, 390, 768, 1280, 1920)
FOLDER = "DUOLOGUE_SCREENSHOTS"  # set by this script for the tests that it runs
ROOMS = (
    "test_accessibility",
    "test_reviewing",
    "test_manager_pages",
    "test_insights_pages",
    "accounts/test_account_pages",
)
WALKS = "every_screen"  # what the tests of the matrix are called
KEYS = (Path(__file__).parent / "keys.js").read_text()
CUT = (Path(__file__).parent / "cut.js").read_text()
HEADINGS = """() => {
  const written = (one) => one.matches(".prose [dir]");
  const rendered = (one) => one.getClientRects().length && !one.closest("dialog:not([open]), [aria-hidden=true]");
  const level = (one) => Number(one.getAttribute("aria-level") || one.tagName.slice(1));
  const shown = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6, [role=heading]")];
  const ours = shown.filter((one) => rendered(one) && !written(one));
  const skips = (one, at) => at && level(one) > level(ours[at - 1]) + 1;
  return ours.filter(skips).map((one) => one.outerHTML.slice(0, 120));
}"""
TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"
Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Screen:
    """How somebody looks at a page."""

    width: int
    theme: Theme
    language: str = "en"

    @property
    def options(self) -> dict[str, object]:
        """Of a browser's context."""
        size = {"width": self.width, "height": 800}
        return {"color_scheme": self.theme, "viewport": size, "locale": self.language}

    def __str__(self) -> str:
        return f"{self.width}-{self.theme}-{self.language}"


THEMES: tuple[Theme, ...] = ("light", "dark")
QUICK = [Screen(320, "dark"), Screen(1280, "light")]
EVERY = [Screen(width, theme) for width in WIDTHS for theme in THEMES]
EVERY += [Screen(320, "light", language) for language in ("de", "es")]  # the longest words on the narrowest screen


def issues(page: Page, name: str) -> dict[str, list[str]]:
    """What axe finds serious or critical."""
    violations = Axe().run(page).response["violations"]
    bad = [v for v in violations if v["impact"] in ("serious", "critical")]
    return {name: [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in bad]} if bad else {}


def levels_skipped(page: Page) -> list[str]:
    """Headings that stand more than one level under the one before them, as an <h3> after an <h1>; those in
    texts are as their authors wrote them."""
    return [str(heading) for heading in page.evaluate(HEADINGS)]


def keys_taken(page: Page) -> list[str]:
    """Keys that belong to an input method, since it composes, or that print where one types, and that the page or its
    open dialog takes all the same."""
    return [str(key) for key in page.evaluate(KEYS)]


def look(page: Page, room: str, name: str, screen: Screen, *, own_keys: bool = True) -> dict[str, list[str]]:
    """What is wrong with the page, everything that folds unfolded; a picture of it as it came, where a folder is asked
    for. Without `own_keys` its keys are those of a library."""
    too_wide = page.evaluate(TOO_WIDE)
    if folder := os.environ.get(FOLDER):
        file = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        _picture(page, Path(folder) / room / str(screen) / f"{file}.png", screen)
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    found = issues(page, name)
    if too_wide or page.evaluate(TOO_WIDE):
        found.setdefault(name, []).append("scrolls sideways")
    if skipped := levels_skipped(page):
        found.setdefault(name, []).extend(f"skips a level: {heading}" for heading in skipped)
    more = [f"cut: {element}" for element in page.evaluate(CUT)] + (keys_taken(page) if own_keys else [])
    if more:
        found.setdefault(name, []).extend(more)
    return found


def wrong(page: Page, room: str, name: str) -> dict[str, list[str]]:
    """With a page that a journey has come to, on the screens that the suite walks."""
    found: dict[str, list[str]] = {}
    for screen in QUICK:
        page.set_viewport_size({"width": screen.width, "height": 800})
        page.emulate_media(color_scheme=screen.theme)
        found |= look(page, room, f"{name} ({screen})", screen)
    return found


def _picture(page: Page, file: Path, screen: Screen) -> None:
    """Of a window as high as the page, in which bars stand at its end."""
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": screen.width, "height": min(height, 6000)})
    page.screenshot(path=file)
    page.set_viewport_size({"width": screen.width, "height": 800})


def main() -> int:
    parser = argparse.ArgumentParser(description="Pictures of every page, looked at by axe.")
    parser.add_argument("folder", type=lambda given: Path(given).resolve())
    parser.add_argument("--only", default="", help="part of the screens and rooms, as pytest's -k takes it")
    parser.add_argument("--docs", action="store_true", help="replace docs/screenshots")
    asked = parser.parse_args()
    os.environ[FOLDER] = str(asked.folder)
    files = [f"tests/journeys/{room}.py" for room in ROOMS]
    chosen = f"{WALKS} and ({asked.only})" if asked.only else WALKS
    failed = suite.main(["--no-checks", *files, "-k", chosen, "-m", "not gpu", "-q", "-o", "timeout=900"])
    for sheet in sheets.make(asked.folder):
        print(sheet)
    if asked.docs and not failed:
        sheets.for_docs(asked.folder)
    return failed


if __name__ == "__main__":
    sys.exit(main())
