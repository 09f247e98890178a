"""What a failed request tells to whom: operators read the server's own words, everybody else a plain sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import User
from labeling import candidates, chats, dialogues
from labeling.models import Comparison, Dialogue, Project
from sampler import claims, results
from sampler.models import Completion, SampleRequest
from sampler.models.requests import COULD_NOT_ANSWER
from tests import makers
from tests.api.conftest import api as api
from tests.stand_ins.refusals import SECRET_WORDS

pytestmark = pytest.mark.django_db
SECRETS = ("10.1.2.3", "internal-model-7b-v3", "EngineCore", "stack trace")


def fail(request: SampleRequest, *, retry: bool = False) -> None:
    (row,) = claims.claim(worker="w", model_version_ids=[request.model_version_id], room=9)
    results.fail(
        request_id=row.pk, attempt=row.attempts, reason=f"http://10.1.2.3:8000/v1 {SECRET_WORDS}", retry=retry,
        partial=["half a \x00word"],
    )  # fmt: skip
    request.refresh_from_db()


def hides(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


@pytest.fixture
def reply(project: Project, alice: User) -> SampleRequest:
    chat = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    chats.send_message(dialogue=chat, text="Hello?")
    return SampleRequest.objects.get()


def test_a_trainer_reads_a_plain_sentence_on_the_page_and_over_the_api(
    reply: SampleRequest, alice: User, client: Client, api: Callable[..., APIClient]
) -> None:
    dialogue = Dialogue.objects.get()
    fail(reply)
    client.force_login(alice)
    page = client.get(reverse("dialogue", args=[dialogue.pk])).content.decode()
    assert COULD_NOT_ANSWER in page
    assert hides(page)
    seen = api(alice).get(f"/api/v1/dialogues/{dialogue.pk}/")
    assert seen.data["reply"]["error"] == COULD_NOT_ANSWER
    assert hides(seen.content.decode())


def test_an_operator_reads_the_servers_own_words(reply: SampleRequest, client: Client, operator: User) -> None:
    fail(reply)
    client.force_login(operator)
    page = client.get(reverse("admin:sampler_samplerequest_change", args=[reply.pk])).content.decode()
    assert "internal-model-7b-v3" in page


def test_while_it_is_tried_again_nobody_is_told_of_a_failure(
    reply: SampleRequest, alice: User, api: Callable[..., APIClient]
) -> None:
    fail(reply, retry=True)
    assert reply.state == "queued"
    assert hides(api(alice).get(f"/api/v1/dialogues/{Dialogue.objects.get().pk}/").content.decode())


def test_what_there_was_of_a_text_is_kept_apart_from_answers(reply: SampleRequest) -> None:
    fail(reply, retry=True)
    assert reply.partial == ["half a word"]
    assert not Completion.objects.exists()


def test_a_discarded_comparison_tells_managers_no_words_of_a_server(project: Project, alice: User) -> None:
    chat = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    chats.send_message(dialogue=chat, text="Hello?")
    makers.answer(SampleRequest.objects.get(), "Good morning.")
    chats.store_ended_replies()
    dialogues.submit_dialogue(dialogue=chat)
    comparison = Comparison.objects.get()
    while SampleRequest.objects.filter(state="queued").exists():
        for request in SampleRequest.objects.filter(state="queued"):
            fail(request)
        candidates.settle_sampling()
    comparison.refresh_from_db()
    assert comparison.discard_reason
    assert hides(comparison.discard_reason)
