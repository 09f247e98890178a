"""The project admin site: setting up through its forms, and what it refuses."""

from __future__ import annotations

import json

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms import BaseForm
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEntry, User
from labeling import projects
from labeling.admin.project_help import HELP
from labeling.models import ImportRun, Project, Prompt
from labeling.tasks import run_import
from tests import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def managing(mona: User, client: Client) -> Client:
    client.force_login(mona)
    return client


def sent_by(form: BaseForm) -> dict[str, object]:
    """What a browser would send back unchanged."""
    sent = {}
    for name in form.fields:
        value = form[name].value()
        if value is None or value is False:
            continue
        sent[name] = "\n".join(value) if name == "flags" else value
    return sent


def test_every_setting_of_a_project_is_explained_in_a_sentence(managing: Client, project: Project) -> None:
    page = managing.get(reverse("admin:labeling_project_change", args=[project.pk]))
    form = page.context["adminform"].form
    assert all(field.help_text for field in form.fields.values())
    shown = {name for name in HELP if name in form.fields}
    editable = {f.name for f in Project._meta.fields if f.editable} - {
        "id", "throwaway", "flags_version", "archived_at", "review_rules", "exam", "split_salt", "slug",
    }  # fmt: skip
    assert editable <= shown | {"task_types", "flags", "criteria", "span_categories", "nightly_configs"}


