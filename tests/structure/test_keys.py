"""Keys come through one place, which leaves those of an input method that composes: Enter accepts a word then, and
Escape drops it. What prints on some keyboards (AltGr, Option of a Mac) is left to the editor. Each page and dialog is
tried in a browser by `tests/journeys/screens.py`, with every key of `tests/journeys/keys.js`."""

from __future__ import annotations

import re
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "static/js"
TAKES_KEYS = re.compile(r"[\"']key(?:down|up|press)[\"']|\.onkey")
TEMPLATES = SCRIPTS.parents[1] / "templates"
PRESSED = (SCRIPTS.parents[1] / "tests/journeys/keys.js").read_text()
ONLY_LISTENS = {"draft.js"}  # to know that somebody is at work


def test_every_key_comes_through_one_place() -> None:
    """Which leaves those of an input method, and gives the page none while a dialog is open."""
    takes = {path.name for path in SCRIPTS.glob("*.js") if TAKES_KEYS.search(path.read_text())}
    assert takes - ONLY_LISTENS == {"page.js"}, "ask `duologue.keys`"
    text = (SCRIPTS / "page.js").read_text()
    assert len(TAKES_KEYS.findall(text)) == 1
    assert "composing(event)" in text
    asks = {path.name for path in SCRIPTS.glob("*.js") if re.search(r"\bkeys\(\(event", path.read_text())}
    assert {"ranking.js", "composer.js", "marks.js", "review.js", "page.js", "questions.js", "agree.js"} <= asks


def test_no_template_takes_keys() -> None:
    taking = [path for path in TEMPLATES.rglob("*.html") if re.search(r"\sonkey\w+=", path.read_text())]
    assert not taking


def test_ctrl_enter_is_never_altgr_enter() -> None:
    """AltGr is Ctrl and Alt."""
    own = {path.name for path in SCRIPTS.glob("*.js") if '"Enter"' in path.read_text()}
    assert own == {"page.js"}, "ask `duologue.sends`"


def test_every_key_that_a_page_tells_is_pressed_on_every_page() -> None:
    told = {
        key
        for path in TEMPLATES.rglob("*.html")
        for keys in re.findall(r"<kbd>([^<{]+)(?:\{[^<]*)?</kbd>", path.read_text())
        for key in keys.split()
    }
    names = {"Esc": "Escape", "↑": "ArrowUp"}
    missing = {
        key
        for key in told - {"Alt", "Ctrl", "Shift"}
        if not re.fullmatch("[A-Z0-9]", key) and f'["{names.get(key, key)}"' not in PRESSED
    }
    assert {"A", "7", "Enter", "?"} < told
    assert not missing
