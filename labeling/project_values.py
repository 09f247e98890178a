"""What a project's settings may hold, as far as a column cannot say it: codes of languages and of money."""

from __future__ import annotations

import re
from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from labeling.errors import Invalid
from labeling.models import Project

# RFC 5646, 2.1: language with its extensions, script, region, variants, extensions of their own, private use; or
# private use alone. Languages of four to eight letters are reserved there and name none.
LANGUAGE_TAG = re.compile(
    r"[a-z]{2,3}(-[a-z]{3}){0,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    r"(-[0-9a-wy-z](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?|x(-[a-z0-9]{1,8})+",
    re.IGNORECASE | re.ASCII,
)
# ISO 4217, without metals and codes of tests.
_CODES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF
    IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD
    MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB
    RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD
    UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())


def language_tag(value: str) -> str:
    """A well-formed BCP 47 tag.

    Raises:
        ValidationError: it is none.
    """
    if not LANGUAGE_TAG.fullmatch(value):
        raise ValidationError(
            gettext("“%(value)s” is not a language tag of BCP 47, such as en, pt-BR or zh-Hant.") % {"value": value}
        )
    return value


def currency(value: str) -> str:
    """The code of a currency, or nothing.

    Raises:
        ValidationError: it is none.
    """
    if value and value not in CURRENCIES:
        raise ValidationError(
            gettext("“%(value)s” is not a currency code of ISO 4217, such as EUR, USD or JPY.") % {"value": value}
        )
    return value


def check(project: Project, *, changed: Collection[str]) -> None:
    """Refuse values that a project cannot hold. What an older version let in stays, until it is changed.

    Raises:
        Invalid: a setting is out of range.
    """
    try:
        if "language" in changed:
            language_tag(project.language)
        if "currency" in changed:
            currency(project.currency)
        project.full_clean()
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from None
