"""Every page at every width, in both themes and in every language: axe, no scrolling sideways, and a picture of each.

    python -m tests.journeys.screens FOLDER

walks the whole matrix of the trainers', the account's, the reviewers', the managers' and the insights' pages and leaves
the pictures in FOLDER/ROOM/WIDTH-THEME-LANGUAGE/. The suite walks two screens of each room, its slow tier all of them,
without pictures.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from launcher import suite

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


def look(page: Page, room: str, name: str, screen: Screen) -> dict[str, list[str]]:
    """What is wrong with the page, everything that folds unfolded; a picture of it as it came, where a folder is asked
    for."""
    too_wide = page.evaluate(TOO_WIDE)
    if folder := os.environ.get(FOLDER):
        file = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        page.screenshot(path=Path(folder) / room / str(screen) / f"{file}.png", full_page=True)
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    found = issues(page, name)
    if too_wide or page.evaluate(TOO_WIDE):
        found.setdefault(name, []).append("scrolls sideways")
    return found


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    os.environ[FOLDER] = str(Path(sys.argv[1]).resolve())
    files = [f"tests/journeys/{room}.py" for room in ROOMS]
    return suite.main(["--no-checks", *files, "-k", WALKS, "-m", "not gpu", "-q"])


if __name__ == "__main__":
    sys.exit(main())
