"""What hides people in exported data: pseudonyms, and optional redaction of e-mail addresses, phone numbers, card
numbers and keys in texts.

A pseudonym is a keyed hash whose key never leaves the server. The key is a column of the project (`pseudonym_key`),
not `SECRET_KEY`: rotating the latter must not rename every judge.

Phone numbers by phonenumbers (Google's libphonenumber), keys and tokens by the patterns of
detect-secrets, both maintained. It lowers the risk that a text names somebody; it is not a promise.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

EMAIL = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")
_DIGITS = re.compile(r"\d(?:[ -]?\d){12,18}(?!\d)")
_PHONE_LIKE = re.compile(r"\d[\d\s().\-/]{4,}\d")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_NEWER_KEYS = re.compile(
    r"\b(?:sk-(?:proj|ant|svcacct)-[\w-]{20,}|hf_[A-Za-z0-9]{30,}|AIza[\w-]{35}|github_pat_\w{40,})"
)
_DETECTORS = (
    "aws.AWSKeyDetector", "azure_storage_key.AzureStorageKeyDetector", "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector", "gitlab_token.GitLabTokenDetector", "jwt.JwtTokenDetector",
    "mailchimp.MailchimpDetector", "openai.OpenAIDetector", "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector", "slack.SlackDetector", "square_oauth.SquareOAuthDetector", "stripe.StripeDetector",
    "telegram_token.TelegramBotTokenDetector", "twilio.TwilioKeyDetector",
)  # fmt: skip


@cache
def _keys() -> tuple[re.Pattern[str], ...]:
    from importlib import import_module

    found: list[re.Pattern[str]] = [_PRIVATE_KEY, _NEWER_KEYS]
    for name in _DETECTORS:
        module, detector = name.split(".")
        found += getattr(import_module(f"detect_secrets.plugins.{module}"), detector).denylist
    return tuple(found)


def namer(key: str) -> Callable[[int | None], str | None]:
    """A function from a user's id to the pseudonym within the project of this key."""

    @cache
    def name(user: int | None) -> str | None:
        if user is None:
            return None
        return "p" + hmac.new(bytes.fromhex(key), str(user).encode(), hashlib.sha256).hexdigest()[:20]

    return name


class Redactor:
    """Masks what it finds and counts it. `region` reads phone numbers without a country code."""

    def __init__(self, region: str = "US", counts: Counter[str] | None = None) -> None:
        self._region = region
        self.counts: Counter[str] = Counter() if counts is None else counts

    def __call__(self, text: str) -> str:
        for pattern in _keys():
            text = self._masked(text, ((m.start(), m.end()) for m in pattern.finditer(text)), "KEY")
        if "@" in text:
            text = self._masked(text, ((m.start(), m.end()) for m in EMAIL.finditer(text)), "EMAIL")
        if _PHONE_LIKE.search(text):
            cards = ((m.start(), m.end()) for m in _DIGITS.finditer(text) if luhn(m.group()))
            text = self._masked(text, cards, "CARD")
            import phonenumbers  # large

            phones = ((m.start, m.end) for m in phonenumbers.PhoneNumberMatcher(text, self._region))
            text = self._masked(text, phones, "PHONE")
        return text

    def _masked(self, text: str, spans: Iterator[tuple[int, int]], name: str) -> str:
        parts, at = [], 0
        for start, end in spans:
            parts += [text[at:start], f"[{name}]"]
            at = end
            self.counts[f"redacted {name}"] += 1
        return "".join([*parts, text[at:]]) if parts else text


def luhn(digits: str) -> bool:
    """Whether a card number's check digit is right."""
    numbers = [int(c) for c in digits if c.isdigit()]
    doubled = [sum(divmod(n * 2, 10)) if i % 2 else n for i, n in enumerate(reversed(numbers))]
    return len(set(numbers)) > 1 and sum(doubled) % 10 == 0


def region_of(language: str) -> str:
    """`GB` of `en-GB`; the United States where a tag names no region."""
    return next((part for part in language.split("-")[1:] if len(part) == 2 and part.isalpha()), "US").upper()
