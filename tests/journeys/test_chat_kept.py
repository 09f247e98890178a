"""What is typed in a chat while the model writes, is refused, and outlives a moment without network and a reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import User
from labeling import chats, feedback
from labeling.models import Dialogue, Project
from sampler import claims
from sampler.models import SampleRequest
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.server import wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_a_message_refused_while_the_model_writes_is_kept(visit: Visits, project: Project, alice: User) -> None:
    chat = makers.make_chat(project, alice, turns=6)
    answer = chat.turns.get(position=1)
    feedback.give_feedback(turn=answer, user=alice, thumb_up=True)  # its form is a draft too, and comes first
    asked = chats.send_message(dialogue=chat, text="Tell me about mills.")
    claims.claim(worker="busy", model_version_ids=[asked.model_version_id], room=1)
    page = visit(alice).open(f"/dialogues/{chat.pk}/")
    box = page.locator("#composer-text")
    wait_for(lambda: page.evaluate("scrollY + innerHeight > document.documentElement.scrollHeight - 60"))
    box.fill("And one about a hen.")
    box.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("still writing")
    expect(box).to_be_focused()
    expect(page.get_by_role("alert")).to_be_in_viewport()
    assert page.evaluate("scrollY") > 0, "the page stays where it was"
    page.context.set_offline(True)
    page.context.set_offline(False)
    page.wait_for_timeout(500)
    page.reload()
    expect(box).to_have_value("And one about a hen.")

    page.get_by_role("button", name="Stop").click()
    expect(page.locator("[data-state]")).to_have_text("is stopping…")
    wait_for(lambda: SampleRequest.objects.get(pk=asked.pk).cancel_requested)

    box.fill("x" * 33_000)
    expect(page.locator("[data-count]")).to_have_text("33,000 of at most 40,000 characters")
    box.fill("x" * 40_001)
    box.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("40,001 characters")
    expect(page.locator("[data-count]")).to_have_text("40,001 of at most 40,000 characters")
    expect(box).to_have_value("x" * 40_001)

    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Discard").click()
    wait_for(lambda: Dialogue.objects.get(pk=chat.pk).withdrawn_at is not None)
    page.wait_for_url(lambda address: "/dialogues/" not in address)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes(':dialogue:')).length") == 0
