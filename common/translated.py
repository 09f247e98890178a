"""Pages in several languages that look nothing up: `{% translate %}` and `{% blocktranslate %}` are resolved when a
template is compiled, once for each language, and what a page renders is plain text and variables.

Looking up each message for each page took a fifth of a page's time. The tags and their messages are Django's own
(django/templatetags/i18n.py), so `makemessages` finds them; in a message, a variable may have filters.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from functools import lru_cache

from django.conf import settings
from django.template import Library, Node, TemplateSyntaxError, Variable
from django.template.base import (
    NodeList,
    Origin,
    Parser,
    TextNode,
    Token,
    TokenType,
    VariableNode,
    render_value_in_context,
)
from django.template.context import Context
from django.template.loaders import cached
from django.utils import dateformat, translation
from django.utils.html import format_html_join, json_script
from django.utils.translation import gettext_noop
from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JavaScriptCatalog

from common import numbers

register = Library()
INDENTATION = re.compile(r"\n\s+")
OURS = re.escape(f"{settings.BASE_DIR}/templates/") + r".*\.html$"
PLACE = re.compile(r"%\(([^)]*)\)s")
SCRIPTS = settings.BASE_DIR / "static" / "js"


class PerLanguage(cached.Loader):
    """Django's cached loader with a compiled template for each language."""

    def cache_key(self, template_name: str, skip: list[Origin] | None = None) -> str:
        return f"{translation.get_language()} {super().cache_key(template_name, skip)}"

    def get_contents(self, origin: Origin) -> str:
        """Pages of ours without the indentation of their source, which is a kilobyte of a page of work."""
        contents = str(super().get_contents(origin))
        return INDENTATION.sub("\n", contents) if re.match(OURS, str(origin.name)) else contents


@register.tag("translate")
def do_translate(parser: Parser, token: Token) -> TextNode:
    """`{% translate "Words as they stand" %}`."""
    _, *rest = token.split_contents()
    literal = Variable(rest[0]).literal if len(rest) == 1 and rest[0][:1] in "'\"" else None
    if not isinstance(literal, str):
        raise TemplateSyntaxError("'translate' takes one text in quotes; a text with variables is a 'blocktranslate'.")
    return TextNode(_unescaped(translation.gettext(_escaped(literal))))


@register.tag("blocktranslate")
def do_blocktranslate(parser: Parser, token: Token) -> Node:
    """`{% blocktranslate [trimmed] [count n=VALUE] %}A text, {{ variables }}{% plural %}…{% endblocktranslate %}`."""
    _, *options = token.split_contents()
    trimmed = "trimmed" in options
    counts = [option.partition("=")[2] for option in options if option.startswith("n=")]
    if [option for option in options if option not in ("trimmed", "count")] != [f"n={value}" for value in counts]:
        raise TemplateSyntaxError("'blocktranslate' takes 'trimmed' and 'count n=VALUE'.")
    singular, end = _message(parser, trimmed)
    if not counts:
        return _Text(_nodes(parser, translation.gettext(singular)))
    if end != "plural":
        raise TemplateSyntaxError("A 'blocktranslate' with a count has a {% plural %} part.")
    plural, _ = _message(parser, trimmed)
    return _Counted(parser, singular, plural, counts[0])


@register.filter
def translated(text: object) -> str:
    """A text that is a value, as a reason in a list: looked up as the page is made."""
    return _known(translation.get_language(), str(text)) if text else ""


@register.filter
def grouped(number: object) -> object:
    """A count that stands by itself, as the page's language writes it; within a `blocktranslate` it is written so
    anyway. What is no whole number stays as it is."""
    return numbers.grouped(number) if type(number) is int else number


FORMS = (gettext_noop("j M Y"), gettext_noop("j M Y, H:i"), gettext_noop("j M, H:i"), gettext_noop("D, j M"))


@register.filter(expects_localtime=True)
def dated(value: date | datetime | None, form: str) -> str:
    """As Django's `date`, in the order and with the points of the page's language; `form` is one of FORMS."""
    return dateformat.format(value, _known(translation.get_language(), form)) if value else ""


