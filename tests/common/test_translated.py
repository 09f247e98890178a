"""Template tags whose messages are looked up once for each language, when a template is compiled."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.conf import settings
from django.template import Context, Engine, TemplateSyntaxError
from django.test import Client
from django.utils import translation

from accounts.models import User
from tests import makers

ENGINE = Engine(builtins=["common.translated"])


def shown(source: str, language: str = "de", **values: object) -> str:
    with translation.override(language):
        return ENGINE.from_string(source).render(Context(values))


@pytest.mark.parametrize(("language", "words"), [("en", "Sign out"), ("de", "Abmelden"), ("es", "Salir")])
def test_a_text_is_in_the_language_of_the_page(language: str, words: str) -> None:
    assert shown("<b>{% translate 'Sign out' %}</b>", language) == f"<b>{words}</b>"


def test_variables_stand_where_the_language_wants_them_and_are_escaped() -> None:
    source = "{% blocktranslate %}Place {{ gap.number }} over place {{ gap.below }}{% endblocktranslate %}"
    assert shown(source, gap={"number": "<i>", "below": 2}) == "Platz &lt;i&gt; über Platz 2"


def test_a_variable_may_have_filters_and_a_text_may_hold_per_cent() -> None:
    source = "{% blocktranslate %}100 % of {{ text|length|add:1 }}{% endblocktranslate %}"
    assert shown(source, text="abc") == "100 % of 4"


@pytest.mark.parametrize(("language", "words"), [("en", "12,345"), ("de", "12.345"), ("es", "12.345")])
def test_whole_numbers_are_written_as_the_language_does(language: str, words: str) -> None:
    counted = (
        "{% blocktranslate count n=many %}{{ n }} of {{ all }}{% plural %}{{ n }} of {{ all }}{% endblocktranslate %}"
    )
    assert shown(counted, language, many=12_345, all="12345") == f"{words} of 12345"
    assert shown("{% blocktranslate %}{{ text|length }} x{% endblocktranslate %}", language, text="x" * 12_345) == (
        f"{words} x"
    )
    assert shown("{{ number|grouped }}", language, number=12_345) == words
    assert shown(
        "{{ one|grouped }} {{ none|grouped }} {{ yes|grouped }}", language, one="1–2 h", none=None, yes=True
    ) == ("1–2 h None True")


@pytest.mark.parametrize(("others", "words"), [(1, "1 Vergleich wartet"), (2, "2 Vergleiche warten")])
def test_the_form_hangs_on_the_number(others: int, words: str) -> None:
    source = (
        "{% blocktranslate count n=others %}{{ n }} comparison waits for a second person. You have already ranked it."
        "{% plural %}{{ n }} comparisons wait for a second person. You have already ranked them.{% endblocktranslate %}"
    )
    assert shown(source, others=others).startswith(words)


def test_lines_are_joined_where_asked() -> None:
    assert shown("{% blocktranslate trimmed %}\n  Sign\n  out\n{% endblocktranslate %}", "en") == "Sign out"


@pytest.mark.parametrize(
    "source",
    [
        "{% translate word %}",
        "{% translate %}",
        "{% blocktranslate with a=b %}x{% endblocktranslate %}",
        "{% blocktranslate %}{% if a %}x{% endif %}{% endblocktranslate %}",
        "{% blocktranslate count n=a %}x{% endblocktranslate %}",
        "{% blocktranslate %}of {{ a|default:_('nobody') }}{% endblocktranslate %}",
    ],
)
def test_what_cannot_be_translated_is_refused_when_it_is_compiled(source: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        shown(source)


def test_nothing_is_looked_up_while_a_page_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with translation.override("de"):
        template = ENGINE.from_string(
            "{% translate 'Sign out' %}{% blocktranslate %}Menu of {{ user }}{% endblocktranslate %}"
        )
        monkeypatch.setattr(translation, "gettext", lambda text: pytest.fail(text))
        assert template.render(Context({"user": "ada"})) == "AbmeldenMenü von ada"


def test_scripts_get_their_messages_in_every_language_but_their_own() -> None:
    assert shown("{% script_messages %}", settings.LANGUAGE_CODE) == ""
    assert '"tie":"Gleichstand"' in shown("{% script_messages %}")


def test_a_page_may_hold_only_what_the_scripts_say_with_which_it_begins() -> None:
    some, all_of_them = shown("{% script_messages ranking %}"), shown("{% script_messages %}")
    assert '"tie":"Gleichstand"' in some
    assert '"Paused":"Pause"' not in some
    assert '"Paused":"Pause"' in all_of_them


@pytest.mark.django_db
def test_the_ranking_page_begins_with_those_whose_messages_it_holds(client: Client, alice: User) -> None:
    task = makers.make_lease(makers.make_comparison(alice.memberships.get().project), alice)
    client.force_login(alice)
    page = client.get(f"/ranking/{task.pk}/", headers={"accept-language": "de"}).content.decode()
    begins = set(re.findall(r"/static/js/(\w+)\.js", page))
    source = (settings.BASE_DIR / "templates/labeling/ranking.html").read_text()
    held = set(str(re.findall(r"script_messages ([\w ]+) %", source)[0]).split())
    assert begins - {"early"} <= held
    assert 'data-part-messages="/session/messages/"' in page
    assert '"Paused":"Pause"' in client.get("/session/messages/", headers={"accept-language": "de"}).content.decode()


@pytest.mark.parametrize(("language", "day"), [("en", "26 Nov 2026"), ("de", "26. Nov 2026"), ("es", "26 Nov 2026")])
def test_a_day_is_written_as_the_language_does(language: str, day: str) -> None:
    assert shown("{{ when|dated:'j M Y' }}", language, when=date(2026, 11, 26)) == day
