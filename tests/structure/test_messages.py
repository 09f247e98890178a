"""Every message of the pages is translated, with what it fills in; nothing is left over, and what runs is compiled."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from django.conf import settings

from tests.structure import messages


def said(catalog: Catalog) -> dict[object, object]:
    """By message; one that hangs on a number has several forms."""

    def plain(text: object) -> object:
        return tuple(text) if isinstance(text, list) else text

    return {plain(message.id): plain(message.string) for message in catalog if message.id}


@pytest.mark.parametrize("language", messages.languages())
@pytest.mark.parametrize("domain", messages.DOMAINS)
def test_every_message_is_translated(language: str, domain: str) -> None:
    kept, today = messages.read(language, domain), messages.update(language, domain)
    assert said(kept).keys() == said(today).keys(), "run `python -m tests.structure.messages`, then translate"
    wrong = {str(one.id): found for one in kept if one.id and (found := messages.problems(one))}
    assert not wrong


@pytest.mark.parametrize("language", messages.languages())
@pytest.mark.parametrize("domain", messages.DOMAINS)
def test_what_runs_is_compiled_from_what_is_read(language: str, domain: str) -> None:
    with messages.po(language, domain).with_suffix(".mo").open("rb") as file:
        runs = read_mo(file)
    assert said(runs) == said(messages.read(language, domain))


@pytest.mark.parametrize(
    ("said", "words", "wrong"),
    [
        ("Saved %s", "Gespeichert %s", []),
        ("Saved %s", "Gespeichert", ["fills in something else"]),
        ("%(n)s of %(all)s", "%(all)s, davon %(n)s", []),
        ("%(n)s of %(all)s", "%(n)s von %(n)s", ["fills in something else"]),
        ('until %(day|date:"j M")s', 'bis %(day|date:"j. M")s', []),
        ("in place {n}", "auf Platz", ["fills in something else"]),
        ("Home", "", ["not translated"]),
        ("Home", "<b>Start</b>", ["holds markup, or a quote that ends an attribute"]),
        ("50 %%", "50 %%", []),
    ],
)
def test_a_translation_that_loses_something_is_found(said: str, words: str, wrong: list[str]) -> None:
    assert messages.problems(Message(said, words)) == wrong


def test_a_fuzzy_translation_is_found() -> None:
    assert messages.problems(Message("Home", "Start", flags=["fuzzy"])) == ["fuzzy"]


def test_german_and_spanish_are_there() -> None:
    assert [code for code, _ in settings.LANGUAGES] == ["en", "de", "es"]


SHOWN = re.compile(r'(?:\.textContent = |"aria-label", |notice\("[a-z]+", |confirm\()([^;]*)')
NOT_SHOWN = re.compile(r'(?:gettext|replace|split|\$|querySelector)\("[^"]*"|\["[^"]*"\]|"(?:good|warn|bad)"')


def unlooked_up(line: str) -> list[str]:
    """Words that a script writes into a page without looking them up."""
    kept = [NOT_SHOWN.sub("", shown) for shown in SHOWN.findall(line)]
    return [words for part in kept for words in re.findall(r'"([^"]*)"', part) if re.search("[a-zA-Z]{2}", words)]


def test_scripts_look_up_what_they_say() -> None:
    scripts = (messages.BASE / "static/js").glob("*.js")
    found = {
        f"{path.name}: {words}"
        for path in scripts
        for line in path.read_text(encoding="utf-8").splitlines()
        for words in unlooked_up(line)
    }
    assert not found
    assert unlooked_up('state.textContent = !text ? "" : same ? gettext("not changed yet") : "edited";') == ["edited"]
