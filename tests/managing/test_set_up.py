"""Set-up on the manager's site: presets, rounds, guidelines, prompts, settings."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from labeling import given_prompts, invitations, projects
from labeling.models import Invitation, Project, Prompt, Round
from managing.presets import PRESETS
from managing.views.settings import SettingsForm
from tests import makers

NEW = {"title": "Kind answers", "preset": "instructgpt"}
SITE = "/manage/projects/demo/"


@pytest.fixture
def manager(client: Client, mona: User) -> Client:
    client.force_login(mona)
    return client


def settings_of(project: Project) -> dict[str, object]:
    """What the form of the settings holds, as a browser posts it."""
    form = SettingsForm(None, instance=project)
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in values.items() if value is not False and value is not None}


@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_makes_a_project_that_keeps_its_promise(manager: Client, mona: User, preset: str) -> None:
    models = [makers.make_model("parrot"), makers.make_model("lyrebird")]
    said = {**NEW, "preset": preset, "models": [model.pk for model in models], "prompts": "One?\nTwo?"}
    answer = manager.post("/manage/new/", said)
    assert answer["Location"] == "/manage/projects/kind-answers/"
    made = Project.objects.get(slug="kind-answers")
    for name, value in PRESETS[preset].settings.items():
        assert getattr(made, name) == value
    assert projects.role_of(made, mona) == "manager"
    assert {part.model_version for part in made.rounds.get().policies.all()} == set(models)
    assert {prompt.author for prompt in made.prompts.all()} == {None}
    assert made.prompts.count() == 2


def test_an_evaluation_of_one_model_alone_is_refused(manager: Client) -> None:
    models = [makers.make_model("parrot"), makers.make_model("lyrebird")]
    said = {**NEW, "preset": "evaluation"}
    answer = manager.post("/manage/new/", {**said, "models": [models[0].pk]})
    assert answer.status_code == 422
    assert "An evaluation compares two models" in answer.content.decode()
    for chosen in ([], models):
        assert manager.post("/manage/new/", {**said, "models": [one.pk for one in chosen]}).status_code == 302


@pytest.mark.parametrize(("prompts", "stated", "share"), [("One?", "", 0.5), ("One?", "0", 0.0), ("", "", 0.0)])
def test_prompts_of_a_project_without_ranking_are_given_to_trainers(
    manager: Client, alice: User, prompts: str, stated: str, share: float
) -> None:
    said = {**NEW, "preset": "demonstrations", "models": [makers.make_model("parrot").pk], "people": "alice"}
    manager.post("/manage/new/", {**said, "prompts": prompts, "prompted_share": stated})
    made = Project.objects.get(slug="kind-answers")
    assert made.prompted_share == share
    begun = given_prompts.begin(project=made, author=alice, kind="demonstration")
    assert bool(begun.given_turns) == bool(share)


def test_a_title_of_which_nothing_is_seen_is_refused(manager: Client, project: Project) -> None:
    for title in ("\u202e", "\u200b \u2060"):
        answer = manager.post("/manage/new/", {**NEW, "title": title})
        assert (answer.status_code, "Nothing of the title can be seen." in answer.content.decode()) == (422, True)
        answer = manager.post(f"{SITE}settings/", {**settings_of(project), "title": title})
        assert (answer.status_code, "Nothing of the title can be seen." in answer.content.decode()) == (422, True)


def test_what_the_fold_says_goes_before_the_preset(manager: Client) -> None:
    model = makers.make_model("parrot")
    said = {
        **NEW, "models": [model.pk], "completions_per_comparison": "7", "ask_ratings": "no", "temperature": "0.3",
        "slug": "short", "votes_per_comparison": "5", "prompts": "First\nline\n---\nSecond", "own_prompts": "on",
        "guidelines": "# Be kind", "criteria": "honest: 5\nkind", "span_categories": "rude\n\nwrong fact",
        "prompted_share": "0.5",
    }  # fmt: skip
    assert manager.post("/manage/new/", said)["Location"] == "/manage/projects/short/"
    made = Project.objects.get(slug="short")
    assert (made.completions_per_comparison, made.ask_ratings, made.votes_per_comparison) == (7, False, 5)
    assert made.rounds.get().policies.get().params == {"temperature": 0.3}
    assert {p.messages[0]["content"] for p in made.prompts.all()} == {"First\nline", "Second"}
    assert {str(p.author) for p in made.prompts.all()} == {"mona"}
    assert made.guidelines.get().text == "# Be kind"
    assert made.criteria == [{"name": "honest", "steps": 5}, {"name": "kind", "steps": 7}]
    assert (made.span_categories, made.prompted_share) == (["rude", "wrong fact"], 0.5)


def test_a_title_twice_makes_two_short_names_and_a_taken_short_name_is_refused(manager: Client) -> None:
    manager.post("/manage/new/", NEW)
    assert manager.post("/manage/new/", NEW)["Location"] == "/manage/projects/kind-answers-2/"
    answer = manager.post("/manage/new/", {**NEW, "slug": "kind-answers"})
    assert answer.status_code == 422
    assert "already" in answer.content.decode()
    assert Project.objects.filter(title="Kind answers").count() == 2


def test_people_are_joined_or_get_links_that_are_shown_once(manager: Client, alice: User, stranger: User) -> None:
    said = {**NEW, "people": "alice, new@example.org\nsid"}
    page = manager.post("/manage/new/", said, follow=True).content.decode()
    made = Project.objects.get(slug="kind-answers")
    assert projects.role_of(made, alice) == "trainer"
    assert projects.role_of(made, stranger) is None  # nobody learns here who else has an account
    assert "Nobody of your projects is called sid" in page
    assert Invitation.objects.get(project=made).email == "new@example.org"
    assert page.count("/invitations/") >= 1
    assert "/invitations/" not in manager.get("/manage/projects/kind-answers/").content.decode()


def test_a_round_is_opened_by_filled_fields_and_keeps_what_has_no_field(manager: Client, project: Project) -> None:
    first = makers.make_model("one")
    makers.make_model("two")
    projects.open_round(project=project, policies=[(first, 2.0, {"temperature": 0.5, "min_p": 0.1})])
    page = manager.get(f"{SITE}rounds/new/").content.decode()
    assert 'value="0.5"' in page
    said = {"m-one-weight": "2", "m-one-temperature": "0.9", "m-two-weight": "1", "m-two-max_tokens": "64", "note": "x"}
    assert manager.post(f"{SITE}rounds/new/", said)["Location"] == SITE
    opened = Round.objects.get(project=project, closed_at__isnull=True)
    parts = {part.model_version.slug: (part.weight, part.params) for part in opened.policies.all()}
    assert parts == {"one": (2.0, {"temperature": 0.9, "min_p": 0.1}), "two": (1.0, {"max_tokens": 64})}
    assert AuditEntry.objects.filter(action="round.opened", object_id=str(opened.pk)).exists()
    manager.post(f"{SITE}rounds/close/")
    assert projects.current_round(project) is None


@pytest.mark.parametrize("said", [{}, {"m-one-weight": "-1"}, {"m-one-weight": "1", "m-one-top_p": "2"}])
def test_a_round_that_cannot_be_is_refused_in_words(manager: Client, project: Project, said: dict[str, str]) -> None:
    makers.make_model("one")
    before = Round.objects.count()
    assert manager.post(f"{SITE}rounds/new/", {"note": "", **said}).status_code == 422
    assert Round.objects.count() == before


def test_guidelines_are_previewed_as_trainers_read_them_and_only_then_published(
    manager: Client, project: Project
) -> None:
    said = {"text": "# Kind\n\n**Be** kind.", "note": "shorter", "preview": "1"}
    page = manager.post(f"{SITE}guidelines/", said).content.decode()
    assert "<strong>Be</strong>" in page
    assert "dl-diff-removed" in page
    assert project.guidelines.count() == 1
    del said["preview"]
    assert manager.post(f"{SITE}guidelines/", said)["Location"] == SITE
    assert project.guidelines.latest("number").note == "shorter"


def test_prompts_go_in_and_out_of_the_pool(manager: Client, project: Project) -> None:
    assert manager.post(f"{SITE}prompts/", {"prompts": "One?\nTwo?\nOne?"})["Location"] == SITE
    page = manager.post(f"{SITE}prompts/", {"prompts": "Two?\nThree?"}, follow=True).content.decode()
    assert "1 prompt added. 1 was there already." in page
    one = Prompt.objects.get(messages__0__content="One?")
    theirs = projects.add_prompts(
        project=makers.make_project("other"), prompts=[[{"role": "user", "content": "Theirs?"}]]
    )[0]
    manager.post(f"{SITE}prompts/retire/", {"prompt": [one.pk, theirs.pk, "x", "0" * 8 + "-0-0-0-" + "z" * 21]})
    assert Prompt.objects.filter(retired_at__isnull=False).get() == one


def test_every_wrong_line_is_told_and_a_prompt_that_no_model_reads_is_refused(manager: Client) -> None:
    said = {**NEW, "people": "a@\nb@\nc@example.org", "prompts": "Short?\n---\n" + "y" * 100_001}
    refused = manager.post("/manage/new/", said)
    page = refused.content.decode()
    assert refused.status_code == 422
    for sentence in (
        "“a@” is not an e-mail address.",
        "“b@” is not an e-mail address.",
        "Prompt 2 has 100,001 characters",
    ):
        assert sentence in page
    assert "“c@example.org”" not in page


def test_the_last_manager_is_refused_before_she_is_asked(manager: Client, project: Project, mona: User) -> None:
    address = f"{SITE}people/{mona.username}/"
    page = manager.post(address, {"role": "trainer"}, follow=True).content.decode()
    assert "You are the only manager of this project." in page
    projects.set_membership(project=project, user=makers.make_user("second"), role="manager")
    assert "Give up your own role?" in manager.post(address, {"role": "trainer"}).content.decode()
    assert projects.role_of(project, mona) == "manager"


def test_settings_are_changed_one_by_one_and_the_log_names_them(manager: Client, project: Project) -> None:
    page = manager.get(f"{SITE}settings/").content.decode()
    assert "Nobody ranks answers to a prompt that they wrote." in page
    said = settings_of(project)
    answer = manager.post(f"{SITE}settings/", {**said, "max_tokens": "77", "review_fast_seconds": "9"})
    assert answer.status_code == 302, re.findall('class="errors">.*?<', answer.content.decode())
    page = manager.get(answer["Location"]).content.decode()
    unfolded = re.findall(r"<details[^>]* open><summary><h2>(.*?)</h2>", page)
    assert unfolded == ["Project", "How answers are made", "Review"]  # what was saved stays in view
    project.refresh_from_db()
    assert (project.max_tokens, project.review_rules["fast_seconds"]) == (77, 9)
    assert AuditEntry.objects.get(action="project.changed").fields == ["max_tokens", "review_rules"]
    assert manager.post(f"{SITE}settings/", {**said, "max_tokens": "0"}).status_code == 422
    said |= {"max_tokens": "77", "criteria": "honest: 5", "span_categories": "rude", "prompted_share": "1"}
    assert manager.post(f"{SITE}settings/", said).status_code == 302
    project.refresh_from_db()
    assert (project.criteria, project.span_categories) == ([{"name": "honest", "steps": 5}], ["rude"])
    assert project.prompted_share == 1
    refused = manager.post(f"{SITE}settings/", {**said, "criteria": "honest: 9"})
    assert (refused.status_code, "takes 2 to 7 steps" in refused.content.decode()) == (422, True)


def test_a_project_is_archived_and_made_active_again(manager: Client, project: Project) -> None:
    manager.post(f"{SITE}archive/", {"archived": "1"})
    project.refresh_from_db()
    assert project.archived_at is not None
    assert "Make it active again" in manager.get(SITE).content.decode()
    manager.post(f"{SITE}archive/")
    project.refresh_from_db()
    assert project.archived_at is None


def test_a_line_that_was_pasted_twice_is_told_and_counts_once(manager: Client, project: Project) -> None:
    answer = manager.post(f"{SITE}prompts/", {"prompts": "One?\nTwo?\nOne?"}, follow=True)
    assert "2 prompts added. 1 stood there more than once and counts once." in answer.content.decode()
    assert project.prompts.count() == 2


def test_a_round_without_a_weight_is_refused_at_the_field(manager: Client, project: Project) -> None:
    makers.make_model("parrot", default_params={"temperature": 0.4, "max_tokens": 9})
    form = manager.get(f"{SITE}rounds/new/").content.decode()
    assert 'placeholder="0.4"' in form
    assert f'placeholder="{project.max_tokens}"' in form  # it goes before the model's own
    assert 'placeholder="9"' not in form
    answer = manager.post(f"{SITE}rounds/new/", {"m-parrot-weight": "0"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "A round needs a model that answers: give at least one a weight above 0." in page
    assert 'aria-invalid="true"' in page
    assert project.rounds.count() == 1


def test_a_character_that_no_column_holds_and_a_bound_past_its_scale_are_refused_at_their_fields(
    manager: Client, project: Project
) -> None:
    said = settings_of(project)
    for name in ("title", "description", "criteria", "span_categories", "flags"):
        answer = manager.post(f"{SITE}settings/", {**said, name: "rude\x00"})
        assert (answer.status_code, "Null characters are not allowed." in answer.content.decode()) == (422, True), name
    for name in ("people", "prompts", "guidelines", "criteria", "span_categories"):
        assert manager.post("/manage/new/", {**NEW, name: "rude\x00"}).status_code in {302, 422}, name
    for bound, status in (("1.5", 422), ("-1.1", 422), ("1e300", 422), ("-1", 302)):
        assert manager.post(f"{SITE}settings/", {**said, "adaptive_tau_bound": bound}).status_code == status


def test_what_was_done_to_a_member_or_an_invitation_is_said(
    manager: Client, project: Project, alice: User, mona: User
) -> None:
    page = manager.post(f"{SITE}people/alice/", {"role": "reviewer"}, follow=True).content.decode()
    assert "Role of alice now: reviewer." in page
    page = manager.post(f"{SITE}people/alice/", {"role": ""}, follow=True).content.decode()
    assert "alice has no access any more. What they made stays." in page
    invited, _ = invitations.invite(project=project, role="trainer", email="a@example.org", by=mona)
    page = manager.post(f"{SITE}invitations/{invited.pk}/withdraw/", follow=True).content.decode()
    assert "The invitation is withdrawn" in page
