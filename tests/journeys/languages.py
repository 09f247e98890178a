"""In which language a journey is made: of the pages, by what the browser asks for, and of the texts on them."""

from __future__ import annotations

import gettext
import re
from dataclasses import dataclass
from functools import cache

import pytest
from django.conf import settings
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from labeling.models import Assignment, Project
from sampler.models import Completion
from tests.journeys.conftest import Visitor, Visits
from tests.structure.messages import LOCALE

FILLED_IN = re.compile(r"%\([^)]*\)s|%s|\{\w+\}")
SENTENCES = {
    "en": "The river runs to the sea.",
    "de": "Der Fluss fließt über Land ins Meer.",
    "es": "El río corre al mar, ¿no?",
    "ar": "النهر يجري إلى البحر.",
}


class _Unknown(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        raise LookupError(f"no page says {message!r}")


@cache
def _catalog(language: str, domain: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    catalog = gettext.translation(domain, LOCALE, [language])
    catalog.add_fallback(_Unknown())
    return catalog


@dataclass(frozen=True)
class Language:
    """Called with a message as the code has it, and with what it fills in: the words that a page shows."""

    pages: str
    texts: str

    def __str__(self) -> str:
        return self.pages if self.texts == self.pages else f"{self.texts}-texts-on-{self.pages}-pages"

    def __call__(self, message: str, *values: object, domain: str = "django") -> str:
        words = _catalog(self.pages, domain).gettext(message)
        for place, value in zip(FILLED_IN.findall(message), values, strict=True):
            words = words.replace(place, str(value))
        return words

    def script(self, message: str, *values: object) -> str:
        """What a script says."""
        return self(message, *values, domain="djangojs")

    @property
    def sentence(self) -> str:
        """Of the texts."""
        return SENTENCES.get(self.texts, SENTENCES["en"])

    def visit(self, visit: Visits, person: User, project: Project, **options: object) -> Visitor:
        """Whoever reads pages in this language, in a project whose texts are in its own."""
        project.language = self.texts
        project.save(update_fields=["language"])
        return visit(person, locale=self.pages, **options)

    def write(self, task: Assignment) -> None:
        """The prompt and the completions of a task anew, in the language of the texts."""
        task.comparison.prompt = [{"role": "user", "content": self.sentence}]
        task.comparison.save(update_fields=["prompt"])
        for number, completion in enumerate(task.order_shown):
            Completion.objects.filter(pk=completion).update(text=f"{self.sentence} {number}")

    def runs(self, text: Locator) -> None:
        """That a text of this language begins at its own side."""
        side = "rtl" if self.texts == "ar" else "ltr"
        assert text.evaluate("element => getComputedStyle(element).direction") == side

    def holds(self, text: Locator) -> None:
        """That a text or an editor of the project says so to the browser, too."""
        assert text.get_attribute("lang") == self.texts
        self.runs(text)


ENGLISH = Language("en", "en")
OTHERS = [Language(code, code) for code, _ in settings.LANGUAGES if code != "en"] + [Language("de", "ar")]
IN_EVERY_LANGUAGE = pytest.mark.parametrize(
    "language", [ENGLISH, *(pytest.param(one, marks=pytest.mark.slow) for one in OTHERS)], ids=str
)


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@dataclass(frozen=True)
class Hand:
    """Keys alone, or a finger alone."""

    touch: bool

    def __str__(self) -> str:
        return "by-finger" if self.touch else "by-keys"

    @property
    def options(self) -> dict[str, object]:
        """Of a browser's context."""
        return PHONE if self.touch else {}

    def choose(self, element: Locator) -> None:
        element.tap() if self.touch else element.press("Enter")

    def shortcut(self, page: Page, key: str, element: Locator) -> None:
        """The key, or what it stands for."""
        element.tap() if self.touch else page.keyboard.press(key)

    def write(self, field: Locator, text: str) -> None:
        """Into a field where the keyboard has led already."""
        if self.touch:
            field.tap()
        expect(field).to_be_focused()
        field.page.keyboard.insert_text(text)


KEYS, FINGER = Hand(touch=False), Hand(touch=True)
BY_KEYS_AND_BY_FINGER = pytest.mark.parametrize("hand", [KEYS, pytest.param(FINGER, marks=pytest.mark.slow)], ids=str)
