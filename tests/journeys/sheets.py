"""Contact sheets of the pictures that `screens.py` takes, and the few of them that the docs show."""

from __future__ import annotations

import html
import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from launcher import browser

DOCS = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
SHOWN = {  # by the docs, from the trainer's room
    "ranking": "ranking-as-the-docs-show-it",
    "demonstration": "demonstration-as-the-docs-show-it",
    "chat": "chat-as-the-docs-show-it",
}
COMMITTED = ("1280-light-en", "320-dark-en")  # a sheet of each, for the trainer's and the account's pages
STYLE = """body { margin: 0; padding: 12px; font: 13px/1.3 system-ui, sans-serif; background: #fff; color: #222; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(COLUMN, 1fr)); gap: 12px; }
figure { margin: 0; } figcaption { height: 2.6em; overflow: hidden; }
figure div { height: 240px; overflow: hidden; border: 1px solid #bbb; } img { width: 100%; display: block; }
"""


def make(folder: Path) -> list[Path]:
    """A sheet for each room and screen of which there are pictures, beside them."""
    made = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get(browser.VARIABLE) or browser.ensure(), args=["--no-sandbox"]
        )
        for pictures in sorted(path for path in folder.glob("*/*") if path.is_dir()):
            made.append(_sheet(chromium, pictures))
        chromium.close()
    return made


def _sheet(chromium: Browser, pictures: Path) -> Path:
    figures = "".join(
        f'<figure><figcaption>{html.escape(picture.stem)}</figcaption><div><img src="{picture.name}"></div></figure>'
        for picture in sorted(pictures.glob("*.png"))
    )
    index = pictures / "index.html"
    narrow = int(pictures.name.partition("-")[0]) < 768
    style = STYLE.replace("COLUMN", "190px" if narrow else "290px")
    index.write_text(f"<!doctype html><meta charset=utf-8><style>{style}</style><main>{figures}</main>")
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.goto(index.as_uri())
    page.wait_for_load_state("networkidle")
    sheet = pictures.with_suffix(".jpg")
    page.screenshot(path=sheet, full_page=True, type="jpeg", quality=60)
    page.close()
    return sheet


def for_docs(folder: Path) -> None:
    """Put what the repository keeps in its place: three pages as they are, and the sheets of the trainer's and the
    account's pages."""
    shutil.rmtree(DOCS, ignore_errors=True)
    DOCS.mkdir(parents=True)
    for name, taken in SHOWN.items():
        shutil.copyfile(folder / "trainer" / COMMITTED[0] / f"{taken}.png", DOCS / f"{name}.png")
    for room in ("trainer", "account"):
        for screen in COMMITTED:
            shutil.copyfile(folder / room / f"{screen}.jpg", DOCS / f"{room}-{screen}.jpg")
