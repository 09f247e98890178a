"""Every script that takes keys leaves those of an input method that composes: Enter accepts a word then, and Escape
drops it. Each page and dialog is tried in a browser by `tests/journeys/screens.py`."""

from __future__ import annotations

import re
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "static/js"
TAKES_KEYS = re.compile(r"[\"']key(?:down|up|press)[\"']|\.onkey")
ONLY_LISTENS = {"draft.js"}  # to know that somebody is at work


def test_every_script_that_takes_keys_asks_whether_an_input_method_composes() -> None:
    takes = {path.name: path.read_text() for path in SCRIPTS.glob("*.js") if TAKES_KEYS.search(path.read_text())}
    assert {"ranking.js", "composer.js", "marks.js", "review.js", "page.js", "questions.js", "agree.js"} <= set(takes)
    assert {name for name, text in takes.items() if "composing(event)" not in text} <= ONLY_LISTENS


def test_no_template_takes_keys() -> None:
    templates = SCRIPTS.parents[1] / "templates"
    taking = [path for path in templates.rglob("*.html") if re.search(r"\sonkey\w+=", path.read_text())]
    assert not taking
