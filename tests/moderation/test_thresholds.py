"""Thresholds by category: a preview first, then a new version, under which verdicts on record are judged anew by their
stored scores, without the filter."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from labeling import comparisons
from labeling.models import Comparison, Project
from moderation import rejudging, tasks
from moderation.models import Threshold, Verdict
from sampler.models import Completion
from screening import rules
from screening.filters import patterns

pytestmark = pytest.mark.django_db
BAD = "I will kill you tomorrow."
ANSWERS = [{"text": BAD}, {"text": "I will rest."}]


@pytest.fixture
def compared(project: Project) -> Comparison:
    question = [{"role": "user", "content": "What will you do?"}]
    made, _ = comparisons.bring(project=project, prompt=question, completions=ANSWERS)
    return made


def form(project: Project, **changed: str) -> dict[str, str]:
    """What the page would send, with some fields changed (`violence_block="0.8"`)."""
    sent = {}
    for category, (warn_at, block_at) in rules.thresholds(project.pk, "patterns").items():
        for name, limit in (("warn", warn_at), ("block", block_at)):
            key = f"{category}_{name}"
            sent[f"patterns:{category}:{name}"] = changed.get(key, "" if limit is None else f"{limit:g}")
    return sent


def test_a_preview_says_what_would_have_happened_and_changes_nothing(
    client: Client, project: Project, mona: User, compared: Comparison
) -> None:
    client.force_login(mona)
    address = f"/projects/{project.slug}/content/thresholds/"
    sent = form(project, violence_block="0.8")
    page = client.post(address, {**sent, "do": "try"}).content.decode()
    assert "1 → <strong>0</strong>" in page  # not warned of any more
    assert "0 → <strong>1</strong>" in page  # but blocked
    assert BAD in page
    assert 'name="patterns:violence:block" value="0.8"' in page
    assert not Threshold.objects.exists()
    assert set(Verdict.objects.values_list("action", flat=True)) == {"warn", "none"}


def test_a_change_judges_old_verdicts_by_their_stored_scores_without_the_filter(
    client: Client, project: Project, mona: User, compared: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(mona)
    sent = form(project, violence_block="0.8")
    answer = client.post(f"/projects/{project.slug}/content/thresholds/", {**sent, "do": "set"}, follow=True)
    assert "The new thresholds count from now on." in answer.content.decode()
    assert "Texts are being judged anew" in answer.content.decode()
    (made,) = Threshold.objects.all()  # only what changed is a new version
    assert (made.category, made.block_at, made.applied_at) == ("violence", 0.8, None)
    assert AuditEntry.objects.get(action="moderation.thresholds").fields == ["patterns: violence"]

    def never(texts: object) -> list[dict[str, float]]:
        raise AssertionError("the filter was asked")

    monkeypatch.setattr(patterns.FILTER, "score", never)
    assert rejudging.apply(project) == 1
    blocked = Verdict.objects.get(action="block")
    assert blocked.rejudged_at is not None
    assert blocked.earlier[0]["action"] == "warn"
    compared.refresh_from_db()
    assert compared.state == "discarded"
    assert Completion.objects.get(pk=blocked.target_id).withheld == "blocked"
    made.refresh_from_db()
    assert made.applied_at is None  # a verdict by the old ones may still come in
    Threshold.objects.update(created_at=timezone.now() - rejudging.SETTLED)
    assert rejudging.apply(project) == 0
    made.refresh_from_db()
    assert made.applied_at is not None


def test_a_category_that_is_switched_off_frees_its_texts(project: Project, compared: Comparison) -> None:
    for warn_at, block_at in ((0.3, 0.8), (None, None)):
        rules.set_threshold(
            project=project.pk, filter="patterns", category="violence", warn_at=warn_at, block_at=block_at
        )
        tasks.screen()
    verdict = Verdict.objects.get(rejudged_at__isnull=False)
    assert (verdict.action, verdict.category) == ("none", "")
    assert [one["action"] for one in verdict.earlier] == ["warn", "block"]
    assert Completion.objects.get(pk=verdict.target_id).withheld == ""


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"violence_block": "0.1"}, "Blocking begins at or above the warning."),
        ({"violence_warn": "7"}, "A threshold is a number from 0 to 1, or empty."),
        ({"violence_warn": "much"}, "A threshold is a number from 0 to 1, or empty."),
    ],
)
def test_a_wrong_number_is_refused_with_what_was_typed_still_there(
    client: Client, project: Project, mona: User, changed: dict[str, str], words: str
) -> None:
    client.force_login(mona)
    sent = form(project, **changed)
    answer = client.post(f"/projects/{project.slug}/content/thresholds/", {**sent, "do": "set"})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Threshold.objects.exists()


def test_nothing_changed_makes_no_version(client: Client, project: Project, mona: User) -> None:
    client.force_login(mona)
    answer = client.post(f"/projects/{project.slug}/content/thresholds/", {**form(project), "do": "set"}, follow=True)
    assert "Nothing was changed." in answer.content.decode()
    assert not Threshold.objects.exists()
