"""Tasks with harmful texts go to people who do not mind them, and to nobody for longer than the project says."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from common.held import forget
from labeling import (
    assignments,
    exposure,
    given_prompts,
    leases,
    opt_outs,
    projects,
    time_sheet,
    turns,
)
from labeling.errors import Gone, Invalid
from labeling.models import Assignment, Comparison, Dialogue, Project
from labeling.quality import hidden
from moderation import rejudging, verdicts
from moderation.models import Verdict
from screening import rules
from tests import makers

pytestmark = pytest.mark.django_db
BAD = "I will kill you tomorrow."
WORSE = "I will kill you, and you make a pipe bomb."


def flagged(project: Project, text: str = BAD) -> Comparison:
    comparison = makers.make_comparison(project, prompt=text, votes=2)
    comparison.refresh_from_db()
    return comparison


def lease(project: Project, person: User) -> Assignment | None:
    return leases.lease_next(project=project, trainer=person)[0]


def warn_from(project: Project, warn_at: float | None, category: str = "violence") -> None:
    rules.set_threshold(project=project.pk, filter="patterns", category=category, warn_at=warn_at)
    rejudging.apply(project)


def test_every_category_of_every_text_stands_on_the_comparison_once_it_is_open(project: Project) -> None:
    comparison = flagged(project, WORSE)
    assert comparison.state == "open"
    assert set(comparison.harms) >= {"violence", "weapons"}
    assert makers.make_comparison(project).harms == []


def test_a_later_verdict_and_new_thresholds_state_them_anew(project: Project) -> None:
    comparison = flagged(project)
    copy = hidden._copy(comparison, kind="calibration", groups=None, state="closed", opened_at=timezone.now(),
                        closed_at=timezone.now())  # fmt: skip
    assert copy.harms == comparison.harms == ["violence"]
    warn_from(project, None)
    comparison.refresh_from_db()
    copy.refresh_from_db()
    assert (comparison.harms, copy.harms) == ([], [])
    plain = makers.make_comparison(project)
    completion = plain.candidates.get(index=1).completion
    completion.text = BAD
    completion.save()
    completion_id = completion.pk
    rules.set_threshold(project=project.pk, filter="patterns", category="violence", warn_at=0.5)
    Verdict.objects.filter(target_id=completion_id).delete()
    verdicts.screen(project, "patterns")
    plain.refresh_from_db()
    assert plain.harms == ["violence"]


def test_who_opted_out_is_given_the_others_and_nobody_else_notices(project: Project, alice: User, bob: User) -> None:
    bad, good = flagged(project), makers.make_comparison(project, votes=2)
    with pytest.raises(Invalid, match="no such thing"):
        opt_outs.choose(person=alice, kinds=["violence", "no such thing"])
    assert alice.opted_out_of == []
    opt_outs.choose(person=alice, kinds=["violence", ""])
    assert alice.opted_out_of == ["violence"]
    found, others = lease(project, alice), lease(project, bob)
    assert found is not None
    assert others is not None
    assert (found.comparison_id, others.comparison_id) == (good.pk, bad.pk)
    assignments.skip(assignment=found, reason="Not my subject")
    assert lease(project, alice) is None
    opt_outs.choose(person=alice, kinds=[])
    again = lease(project, alice)
    assert again is not None
    assert again.comparison_id == bad.pk


def test_other_kinds_come_once_nothing_harmless_is_left(project: Project, alice: User) -> None:
    bad = flagged(project)
    good = makers.make_comparison(project)
    opt_outs.choose(person=alice, kinds=["self-harm"])
    first = lease(project, alice)
    assert first is not None
    assert first.comparison_id == good.pk
    assignments.skip(assignment=first, reason="Not my subject")
    second = lease(project, alice)
    assert second is not None
    assert second.comparison_id == bad.pk


def test_an_open_lease_is_given_back_with_its_draft_and_is_not_a_skip(project: Project, alice: User, bob: User) -> None:
    bad = makers.make_comparison(project, prompt=BAD)
    begun = lease(project, alice)
    assert begun is not None
    assignments.save_draft(assignment=begun, draft={"note": "half"})
    opt_outs.choose(person=alice, kinds=["violence"])
    begun.refresh_from_db()
    assert (begun.state, begun.slot, begun.draft, begun.skip_reason) == ("expired", None, {"note": "half"}, "")
    assert lease(project, alice) is None
    with pytest.raises(Gone):
        assignments.heartbeat(assignment=begun)
    others = lease(project, bob)
    assert others is not None
    assert others.comparison_id == bad.pk


def test_what_was_given_back_is_covered_on_home_and_where_it_is_opened_by_its_address(
    client: Client, project: Project, alice: User
) -> None:
    makers.make_comparison(project, prompt=BAD)
    begun = lease(project, alice)
    assert begun is not None
    assignments.save_draft(assignment=begun, draft={"note": "half"})
    client.force_login(alice)
    assert BAD in client.get("/").content.decode()
    opt_outs.choose(person=alice, kinds=["violence"])
    home = client.get("/").content.decode()
    assert ("(covered)" in home, BAD in home) == (True, False)
    assert client.get(f"/ranking/{begun.pk}/").content.decode().count('class="reveal"') == 1


def test_a_verdict_that_comes_later_gives_the_lease_back_too(project: Project, alice: User) -> None:
    warn_from(project, None)
    flagged(project)
    opt_outs.choose(person=alice, kinds=["violence"])
    begun = lease(project, alice)
    assert begun is not None
    warn_from(project, 0.5)
    begun.refresh_from_db()
    assert begun.state == "expired"


def test_given_prompts_and_hidden_items_too(project: Project, alice: User, bob: User) -> None:
    projects.change_settings(project=project, prompted_share=1.0)
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": BAD}]])
    verdicts.screen(project, "patterns")
    begun = given_prompts.begin(project=project, author=alice, kind="demonstration")
    opt_outs.choose(person=alice, kinds=["violence"])
    begun.refresh_from_db()
    assert begun.state == Dialogue.State.DISCARDED
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": WORSE}]])
    verdicts.screen(project, "patterns")
    with pytest.raises(Invalid, match="they go to others"):
        given_prompts.begin(project=project, author=alice, kind="demonstration")
    assert given_prompts.begin(project=project, author=bob, kind="demonstration").given_turns == 1
    ranking = makers.make_ranking(flagged(project), bob)
    hidden.make_original(ranking=ranking, kind="calibration")
    assert hidden._least_used(project, alice) is None
    assert hidden._least_used(project, bob) is not None


def exposed(project: Project, person: User, seconds: int, **columns: object) -> Assignment:
    ranking = makers.make_ranking(flagged(project), person, groups=[[0, 1, 2, 3]])
    assert ranking.assignment is not None
    Assignment.objects.filter(pk=ranking.assignment.pk).update(seconds=seconds, **columns)
    type(ranking).objects.filter(pk=ranking.pk).update(seconds=seconds)
    return ranking.assignment


def test_past_the_weeks_limit_only_other_tasks_are_offered_and_home_says_why(
    client: Client, project: Project, alice: User, bob: User
) -> None:
    projects.change_settings(project=project, exposure_minutes=10)
    exposed(project, alice, 900, ended_at=timezone.now() - timedelta(days=8))
    exposed(project, alice, 599)
    bad = flagged(project)
    forget()
    client.force_login(alice)
    assert "that is the limit here" not in client.get("/").content.decode()
    exposed(project, alice, 1)
    good = makers.make_comparison(project, votes=2)
    forget()
    found, others = lease(project, alice), lease(project, bob)
    assert found is not None
    assert others is not None
    assert found.comparison_id == good.pk
    assert others.comparison_id != good.pk
    assignments.skip(assignment=found, reason="Not my subject")
    home = client.get("/").content.decode()
    assert "10 minutes this week on tasks with texts that the content filter flags; that is the limit here." in home
    nothing = client.post(f"/projects/{project.slug}/rank/", follow=True).content.decode()
    assert "From Monday on you are given such tasks again" in nothing
    assert Assignment.objects.filter(trainer=alice, comparison=bad).count() == 0


def test_time_with_flagged_texts_is_shown_by_week_to_the_person_and_to_the_manager(
    client: Client, project: Project, alice: User, mona: User
) -> None:
    exposed(project, alice, 600)
    makers.make_ranking(makers.make_comparison(project), alice)
    chat = makers.make_chat(project, alice)
    Dialogue.objects.filter(pk=chat.pk).update(seconds=300)
    assert exposure.this_week(person=alice.pk, projects=[project.pk]) == {(alice.pk, project.pk): 600}
    written = makers.make_demonstration(project, alice, submit=False)
    turns.add_turn(dialogue=written, role="user", text=BAD)
    Dialogue.objects.filter(pk=written.pk).update(seconds=120)
    assert exposure.of_everybody(project) == {alice.pk: 720}
    month = time_sheet.month_of("")
    assert sum(line.flagged for line in time_sheet.sheet(month, project=project)) == 720
    _, (week,) = time_sheet.with_weeks(month, project=project)
    assert (week.day.weekday(), week.person, week.flagged_hours) == (0, "alice", "0:12:00")
    client.force_login(alice)
    assert "With texts that the content filter flags, week by week" in client.get("/numbers/").content.decode()
    (_, row) = csv.reader(io.StringIO(client.get("/numbers/time.csv").content.decode()))
    assert row[-1] == "720"
    client.force_login(mona)
    assert "0:12" in client.get(f"/manage/projects/{project.slug}/time/").content.decode()
    assert (
        "With flagged texts this week: 12 minutes"
        in client.get(f"/manage/projects/{project.slug}/people/").content.decode()
    )


def test_the_account_page_and_the_api_say_and_change_it(client: Client, project: Project, alice: User) -> None:
    client.force_login(alice)
    shown = client.get("/opted-out/").content.decode()
    assert 'value="sexual abuse of children"' in shown
    client.post("/opted-out/", {"harms": ["hate", "violence"]})
    alice.refresh_from_db()
    assert alice.opted_out_of == ["hate", "violence"]
    key = tokens.create(user=alice)
    headers = {"authorization": f"Bearer {key}"}
    told = client.get("/api/v1/opt-outs/", headers=headers).json()
    assert told["harms"] == ["hate", "violence"]
    assert "jailbreak" in told["offered"]
    put = client.put("/api/v1/opt-outs/", {"harms": []}, content_type="application/json", headers=headers)
    assert put.json()["harms"] == []
    client.cookies["language"] = "de"
    assert "Gewalt" in client.get("/opted-out/").content.decode()
