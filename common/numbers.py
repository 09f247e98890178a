"""Numbers as the reader of a page writes them; a refusal and a page say the same one alike. No state, no models."""

from __future__ import annotations

from decimal import Decimal

from django.utils import translation

# (thousands, decimals, the digits of a number before it is grouped): as a browser writes them in that language
# (CLDR). Django's own form of Spanish parts thousands by a space, which no script of a page does.
FORMS = {"en": (",", ".", 4), "de": (".", ",", 4), "es": (".", ",", 5)}


def grouped(number: int | Decimal, decimals: int = 0) -> str:
    """In the language in force: 40500 is 40,500 in English and 40.500 in German and Spanish."""
    thousands, point, least = FORMS.get(str(translation.get_language())[:2], FORMS["en"])
    whole, _, rest = f"{number:,.{decimals}f}".partition(".")
    if sum(sign.isdigit() for sign in whole) < least:
        thousands = ""
    return whole.replace(",", thousands) + (point + rest if rest else "")
