"""What holds for the pages of every dialogue: whose they are, and that text is only text."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from labeling import chats
from labeling.models import Dialogue
from labeling.pages import live
from sampler.models import SampleRequest
from tests import makers
from tests.labeling.asking import fresh


@pytest.mark.parametrize("step", ["", "composer/", "turns/", "send/", "stop/", "retry/", "reply/", "suggest/",
                                  "suggestions/", "submit/", "undo/", "discard/", "stream/"])  # fmt: skip
def test_another_persons_dialogue_is_not_there(
    client: Client, chat: Dialogue, bob: User, rita: User, step: str
) -> None:
    for user in (bob, rita):
        client.force_login(user)
        send = client.get if step in ("", "suggestions/", "stream/") else client.post
        assert send(f"/dialogues/{chat.pk}/{step}").status_code == 404
        assert send(f"/dialogues/{uuid4()}/{step}").status_code == 404


def test_hostile_text_shows_as_text_in_every_part_of_a_dialogue(client: Client, demonstration: Dialogue) -> None:
    evil = "<script>alert(1)</script></textarea><img src=x onerror=alert(1)>[x](javascript:alert(1))"
    url = f"/dialogues/{demonstration.pk}/"
    client.post(url + "turns/", {"role": "system", "text": evil})
    client.post(url + "turns/", {"role": "user", "text": evil})
    client.post(url + "suggest/", {"role": "assistant", "text": evil})
    makers.answer(SampleRequest.objects.get(), evil, evil, evil)
    pages = [client.get(url)]
    client.post(url + "turns/", {"role": "assistant", "text": evil})
    pages.append(client.get(url))
    client.post(url + "submit/")
    pages += [client.get(url), client.get("/history/"), client.get("/")]
    for page in pages:
        html = page.content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert 'href="javascript' not in html


def test_only_requests_of_the_dialogue_can_be_followed(chat: Dialogue) -> None:
    request = chats.send_message(dialogue=chat, text="More?")
    assert live.followable(fresh(chat)) == {str(request.pk)}
