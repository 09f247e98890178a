"""Screenshots of the trainer's pages, from a running demo.

    python docs/take_screenshots.py http://127.0.0.1:8000 NAME PASSWORD [--out docs/screenshots]

Signs in, opens each page as a trainer would (a ranking, a demonstration with suggestions, a chat with a
reply), and gives up the two dialogues again at the end. `--widths 320,390,768,1280,1920 --themes
light,dark` takes every combination, to look at the design.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

HEIGHTS = {320: 640, 390: 844, 768: 1024, 1280: 800, 1920: 1080}
QUESTION = "How do I keep basil alive on a windowsill in winter?"
MESSAGE = "Suggest a name for a small bakery by the sea, and say why in a sentence."


class Tour:
    def __init__(self, page: Page, base: str, out: Path, suffix: str) -> None:
        self.page, self.base, self.out, self.suffix = page, base, out, suffix

    def shot(self, name: str) -> None:
        self.page.mouse.move(0, 0)
        self.page.screenshot(path=self.out / f"{name}{self.suffix}.png")

    def sign_in(self, name: str, password: str) -> None:
        self.page.goto(f"{self.base}/accounts/login/")
        self.shot("sign-in")
        self.page.fill("[name=login]", name)
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url(f"{self.base}/")

    def begin(self, verb: str) -> bool:
        """Press the home page's button of one kind of work; False where it is not offered."""
        self.page.goto(self.base)
        button = self.page.get_by_role("button", name=verb)
        if not button.count():
            return False
        button.first.click()
        self.page.wait_for_url(re.compile("/(ranking|dialogues)/"))
        return True

    def ranking(self) -> None:
        if not self.begin("Rank the next one"):
            return
        for keys in ("2", "Shift+Digit6", "1", "2"):
            self.page.keyboard.press(keys)
        self.page.wait_for_timeout(1200)
        self.page.evaluate("scrollTo(0, 0)")
        self.shot("ranking")
        self.page.keyboard.press("v")
        self.page.locator("#compare-body .compare").wait_for()
        self.shot("compare")
        self.page.keyboard.press("Escape")

    def demonstration(self) -> None:
        if not self.begin("Begin a dialogue"):
            return
        self.page.fill("#composer-text", QUESTION)
        self.page.keyboard.press("Control+Enter")
        self.page.locator(".turn").first.wait_for()
        self.page.keyboard.press("Alt+s")
        self.page.locator("[data-use]").first.wait_for(timeout=120_000)
        self.page.keyboard.press("Alt+1")
        self.page.wait_for_timeout(1000)
        self.shot("demonstration")
        self.discard()

    def chat(self) -> None:
        if not self.begin("Begin a chat"):
            return
        self.page.fill("#composer-text", MESSAGE)
        self.page.keyboard.press("Control+Enter")
        self.page.get_by_label("Good answer").wait_for(timeout=120_000)
        self.shot("chat")
        self.discard()

    def discard(self) -> None:
        self.page.once("dialog", lambda dialog: dialog.accept())
        self.page.get_by_role("button", name="Discard").click()
        self.page.wait_for_url(f"{self.base}/")

    def reading(self) -> None:
        self.page.goto(self.base)
        guidelines = self.page.get_by_role("link", name=re.compile("^Guidelines")).first
        self.shot("home")
        self.page.goto(f"{self.base}/history/")
        self.shot("history")
        self.page.goto(self.base)
        if guidelines.count():
            guidelines.click()
            self.shot("guidelines")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("name")
    parser.add_argument("password")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "screenshots")
    parser.add_argument("--widths", default="1280")
    parser.add_argument("--themes", default="light")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    combinations = [(int(w), theme) for theme in options.themes.split(",") for w in options.widths.split(",")]
    browser_path = os.environ.get("DUOLOGUE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for width, theme in combinations:
            size: ViewportSize = {"width": width, "height": HEIGHTS.get(width, 900)}
            context = browser.new_context(viewport=size, color_scheme=theme, has_touch=width < 700)
            suffix = "" if len(combinations) == 1 else f"-{width}-{theme}"
            tour = Tour(context.new_page(), options.url.rstrip("/"), options.out, suffix)
            tour.sign_in(options.name, options.password)
            for step in (tour.ranking, tour.demonstration, tour.chat, tour.reading):
                step()
            context.close()
            print(f"{width} px, {theme}: done", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
