"""Control tokens: strings that a tokenizer reads as a sign of its own, such as the end of a turn. Pure.

A text that holds one forges turns, in a prompt as in a training row. Which ones count: those of the families of models
that many people use, listed here, and those of tokenizers that a caller names. A family's token is listed only where
nobody writes it for another reason: `<s>` is HTML and `<unk>` stands in old corpora, so that these count where a
tokenizer that is named has them, and a `</s>` besides where no `<s>` opened what it would close.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby

from django.utils.translation import gettext, gettext_noop

_ROLES = (
    "system|user|assistant|human|bot|prompter|tool|tools|function|observation|end|eot|eom|eos|bos|bom|sot|sop|eop|eod|"
    "pad|unk|sep|start|message|channel|constrain|return|call|endoftext|startoftext|endofprompt|endofturn|endofmessage|"
    "separator|image|video|audio|python|ipython|think|thinking|document"
)
_FAMILIES = "|".join([
    rf"<\|(?i:{_ROLES})\|>",  # Phi, GPT-OSS, Zephyr, Falcon, GPT-2
    r"<\|(?=[A-Za-z0-9]*_)[A-Za-z0-9_]{6,60}\|>",  # ChatML, Qwen, Llama 3, Command-R, Granite: <|im_end|>
    r"<[\uff5c][^\uff5c<>\n]{1,60}[\uff5c]>",  # DeepSeek
    r"</?(?:start|end)_of_(?:turn|image|audio)>|<bos>|<eos>|<(?:unused|reserved_)\d+>",  # Gemma, Baichuan
    r"<\|(?:turn|channel|tool|tool_call|tool_response)>|<(?:turn|channel|tool|tool_call|tool_response)\|>",  # Gemma 4
    r"\[/?INST\]|<</?SYS>>|\[/?(?:AVAILABLE_TOOLS|TOOL_RESULTS|SYSTEM_PROMPT)\]|\[TOOL_(?:CALLS|CONTENT)\]",  # Mistral
    r"\[\|(?:system|user|assistant|endofturn)\|\]|<(?:BOS|EOS)_TOKEN>|<seed:[a-z_:]{2,30}>",  # EXAONE, Command-R, Seed
    r"<extra_id_\d+>|<SPECIAL_\d+>|\]~b\]|\]~!b\[|\[e~\[",  # T5, Nemotron, MiniMax
])  # fmt: skip
_FAMILY = re.compile(_FAMILIES)
_OPENING, _CLOSING = "<s>", "</s>"
SHORTEST = 3  # characters: a tokenizer that calls a blank or a letter special would have every text refused


class ControlTokens:
    """What is looked for in texts: the families' tokens, and `registered`, those of certain tokenizers."""

    def __init__(self, registered: Iterable[str] = ()) -> None:
        own = {token for token in map(str.strip, registered) if counts(token) and not _FAMILY.fullmatch(token)}
        self._begins = frozenset({"<", "[", "]~", *(token[0] for token in own)})
        self._pattern = re.compile("|".join([_FAMILIES, *_by_prefix(own)]))

    def first(self, text: str) -> str:
        """The first one in the text; empty where there is none."""
        if not any(begin in text for begin in self._begins):
            return ""
        if found := self._pattern.search(text):
            return found[0]
        return _CLOSING if _closes_nothing(text) else ""

    def without_last(self, text: str) -> str:
        """The text less those that it ends with, and the blanks around them: they end an answer and say nothing."""
        if not self.first(text):
            return text
        begins = {found.end(): found.start() for found in self._pattern.finditer(text)}
        if _closes_nothing(text):
            begins |= {found.end(): found.start() for found in re.finditer(_CLOSING, text)}
        end = whole = len(text.rstrip())
        while end in begins:
            end = _less_blanks(text, begins[end])
        return text if end == whole else text[:end]


def _by_prefix(tokens: Iterable[str]) -> Iterator[str]:
    """One expression for all tokens that begin alike: hundreds are not tried one by one at each bracket of a text."""
    longest_first = sorted(tokens, key=lambda token: (token[:2], -len(token), token))
    for prefix, several in groupby(longest_first, key=lambda token: token[:2]):
        yield re.escape(prefix) + "(?:" + "|".join(re.escape(token[2:]) for token in several) + ")"


def counts(token: str) -> bool:
    """Whether a tokenizer's token is looked for: a plain word that it calls special is nobody's mistake."""
    return len(token) >= SHORTEST and not token.isalnum()


def _closes_nothing(text: str) -> bool:
    closing = text.find(_CLOSING)
    return closing >= 0 and not 0 <= text.find("<s") < closing


def _less_blanks(text: str, end: int) -> int:
    while end and text[end - 1].isspace():
        end -= 1
    return end


def refusal(token: str, what: str = gettext_noop("The text")) -> str:
    """Why a text with it is refused, and how to write of it all the same."""
    apart = f"{token[0]} {token[1:]}"
    text = gettext(
        "%(what)s holds %(token)s, a control token: a model would read it as the border of a turn. "
        "To write about it, put a blank into it: %(apart)s."
    )
    return text % {"what": gettext(what), "token": token, "apart": apart}


@lru_cache(maxsize=8)
def control_tokens(registered: frozenset[str]) -> ControlTokens:
    """The same as before for the same tokens: a pattern of hundreds is not made for each text."""
    return ControlTokens(registered)


FAMILIES = ControlTokens()
