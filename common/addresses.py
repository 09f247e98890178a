"""`{% url %}` that looks an address up once, not each time that it is shown.

A page of a dialogue has ninety addresses, and to reverse one takes Django a hundred calls. Here it is reversed at the
first time with other values of the same kinds in it; from then on the values are put where those stood. What this
cannot do goes Django's way: texts among the values, arguments with names, `as`, and names with a namespace.
"""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.template import Library
from django.template.base import FilterExpression, Node, Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as djangos_url
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils.html import conditional_escape

register = Library()


@register.tag
def url(parser: Parser, token: Token) -> Node:
    """As Django's."""
    node = djangos_url(parser, token)
    name = node.view_name.var
    if node.asvar or node.kwargs or node.view_name.filters or not isinstance(name, str) or ":" in name:
        return node
    return _Address(name, node.args, node)


class _Address(Node):
    child_nodelists = ()

    def __init__(self, name: str, values: list[FilterExpression], djangos: URLNode) -> None:
        self.name, self.values, self.djangos = name, values, djangos
        self.forms: dict[tuple[type, ...], str] = {}  # with %s where a value stands

    def render(self, context: Context) -> str:
        values = tuple([value.resolve(context) for value in self.values])
        kinds = tuple(map(type, values))
        form = self.forms.get(kinds)
        if form is None:
            if get_urlconf() not in (None, settings.ROOT_URLCONF) or not {UUID, int}.issuperset(kinds):
                return self.djangos.render(context)
            form = self.forms[kinds] = conditional_escape(_form(self.name, kinds))
        return get_script_prefix() + form % values


def address_of(name: str, *values: UUID | int | str) -> str:
    """As Django's `reverse`, for rows of a list; texts are few, as the slugs of projects."""
    kinds = tuple(map(type, values))
    if {UUID, int}.issuperset(kinds):
        return get_script_prefix() + _form(name, kinds) % values
    return get_script_prefix() + _known(name, values)


@lru_cache(maxsize=4096)
def _known(name: str, values: tuple[UUID | int | str, ...]) -> str:
    return reverse(name, args=values).removeprefix(get_script_prefix())


@lru_cache(maxsize=1024)
def _form(name: str, kinds: tuple[type, ...]) -> str:
    stand_ins = [kind(int=1_987_000_000 + n) if kind is UUID else 1_987_000_000 + n for n, kind in enumerate(kinds)]
    form = reverse(name, args=stand_ins).removeprefix(get_script_prefix()).replace("%", "%%")
    for stand_in in stand_ins:
        form = form.replace(str(stand_in), "%s")
    return form
