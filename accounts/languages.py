"""In which languages a person works, as they say on their account page: empty where they said nothing.

Which tasks are offered by it: `labeling/offering.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf.locale import LANG_INFO

from accounts.models import User
from common.held import forget

MOST = 30
OPEN = frozenset({"", "und", "mul", "mis", "zxx"})  # no one language: offered to everybody
KNOWN: dict[str, str] = {
    code: str(found["name_local"])
    for code, found in sorted(LANG_INFO.items(), key=lambda item: str(item[1].get("name_local", "")).casefold())
    if "name_local" in found and "-" not in code
}


def primary(tag: str) -> str:
    """`de` of `de-CH`."""
    return tag.strip().split("-")[0].lower()


def name_of(tag: str) -> str:
    """A language in its own words, else its tag."""
    return KNOWN.get(primary(tag), tag)


def works_in(person: User, tag: str) -> bool:
    """Whether the person works in the language of that BCP 47 tag; everybody does who said nothing."""
    return not person.languages or primary(tag) in OPEN or primary(tag) in map(primary, person.languages)


def set_languages(*, person: User, tags: Iterable[str]) -> None:
    """Those of `tags` that are known, in the order of the list; none: the person works in every one."""
    chosen = {primary(tag) for tag in tags}
    person.languages = [code for code in KNOWN if code in chosen][:MOST]
    person.save(update_fields=["languages"])
    forget()  # tokens, which hold their person
