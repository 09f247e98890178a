"""What allauth says after something was done is said in the reader's language, or not at all."""

from __future__ import annotations

from pathlib import Path

import allauth
import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

PACKAGE = Path(allauth.__file__).parent / "templates"
MESSAGES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.glob("*/messages/*.txt"))
OFF = {"account/messages/login_code_sent.txt"}  # sign-in by a code that is mailed
OFF |= {f"account/messages/phone_verif{end}.txt" for end in ("ied", "ication_sent")}
SAYS_NOTHING = {"account/messages/logged_in.txt"}
GIVEN = {"email": "nina@example.org", "mail_is_set_up": True}


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE])
def test_every_message_is_in_the_readers_language(language: str) -> None:
    assert len(MESSAGES) > 15
    assert set(MESSAGES) > OFF | SAYS_NOTHING
    english = {}
    for name in MESSAGES:
        with translation.override(settings.LANGUAGE_CODE):
            english[name] = render_to_string(name, GIVEN).strip()
    with translation.override(language):
        said = {name: render_to_string(name, GIVEN).strip() for name in MESSAGES}
    assert {name for name in MESSAGES if not said[name]} == SAYS_NOTHING
    assert {name for name in MESSAGES if said[name] and said[name] == english[name]} <= OFF
    ours = {
        str(path.relative_to(settings.BASE_DIR / "templates"))
        for path in (settings.BASE_DIR / "templates").glob("*/messages/*.txt")
    }
    assert set(MESSAGES) - ours == OFF, "say it in a template of ours"