@lru_cache(maxsize=4096)
def _known(language: str | None, text: str) -> str:
    return translation.gettext(text)


@register.simple_tag
def page_language() -> str:
    return str(translation.get_language())


@register.tag
def language_buttons(parser: Parser, token: Token) -> TextNode:
    """Of a form that chooses the language: each button in its own."""
    button = '<button name="language" value="{0}" lang="{0}" aria-pressed="{1}">{2}</button>'
    current = translation.get_language()
    languages = ((code, "true" if code == current else "false", name) for code, name in settings.LANGUAGES)
    return TextNode(format_html_join("\n", button, languages))


@register.tag
def script_messages(parser: Parser, token: Token) -> TextNode:
    """What scripts say, for `gettext` of js/early.js; in English they know it themselves. With names of scripts: only
    what these say, on a page that asks for the rest when it needs it (js/page.js)."""
    _, *scripts = token.split_contents()
    language = str(translation.get_language())
    if language == settings.LANGUAGE_CODE:
        return TextNode("")
    catalog = JavaScriptCatalog()
    catalog.translation = DjangoTranslation(language, "djangojs", [str(path) for path in settings.LOCALE_PATHS])
    sources = "".join((SCRIPTS / f"{name}.js").read_text(encoding="utf-8") for name in scripts)
    said = catalog.get_catalog().items()
    chosen = {text: words for text, words in said if not scripts or f'gettext("{text}")' in sources}
    return TextNode(json_script(chosen, "some-messages" if scripts else "messages", encoder=_Short))


class _Short(json.JSONEncoder):
    """Without spaces, and letters as they are."""

    def encode(self, o: object) -> str:
        return json.dumps(o, ensure_ascii=False, separators=(",", ":"))


class _Text(Node):
    child_nodelists = ("nodelist",)

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        return self.nodelist.render(context)


class _Value(VariableNode):
    """What is filled into a sentence: whole numbers as its language writes them."""

    def render(self, context: Context) -> str:
        value = self.filter_expression.resolve(context)
        return numbers.grouped(value) if value.__class__ is int else str(render_value_in_context(value, context))


class _Counted(Node):
    """A text whose form hangs on a number; every form is compiled when it is first met."""

    def __init__(self, parser: Parser, singular: str, plural: str, count: str) -> None:
        self.parser, self.singular, self.plural = parser, singular, plural
        self.count = parser.compile_filter(count)
        self.forms: dict[str, NodeList] = {}

    def render(self, context: Context) -> str:
        n = self.count.resolve(context)
        text = translation.ngettext(self.singular, self.plural, n)
        if text not in self.forms:
            self.forms[text] = _nodes(self.parser, text)
        with context.push(n=n):
            return self.forms[text].render(context)


def _message(parser: Parser, trimmed: bool) -> tuple[str, str]:
    """The message up to the next block tag, as `makemessages` writes it, and that tag."""
    parts = []
    while parser.tokens:
        token = parser.next_token()
        if token.token_type == TokenType.TEXT:
            parts.append(_escaped(token.contents))
        elif token.token_type == TokenType.VAR:
            if ")" in token.contents:  # as in default:_("nobody"), which a message cannot hold
                raise TemplateSyntaxError(f"A variable of a 'blocktranslate' holds no bracket: {token.contents!r}.")
            parts.append(f"%({token.contents})s")
        else:
            break
    if token.contents not in ("plural", "endblocktranslate"):
        raise TemplateSyntaxError(f"'blocktranslate' holds texts and variables only, and no {token.contents!r}.")
    text = "".join(parts)
    return (translation.trim_whitespace(text) if trimmed else text), token.contents


def _nodes(parser: Parser, text: str) -> NodeList:
    """Texts and variables of a translated message."""
    pieces = PLACE.split(text)
    nodes = NodeList()
    for place, piece in enumerate(pieces):
        if place % 2:
            nodes.append(_Value(parser.compile_filter(piece)))
        elif piece:
            nodes.append(TextNode(_unescaped(piece)))
    return nodes


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _unescaped(text: str) -> str:
    return text.replace("%%", "%")
