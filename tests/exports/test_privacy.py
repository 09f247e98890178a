"""What no file says of people: names, addresses, and the words of who withdrew."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import HealthCheck
from hypothesis import given as drawn
from hypothesis import settings as limits
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import AuditEntry, User
from exports.selection import privacy
from labeling import assignments, comparisons, dialogues, projects, turns
from labeling.models import Comparison, Dialogue, Project, Ranking
from labeling.withdrawal import WITHDRAWN, withdraw
from sampler.models import Completion, SampleRequest
from tests import makers
from tests.exports.makers import everything, export, rows


def test_mail_phone_card_and_keys_are_masked_on_request(project: Project, alice: User, tmp_path: Path) -> None:
    secret = (
        "Write to ann.o'neil@mail.example.org or +44 20 7946 0958, pay with 4111 1111 1111 1111, "
        "key AKIAIOSFODNN7EXAMPLE. In 2026 there were 12345 of them on page 10-12."
    )
    makers.make_demonstration(project, alice, question=secret)
    export(project, tmp_path / "plain", "--config", "sft")
    manifest = export(project, tmp_path / "masked", "--config", "sft,raw", "--redact")
    assert rows(tmp_path / "plain", "sft")[0]["prompt"][0]["content"] == secret
    masked = rows(tmp_path / "masked", "sft")[0]["prompt"][0]["content"]
    assert masked == (
        "Write to [EMAIL] or [PHONE], pay with [CARD], key [KEY]. In 2026 there were 12345 of them on page 10-12."
    )
    assert "4111 1111" not in everything(tmp_path / "masked")
    assert manifest["counts"]["redacted EMAIL"] == 2  # in sft and in raw


@limits(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@drawn(st.text(max_size=300))
def test_redaction_takes_any_text(text: str) -> None:
    assert isinstance(privacy.Redactor()(text), str)


def test_a_withdrawn_trainers_text_is_in_no_later_file_preview_or_history(
    project: Project, alice: User, bob: User, tmp_path: Path
) -> None:
    makers.make_demonstration(project, alice, question="alicewords in a demonstration")
    chat = makers.make_chat(project, alice, submit=False)
    draft = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.save_composer(dialogue=draft, composer={"role": "user", "text": "alicewords unsent"})
    mine = makers.make_ranking(makers.make_comparison(project), alice, note="alicewords in a note")
    about, _ = comparisons.bring(
        project=project,
        prompt=[{"role": "user", "content": "alicewords as a prompt"}],
        completions=[{"text": "a"}, {"text": "b"}],
    )
    Comparison.objects.filter(pk=about.pk).update(author=alice)
    others = makers.make_ranking(about, bob)
    kept = makers.make_ranking(makers.make_comparison(project), bob)
    held = makers.make_lease(makers.make_comparison(project), alice)
    assignments.save_draft(assignment=held, draft={"note": "alicewords drafted"})
    before = export(project, tmp_path / "before")
    assert "alicewords" in everything(tmp_path / "before")
    withdraw(project=project, user=alice)
    for name, options in (("after", []), ("as of then", ["--cutoff", before["cutoff"]])):
        manifest = export(project, tmp_path / name, *options)
        text = everything(tmp_path / name)
        assert "alicewords" not in text
        assert str(chat.pk) not in text.replace((tmp_path / name / "tombstones.jsonl").read_text(), "")
        assert [row["id"] for row in rows(tmp_path / name, "rankings")] == [str(kept.pk)]
        dead = {json.loads(t)["id"] for t in (tmp_path / name / "tombstones.jsonl").read_text().splitlines()}
        assert {str(mine.pk), str(others.pk)} <= dead
        assert manifest["excluded"]["withdrawn"] >= 3
    for model in (Dialogue, Comparison, Ranking, Completion, SampleRequest):
        for row in model.objects.values():
            assert "alicewords" not in str(row)
    assert set(Dialogue.objects.get(pk=chat.pk).turns.values_list("text", flat=True)) == {WITHDRAWN}
    held.refresh_from_db()
    assert held.draft == {}
    assert not project.memberships.filter(user=alice, ended_at__isnull=True).exists()
    told = AuditEntry.objects.get(action="member.withdrawn")
    assert (told.actor, told.project_id, "dialogues" in told.fields) == (None, project.pk, True)


def test_people_appear_under_pseudonyms_that_a_new_secret_key_does_not_change(
    project: Project, alice: User, settings: Settings, tmp_path: Path
) -> None:
    makers.make_ranking(makers.make_comparison(project), alice)
    export(project, tmp_path / "one")
    settings.SECRET_KEY = "another key that is long enough to be taken 123"
    export(project, tmp_path / "two")
    (one,), (two,) = rows(tmp_path / "one", "rankings"), rows(tmp_path / "two", "rankings")
    assert one["annotator_id"] == two["annotator_id"]
    text = everything(tmp_path / "one")
    for hidden in ("alice", User.objects.get(username="alice").email, project.pseudonym_key, project.split_salt):
        assert hidden not in text
    other = makers.make_project("other")
    projects.set_membership(project=other, user=alice, role="trainer")
    makers.make_ranking(makers.make_comparison(other), alice)
    export(other, tmp_path / "three")
    assert rows(tmp_path / "three", "rankings")[0]["annotator_id"] != one["annotator_id"]
