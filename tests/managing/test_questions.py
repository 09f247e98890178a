"""What a manager sees of questions, and the answer."""

from __future__ import annotations

from django.test import Client

from accounts.models import User
from labeling import questions
from labeling.models import Project, Question
from tests import makers

SITE = "/manage/projects/demo/questions/"


def test_the_overview_counts_what_waits_and_the_answer_is_given_with_the_task_in_view(
    client: Client, project: Project, alice: User, mona: User
) -> None:
    comparison = makers.make_comparison(project, k=2, prompt="What is a fjord?")
    lease = makers.make_lease(comparison, alice)
    asked = questions.ask(by=alice, text="Is A allowed to joke?", comparison=comparison)
    client.force_login(mona)
    assert f'<a href="{SITE}">1</a>' in client.get("/manage/projects/demo/").content.decode()
    assert f"{SITE}{asked.name}/" in client.get(SITE).content.decode()
    html = client.get(f"{SITE}{asked.name}/").content.decode()
    first = comparison.texts[lease.order_shown[0]]
    second = comparison.texts[lease.order_shown[1]]
    assert html.index("What is a fjord?") < html.index(first) < html.index(second), "in the order that the asker saw"
    assert client.post(f"{SITE}{asked.name}/", {"text": ""}).status_code == 422
    said = {"text": "A joke is fine.", "for_everybody": "on", "instead_of": ""}
    assert client.post(f"{SITE}{asked.name}/", said).headers["Location"] == SITE
    asked.refresh_from_db()
    assert (asked.answer, asked.for_everybody, asked.answered_by) == ("A joke is fine.", True, mona)
    again = client.post(f"{SITE}{asked.name}/", said | {"text": "Never."})
    assert again.status_code == 422
    assert "Somebody answered" in again.content.decode()
    assert asked.answered_at is not None
    changed = said | {"text": "Never.", "instead_of": asked.answered_at.isoformat()}
    assert client.post(f"{SITE}{asked.name}/", changed).status_code == 302
    assert Question.objects.get().answer == "Never."


def test_a_reviewer_reads_and_does_not_answer(client: Client, project: Project, alice: User, rita: User) -> None:
    asked = questions.ask(by=alice, text="May a poem be ranked?", project=project)
    client.force_login(rita)
    html = client.get(f"{SITE}{asked.name}/").content.decode()
    assert "May a poem be ranked?" in html
    assert "<textarea" not in html
    client.post(f"{SITE}{asked.name}/", {"text": "Yes.", "instead_of": ""})
    assert Question.objects.get().answer == ""


def test_an_answer_on_guidelines_is_for_everybody_unless_unticked_and_one_on_a_review_cannot_be(
    client: Client, project: Project, alice: User, rita: User, mona: User
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    on_guidelines = questions.ask(by=alice, text="May a poem be ranked?", project=project)
    on_review = questions.ask(by=rita, text="Was it read?", ranking=ranking)
    client.force_login(mona)
    assert "checked" in client.get(f"{SITE}{on_guidelines.name}/").content.decode()
    assert "for_everybody" not in client.get(f"{SITE}{on_review.name}/").content.decode()
