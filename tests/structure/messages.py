"""The messages of the pages, and the translations in `locale/`.

    python -m tests.structure.messages

takes the messages out of templates, code and scripts, keeps what is translated already, and writes what is missing as
empty entries into `locale/LANGUAGE/LC_MESSAGES/*.po`, with the compiled `*.mo` beside them. `test_messages.py` fails
while anything is missing. No tool outside of Python is needed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

BASE = Path(__file__).resolve().parents[2]
LOCALE = BASE / "locale"
CALLS = ("gettext", "gettext_lazy", "gettext_noop", "_")
# The errors of labeling/errors.py.
REFUSALS = (
    "Invalid",
    "NotAgreed",
    "NotOffered",
    "Blocked",
    "Gone",
    "Conflict",
    "NeedsConfirmation",
)
KEYWORDS = {**dict.fromkeys([*CALLS, *REFUSALS]), "ngettext": (1, 2), "ngettext_lazy": (1, 2)}
# Pages are in every language; the admin site, the API, imports and commands are in English.
ROOMS = "account|allauth|insights|labeling|managing|mfa|moderation|socialaccount|usersessions"
PAGES = re.compile(rf"^templates/(([^/]+|({ROOMS})/.*)\.html|({ROOMS})/messages/[^/]+\.txt)$")
FOLDERS = (
    "accounts",
    "common",
    "exports/renderings",
    "insights",
    "labeling",
    "managing",
    "moderation",
    "screening",
)
CODE = re.compile(rf"^({'|'.join(FOLDERS)})/.*\.py$")
ENGLISH = re.compile(
    r"/(admin(?!/(project_help|project_form|rules_form))|api|importers|imports|management|migrations)/|/(admin|api)\.py$"
)
SCRIPTS = re.compile(r"^static/js/[^/]+\.js$")
PLACE = re.compile(r"%\([^)]*\)[sdr]|%[sdr]|\{\w+\}")
DATED = re.compile(rb'^"(Project-Id|Report-|POT-|PO-Rev|Last-Tr|Language-Team|Generated-).*\n', re.MULTILINE)
INDENT = re.compile(r"^[ \t]+", re.MULTILINE)  # of a template; as Python it would have to be consistent
Said = str | tuple[str, str]


def messages_of_pages() -> Iterator[tuple[str, int, Said]]:
    """File, line and message of templates and code; a message with forms as (singular, plural)."""
    for path in _files("templates", PAGES):
        code = templatize((BASE / path).read_text(encoding="utf-8"), origin=path)
        yield from _extracted("python", INDENT.sub("", code), path)
    for folder in FOLDERS:
        for path in _files(folder, CODE):
            if not ENGLISH.search(path):
                yield from _extracted("python", (BASE / path).read_text(encoding="utf-8"), path)


def messages_of_scripts() -> Iterator[tuple[str, int, Said]]:
    for path in _files("static/js", SCRIPTS):
        yield from _extracted("javascript", (BASE / path).read_text(encoding="utf-8"), path)


DOMAINS = {"django": messages_of_pages, "djangojs": messages_of_scripts}


def languages() -> list[str]:
    """Those that need a translation."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def po(language: str, domain: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def read(language: str, domain: str) -> Catalog:
    path = po(language, domain)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalog: Catalog) -> bytes:
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def places(text: str) -> list[str]:
    """What is filled in, in a fixed order. Its filters are the language's own: a date is written differently."""
    return sorted(place.partition("|")[0].rstrip(")sdr") for place in PLACE.findall(text.replace("%%", "")))


def problems(message: Message) -> list[str]:
    """What is wrong with one translation, in words."""
    said = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
    words = [
        word or "" for word in (message.string if isinstance(message.string, (tuple, list)) else (message.string,))
    ]
    found = ["fuzzy"] if message.fuzzy else []
    if not all(words):
        return [*found, "not translated"]
    if any(places(form) != places(said[-1]) for form in words):
        found.append("fills in something else")
    if any(("<" in form) != ("<" in said[-1]) or ('"' in form and '"' not in said[-1]) for form in words):
        found.append("holds markup, or a quote that ends an attribute")
    return found


def update(language: str, domain: str) -> Catalog:
    """The catalog of today's messages, with the translations that there are."""
    known, fresh = read(language, domain), _empty(language)
    for path, _, said in DOMAINS[domain]():
        old = known.get(said)
        fresh.add(said, old.string if old else None, locations=[(path, None)])  # type: ignore[list-item]
    return fresh


def written(catalog: Catalog) -> bytes:
    """As a file that changes only where a message does: without dates and addresses."""
    file = io.BytesIO()
    write_po(file, catalog, width=120, include_lineno=False)
    return DATED.sub(b"", file.getvalue())


def _empty(language: str) -> Catalog:
    catalog = Catalog(locale=language, project="Duologue", fuzzy=False, charset="utf-8")
    catalog.header_comment = f"# Duologue in {language}. Written by `python -m tests.structure.messages`."
    return catalog


def _files(folder: str, wanted: re.Pattern[str]) -> Iterable[str]:
    found = (str(path.relative_to(BASE)) for path in sorted((BASE / folder).rglob("*.*")))
    return (path for path in found if wanted.match(path))


def _extracted(how: str, code: str, path: str) -> Iterator[tuple[str, int, Said]]:
    file = io.BytesIO(code.encode())
    options = {"encoding": "utf-8", "parse_template_string": True}
    for line, said, _, _ in extract(how, file, keywords=KEYWORDS, options=options):
        if isinstance(said, tuple):
            yield path, line, (said[0], said[1])
        elif said.strip():
            yield path, line, said


def main() -> None:
    for language in languages():
        for domain in DOMAINS:
            catalog = update(language, domain)
            path = po(language, domain)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written(catalog))
            path.with_suffix(".mo").write_bytes(compiled(catalog))
            missing = sum(bool(problems(message)) for message in catalog if message.id)
            print(f"{path.relative_to(BASE)}: {len(catalog)} messages, {missing} to mend")


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main()
