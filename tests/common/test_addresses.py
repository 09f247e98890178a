"""`{% url %}` of ours shows what Django's does."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, get_script_prefix, reverse, set_script_prefix


def shown(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


def test_addresses_are_djangos() -> None:
    one, two = uuid4(), uuid4()
    page = Template("{% url 'home' %} {% url 'dialogue' a %} {% url 'edit-turn' a b %} {% url 'guidelines' slug %}")
    for a, b, slug in ((one, two, "some"), (two, one, "other")):
        wanted = [reverse("home"), reverse("dialogue", args=[a]), reverse("edit-turn", args=[a, b])]
        wanted.append(reverse("guidelines", args=[slug]))
        assert page.render(Context({"a": a, "b": b, "slug": slug})).split() == wanted


def test_the_script_prefix_is_that_of_the_request() -> None:
    one, before = uuid4(), get_script_prefix()
    page = Template("{% url 'home' %} {% url 'dialogue' a %}")
    try:
        for prefix in ("/", "/label/", "/"):
            set_script_prefix(prefix)
            assert page.render(Context({"a": one})) == f"{prefix} {prefix}dialogues/{one}/"
    finally:
        set_script_prefix(before)


def test_names_as_and_namespaces_go_djangos_way() -> None:
    one = uuid4()
    assert shown("{% url 'dialogue' pk=a %}", a=one) == reverse("dialogue", args=[one])
    assert shown("{% url 'dialogue' a as there %}[{{ there }}]", a=one) == f"[{reverse('dialogue', args=[one])}]"
    assert shown("{% url 'managing:projects' %}") == reverse("managing:projects")
    assert shown("{% url name %}", name="home") == reverse("home")


@pytest.mark.parametrize("source", ["{% url 'no-such-page' %}", "{% url 'dialogue' %}", "{% url 'dialogue' 7 %}"])
def test_what_is_not_there_is_said(source: str) -> None:
    with pytest.raises(NoReverseMatch):
        shown(source)
