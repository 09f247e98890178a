"""Messages become the tokens that a model reads, by its tokenizer's own chat template.

Only the tokenizer is needed, and it is passed in. The side that is drawn may also be the user's: then
the template's own user header is left open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jinja2

from common.shapes import Json, Message
from generation import prompts
from generation.prompts import PromptReport
from generation.types import Tokenizer

MARK = "\u241eHERE\u241e"  # stands where the open turn's text would be
PLAIN = (
    "{% for m in messages %}{% if m['content'] %}{{ m['role'].capitalize() }}: {{ m['content'] }}\n\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)  # for models that bring no template


@dataclass(frozen=True)
class Rendered:
    ids: list[int]
    stops: tuple[str, ...]  # strings that end the turn, beside the tokenizer's own end tokens
    report: PromptReport


class ChatTemplate:
    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        system_prompt: str = "",
        system_turn: str = prompts.TEXT,
        context_limit: int | None = None,
        arguments: Mapping[str, Json] | None = None,
    ) -> None:
        """`arguments` are handed to the template, as servers do with `chat_template_kwargs`."""
        self.tokenizer = tokenizer
        self.system_prompt = system_prompt
        self.system_turn = system_turn
        self.context_limit = context_limit
        self.arguments = dict(arguments or {})
        self.plain = not tokenizer.chat_template
        template = tokenizer.chat_template or PLAIN
        self.template_text = template if isinstance(template, str) else str(sorted(template.items()))
        self.template_hash = hashlib.sha256(self.template_text.encode()).hexdigest()

    def render(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        writes: str = "assistant",
        thinking: bool | None = None,
        reserved: int = 0,
    ) -> Rendered:
        """The prompt's tokens, cut to the context limit by the recorded rule, and a report of all that was done.

        `reserved` tokens of the context are kept for reasoning, beside the answer's `max_tokens`.
        """
        if thinking is not None:
            other = self._thinking(thinking)
            return other.render(messages, max_tokens=max_tokens, writes=writes, reserved=reserved)
        spoken = prompts.with_system(messages, self.system_prompt, self.system_turn)
        whole, merged = self._taken(spoken, writes)
        kept, report = prompts.fit(
            whole,
            count=lambda ms: len(self._ids(self._text(ms, writes)[0])),
            limit=None if self.context_limit is None else max(64, self.context_limit - reserved),
            max_tokens=max_tokens,
        )
        text, stops = self._text(kept, writes)
        way = "plain text" if self.plain else "chat template"
        ids = self._ids(text)
        report["prompt_hash"], report["prompt_ids_hash"] = prompts.text_hash(text), prompts.ids_hash(ids)
        report["template_hash"] = self.template_hash
        prompts.tell_system(report, spoken, merged=whole if merged else None)
        report["writes"] = writes
        report["way"] = f"{way}, open user header" if writes == "user" else way
        return Rendered(ids, stops, report)

    def _taken(self, messages: list[Message], writes: str) -> tuple[list[Message], bool]:
        """The messages in a form that the template takes, and whether the system turn had to be merged for that."""
        try:
            self._text(messages, writes)
            return messages, False
        except jinja2.TemplateError:
            return prompts.without_system(messages), True

    def _thinking(self, thinking: bool) -> ChatTemplate:
        return ChatTemplate(
            self.tokenizer, system_prompt=self.system_prompt, system_turn=self.system_turn,
            context_limit=self.context_limit, arguments={**self.arguments, "enable_thinking": thinking},
        )  # fmt: skip

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=self.plain)["input_ids"])

    def _text(self, messages: Sequence[Message], writes: str) -> tuple[str, tuple[str, ...]]:
        if writes != "user":
            stops = ("\n\nUser:",) if self.plain else ()
            return self._apply(messages, generate=True), stops
        text = self._apply([*messages, Message(role="user", content=MARK)], generate=False)
        head, _, tail = text.rpartition(MARK)
        if self.plain:
            return head.rstrip(" "), ("\n\nAssistant:",)
        ending = tail.strip()
        return head, (ending,) if ending else ("\n\n",)

    def _apply(self, messages: Sequence[Message], *, generate: bool) -> str:
        template = PLAIN if self.plain else None
        return self.tokenizer.apply_chat_template(
            list(messages), chat_template=template, tokenize=False, add_generation_prompt=generate, **self.arguments
        )
