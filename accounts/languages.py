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
# What Django's list lacks of the languages that most people write.
MORE = {
    "ak": "Akan", "am": "አማርኛ", "as": "অসমীয়া", "ay": "Aymar aru", "ba": "Башҡортса",
    "bho": "भोजपुरी", "bm": "Bamanankan", "bo": "བོད་སྐད་", "ceb": "Binisaya", "ee": "Eʋegbe",
    "ff": "Fulfulde", "fil": "Filipino", "gn": "Avañe’ẽ", "gu": "ગુજરાતી", "ha": "Hausa",
    "hil": "Ilonggo", "ht": "Kreyòl ayisyen", "ilo": "Ilokano", "jv": "Basa Jawa",
    "kok": "कोंकणी", "ks": "کٲشُر", "ku": "Kurdî", "lg": "Luganda", "ln": "Lingála", "lo": "ລາວ",
    "mad": "Madhurâ", "mai": "मैथिली", "mg": "Malagasy", "mi": "Te reo Māori", "mt": "Malti",
    "ny": "Chichewa", "om": "Afaan Oromoo", "or": "ଓଡ଼ିଆ", "ps": "پښتو", "qu": "Runasimi",
    "rn": "Ikirundi", "rw": "Ikinyarwanda", "sat": "ᱥᱟᱱᱛᱟᱲᱤ", "sd": "سنڌي", "si": "සිංහල",
    "sn": "ChiShona", "so": "Soomaali", "st": "Sesotho", "su": "Basa Sunda", "ti": "ትግርኛ",
    "tn": "Setswana", "ts": "Xitsonga", "wo": "Wolof", "xh": "IsiXhosa", "yi": "ייִדיש",
    "yo": "Yorùbá", "yue": "粵語", "zh": "中文", "zu": "IsiZulu",
}  # fmt: skip
_DJANGO = {
    code: str(found["name_local"]) for code, found in LANG_INFO.items() if "name_local" in found and "-" not in code
}
KNOWN: dict[str, str] = dict(sorted({**MORE, **_DJANGO}.items(), key=lambda item: item[1].casefold()))


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