def test_settings_are_stored_validated_and_audited_by_name(managing: Client, project: Project) -> None:
    address = reverse("admin:labeling_project_change", args=[project.pk])
    sent = sent_by(managing.get(address).context["adminform"].form)
    answer = managing.post(
        address, sent | {"completions_per_comparison": 6, "review_random_share": 0.5, "flags": "one\ntwo"}
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    project.refresh_from_db()
    assert (project.completions_per_comparison, project.flags, project.flags_version) == (6, ["one", "two"], 2)
    assert project.review_rules["random_share"] == 0.5
    assert AuditEntry.objects.filter(action="project.change", object_id=str(project.pk)).exists()
    for wrong in (
        {"completions_per_comparison": 10},
        {"overlap_share": 1.5},
        {"exam_failing": 0.9},
        {"overlap_votes": 1},
    ):
        assert managing.post(address, sent | wrong).status_code == 200
    project.refresh_from_db()
    assert project.completions_per_comparison == 6


def test_a_new_project_opens_with_its_round_and_its_maker_as_manager(
    managing: Client, project: Project, mona: User
) -> None:
    version = project.rounds.get().policies.get().model_version
    answer = managing.post(
        reverse("admin:labeling_project_add"),
        {
            "title": "New", "slug": "new", "task_types": ["chat", "ranking"], "guidelines": "Be kind.",
            "completions_per_comparison": 4, "overlap_share": 0.2, "overlap_votes": 2, "model_versions": [version.pk],
        },
    )  # fmt: skip
    made = Project.objects.get(slug="new")
    assert answer["Location"] == reverse("admin:labeling_project_change", args=[made.pk])
    assert projects.role_of(made, mona) == "manager"
    assert made.rounds.get().policies.get().model_version == version
    assert made.guidelines.get().text == "Be kind."
    page = managing.get(answer["Location"]).content.decode()
    assert "Invite trainers" in page


def test_a_reviewer_sees_projects_and_changes_none(project: Project, rita: User, client: Client) -> None:
    client.force_login(rita)
    address = reverse("admin:labeling_project_change", args=[project.pk])
    assert client.get(address).status_code == 200
    assert client.post(address, {"title": "Mine"}).status_code == 403
    assert client.post(reverse("admin:labeling_project_do", args=[project.pk, "archive"])).status_code == 404
    assert client.get(reverse("admin:labeling_project_add")).status_code == 403
    assert client.get(reverse("admin:labeling_membership_changelist")).status_code == 403


def test_guidelines_become_a_new_version_and_show_what_changed(managing: Client, project: Project) -> None:
    managing.post(
        reverse("admin:labeling_guidelineversion_add"),
        {"project": project.pk, "text": "# Guidelines\n\nBe helpful.\nBe brief.", "note": "Brevity"},
    )
    newest = projects.current_guidelines(project)
    assert newest is not None
    assert newest.number == 2
    page = managing.get(reverse("admin:labeling_guidelineversion_change", args=[newest.pk])).content.decode()
    assert '<span class="dl-diff-added">+Be brief.</span>' in page


def test_a_mixture_that_cannot_sample_is_refused_beside_the_form(managing: Client, project: Project) -> None:
    reward = makers.make_model("judge", role="reward")
    version = project.rounds.get().policies.get().model_version
    sent = {
        "project": project.pk, "note": "", "policies-TOTAL_FORMS": 1, "policies-INITIAL_FORMS": 0,
        "policies-0-model_version": version.pk, "policies-0-weight": 0, "policies-0-params": "{}",
    }  # fmt: skip
    answer = managing.post(reverse("admin:labeling_round_add"), sent)
    assert answer.status_code == 200
    assert "has to be over 0" in answer.content.decode()
    answer = managing.post(reverse("admin:labeling_round_add"), sent | {"policies-0-model_version": reward.pk})
    assert answer.status_code == 200
    assert project.rounds.count() == 1
    answer = managing.post(
        reverse("admin:labeling_round_add"),
        sent | {"policies-0-weight": 2, "policies-0-params": '{"temperature": 0.5}'},
    )
    assert answer.status_code == 302
    opened = projects.current_round(project)
    assert opened is not None
    assert (opened.number, opened.policies.get().params) == (2, {"temperature": 0.5})
    managing.post(reverse("admin:labeling_round_do", args=[opened.pk, "close"]))
    assert projects.current_round(project) is None


def test_members_are_changed_and_ended_through_the_domain(managing: Client, project: Project, alice: User) -> None:
    membership = project.memberships.get(user=alice)
    address = reverse("admin:labeling_membership_change", args=[membership.pk])
    managing.post(address, {"role": "reviewer", "label_weight": "0.5"})
    membership.refresh_from_db()
    assert (membership.role, membership.label_weight) == ("reviewer", 0.5)
    managing.post(reverse("admin:labeling_membership_do", args=[membership.pk, "end"]))
    assert projects.role_of(project, alice) is None


def test_prompts_are_added_many_at_once_and_retired(managing: Client, project: Project) -> None:
    managing.post(reverse("admin:labeling_prompt_add"), {"project": project.pk, "openings": "One?\n---\nTwo\nlines?"})
    assert sorted(str(p) for p in Prompt.objects.all()) == ["One?", "Two\nlines?"]
    managing.post(
        reverse("admin:labeling_prompt_changelist"),
        {"action": "retire", "_selected_action": [str(p.pk) for p in Prompt.objects.all()]},
    )
    assert not Prompt.objects.filter(retired_at__isnull=True).exists()


def test_a_file_is_tried_and_imported_by_upload_with_its_report(managing: Client, project: Project) -> None:
    address = reverse("admin:labeling_project_import", args=[project.pk])
    lines = [json.dumps({"instruction": "Say hello.", "input": "", "output": "Hello."}), "not json"]

    def upload(**more: str) -> str:
        file = SimpleUploadedFile("mine.jsonl", "\n".join(lines).encode())
        answer = managing.post(address, {"file": file, "format": "alpaca", **more})
        assert answer.status_code == 302
        assert "It waits for a worker" in managing.get(answer.headers["Location"]).content.decode()
        run_import(str(ImportRun.objects.latest("created_at").pk))
        return managing.get(answer.headers["Location"]).content.decode()

    assert "nothing was stored" in upload(dry_run="on")
    assert project.dialogues.count() == 0
    done = upload()
    assert project.dialogues.count() == 1
    assert ">2</td>" in done  # the line that was refused


def test_nothing_can_be_deleted_in_the_project_admin(managing: Client, operator: User, project: Project) -> None:
    managing.force_login(operator)
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label in ("labeling", "insights", "moderation"):
            assert not model_admin.has_delete_permission(managing.get("/admin/").wsgi_request)


def test_the_history_names_fields_and_never_text(managing: Client, project: Project) -> None:
    address = reverse("admin:labeling_project_change", args=[project.pk])
    managing.post(
        address, sent_by(managing.get(address).context["adminform"].form) | {"description": "unmistakable words"}
    )
    page = managing.get(reverse("admin:labeling_project_history", args=[project.pk])).content.decode()
    assert "project.change" in page
    assert "unmistakable" not in page


def test_lists_need_the_same_few_queries_for_many_rows(
    managing: Client, project: Project, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        makers.make_ranking(makers.make_comparison(project), alice)
        makers.make_demonstration(project, alice)
    for name in ("ranking", "dialogue", "comparison", "assignment", "membership", "round"):
        with django_assert_max_num_queries(14):
            assert managing.get(reverse(f"admin:labeling_{name}_changelist")).status_code == 200
