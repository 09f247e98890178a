"""Writes on projects: guidelines, members, prompts, rounds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.audit import record
from common.held import forget
from labeling import project_values, prompt_lengths, telling
from labeling.control_tokens import refuse_in_any
from labeling.errors import Invalid, within
from labeling.models import Comparison, Dialogue, GuidelineVersion, Membership, Project, Prompt, Round, RoundPolicy
from labeling.text import check_messages, content_hash, prompt_key, split_of
from sampler import remote
from sampler.models import ModelVersion
from sampler.params import SamplingParams

if TYPE_CHECKING:
    from accounts.models import User


WITHDRAWN_PROMPT = "withdrawn:"  # begins the hash of a prompt whose text is gone


@transaction.atomic
def create_project(
    *, slug: str, title: str, guidelines: str = "", by: User | None = None, **settings: object
) -> Project:
    """Create a project with version 1 of its guidelines.

    Raises:
        Invalid: a setting is out of range or the slug is taken.
    """
    project = Project(slug=slug, title=title, **settings)
    project_values.check(project, changed=settings)
    project.save(force_insert=True)
    if guidelines:
        publish_guidelines(project=project, text=guidelines, note="First version", by=by)
    return project


@transaction.atomic
def change_settings(*, project: Project, **settings: object) -> Project:
    """Change settings of a project; new flags count up the version that labels store.

    Raises:
        Invalid: a setting is out of range, or none of a project's.
    """
    known = {field.name for field in Project._meta.concrete_fields if field.editable} - {"slug", "flags_version"}
    if unknown := set(settings) - known:
        raise Invalid("%(one)s cannot be changed.", one=sorted(unknown)[0])
    locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if "flags" in settings and settings["flags"] != locked.flags:
        settings["flags_version"] = locked.flags_version + 1
    changed = {name for name, value in settings.items() if value != getattr(locked, name)}
    for name, value in settings.items():
        setattr(locked, name, value)
    project_values.check(locked, changed=changed)
    locked.save(update_fields=list(settings))
    for name in settings:
        setattr(project, name, getattr(locked, name))
    return locked


@transaction.atomic
def set_archived(*, project: Project, archived: bool, by: User | None = None) -> None:
    """An archived project gives nobody work and leaves the nightly export; its data stays."""
    if by is not None:
        action = "project.archived" if archived else "project.unarchived"
        record(actor=by, action=action, obj=project, project_id=project.pk)
    project.archived_at = timezone.now() if archived else None
    Project.objects.filter(pk=project.pk).update(archived_at=project.archived_at)


@transaction.atomic
def publish_guidelines(*, project: Project, text: str, note: str = "", by: User | None = None) -> GuidelineVersion:
    """Make `text` the guidelines in force: the next version, or the current one where nothing changed."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    current = current_guidelines(project)
    text = text.replace("\r\n", "\n")
    if current and current.text == text:
        return current
    forget()  # that somebody knows the newest
    made = GuidelineVersion.objects.create(
        project=project, number=current.number + 1 if current else 1, text=text, note=note, created_by=by
    )
    if current:
        telling.published(made, by=by)
    return made


def current_guidelines(project: Project) -> GuidelineVersion | None:
    return GuidelineVersion.objects.filter(project=project).order_by("-number").first()


def role_of(project: Project, user: User) -> str | None:
    """The user's role in the project, or None for a stranger."""
    return (
        Membership.objects.filter(project=project, user=user, ended_at__isnull=True)
        .values_list("role", flat=True)
        .first()
    )


@transaction.atomic
def set_membership(*, project: Project, user: User, role: str, by: User | None = None, tell: bool = True) -> Membership:
    """Give `user` this role, also to somebody who had left. Who becomes a member by somebody else is told, unless
    `tell` says that they know.

    Raises:
        Invalid: there is no such role, or the last manager would take her own.
    """
    if role not in Membership.Role.values:
        raise Invalid(
            "%(role)s is not a role; it takes %(choices)s.", role=repr(role), choices=", ".join(Membership.Role.values)
        )
    lock_members(project)
    if role != Membership.Role.MANAGER:
        _keep_a_manager(project, user, by)
    joins = tell and role_of(project, user) is None
    membership, _ = Membership.objects.update_or_create(
        project=project, user=user, defaults={"role": role, "ended_at": None}
    )
    if joins:
        telling.added(membership, by=by)
    forget()
    record(actor=by, action=f"role.{role}", obj=membership, fields=["role"])
    return membership


def lock_members(project: Project) -> None:
    """Who reads a role to decide which to give, waits for whoever gives one now."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)


@transaction.atomic
def end_membership(*, project: Project, user: User, by: User | None = None) -> int:
    """Take the role away; what was labelled stays.

    Raises:
        Invalid: the last manager would take her own.
    """
    _keep_a_manager(project, user, by)
    ended = Membership.objects.filter(project=project, user=user, ended_at__isnull=True)
    for membership in ended.select_for_update(of=("self",)):
        record(actor=by, action="role.ended", obj=membership, fields=["ended_at"])
    forget()
    return ended.update(ended_at=timezone.now())


def _keep_a_manager(project: Project, user: User, by: User | None) -> None:
    """Nobody locks herself out: the last manager names another one first. Two who leave at once wait for each other."""
    if by is None or by.pk != user.pk:
        return
    lock_members(project)
    if is_last_manager(project, user):
        raise Invalid("You are the only manager of this project. Make somebody else a manager first.")


def is_last_manager(project: Project, user: User) -> bool:
    """Whether this person alone manages the project."""
    managers = Membership.objects.filter(
        project=project, role=Membership.Role.MANAGER, ended_at__isnull=True, user__is_active=True
    )
    return set(managers.values_list("user_id", flat=True)) == {user.pk}


def withdraw_member(*, project: Project, user: User) -> Membership:
    """Date the person's withdrawal from the project, which ends the membership; earlier dates stay, but of a withdrawal
    after which they had come back."""
    now = timezone.now()
    membership, _ = Membership.objects.get_or_create(project=project, user=user)
    membership = Membership.objects.select_for_update(of=("self",), no_key=True).get(pk=membership.pk)
    Membership.objects.filter(pk=membership.pk).update(
        withdrawn_at=membership.withdrawn_at if membership.is_away else now,
        returned_at=None,
        ended_at=membership.ended_at or now,
    )
    forget()
    return membership


@transaction.atomic
def count_again(*, project: Project, user: User) -> None:
    """Somebody who withdrew agrees that what they write from now on counts; a second time changes nothing.

    Raises:
        Invalid: they are not a member, or have not withdrawn.
    """
    rows = Membership.objects.filter(project=project, user=user, ended_at__isnull=True, withdrawn_at__isnull=False)
    membership = rows.order_by("pk").select_for_update(of=("self",), no_key=True).first()
    if membership is None:
        raise Invalid("You have withdrawn nothing from this project.")
    if membership.is_away:
        membership.returned_at = timezone.now()
        membership.save(update_fields=["returned_at"])
        record(actor=user, action="member.returned", obj=membership, fields=["returned_at"])


@transaction.atomic
def add_prompts(
    *,
    project: Project,
    prompts: Iterable[Sequence[Mapping[str, object]]],
    source: str = "",
    author: User | None = None,
    paraphrases: str = "",
) -> list[Prompt]:
    """Add openings to the project's pool; one that is there already is not added again. `paraphrases` names the
    question that all of these ask in different words.

    Raises:
        Invalid: one is not a prompt, holds a control token, or is longer than the models of the open round read.
    """
    all_checked = []
    room = prompt_lengths.room_of(project)
    for number, messages in enumerate(prompts):
        with within(f"prompts.{number}"):
            all_checked.append(check_messages(messages, last="user"))
            prompt_lengths.check(room, all_checked[-1])
    refuse_in_any(
        (f"prompts.{number}.{place}.content", f"Prompt {number + 1}", message["content"])
        for number, messages in enumerate(all_checked)
        for place, message in enumerate(messages)
    )
    rows = []
    for checked in all_checked:
        rows.append(
            Prompt(
                project=project,
                messages=checked,
                source=source,
                author=author,
                paraphrases=paraphrases,
                content_hash=content_hash(checked),
                prompt_key=prompt_key(checked),
            )
        )
    Prompt.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    return list(Prompt.objects.filter(project=project, content_hash__in=[row.content_hash for row in rows]))


def retire_prompts(*, prompts: Iterable[Prompt]) -> int:
    """Take prompts out of the pool; what was made from them stays. Returns how many were in it."""
    ids = [prompt.pk for prompt in prompts]
    return Prompt.objects.filter(pk__in=ids, retired_at__isnull=True).update(retired_at=timezone.now())


def empty_prompts(*, project: Project, author: User, text: str) -> int:
    """Withdrawal: `text` in the place of the person's prompts, which leave the pool."""
    prompts = Prompt.objects.filter(project=project, author=author)
    for prompt in prompts:
        Prompt.objects.filter(pk=prompt.pk).update(
            messages=[{"role": "user", "content": text}],
            source="",
            content_hash=f"{WITHDRAWN_PROMPT}{prompt.pk}"[:64],
            retired_at=prompt.retired_at or timezone.now(),
        )
    return len(prompts)


def set_label_weight(*, membership: Membership, weight: float) -> None:
    """How far we trust this person's labels from now on; exported with each of them.

    Raises:
        Invalid: not from 0 to 1.
    """
    if not 0 <= weight <= 1:
        raise Invalid("A weight is a number from 0 to 1.")
    Membership.objects.filter(pk=membership.pk).update(label_weight=weight)


def current_round(project: Project) -> Round | None:
    return Round.objects.filter(project=project, closed_at__isnull=True).first()


def check_mixture(policies: Sequence[tuple[ModelVersion, float, Mapping[str, object]]]) -> None:
    """Raises Invalid where a round could not sample from these."""
    if not policies:
        raise Invalid("A round needs a model that answers: give at least one a weight above 0.")
    if len({version.pk for version, _, _ in policies}) != len(policies):
        raise Invalid("A model version stands twice in the mixture.")
    for version, weight, params in policies:
        if version.role != ModelVersion.Role.POLICY:
            raise Invalid("%(slug)s is a reward model: it writes no text.", slug=version.slug)
        if version.state == ModelVersion.State.RETIRED:
            raise Invalid("%(slug)s is retired.", slug=version.slug)
        if not weight > 0:
            raise Invalid("The weight of %(slug)s has to be over 0.", slug=version.slug)
        try:
            SamplingParams.from_dict({**version.default_params, **params})
            if version.engine == "openai":
                remote.check_params(version.capabilities, version.dialect, params)
        except ValueError as error:
            raise Invalid("%(slug)s: %(error)s", slug=version.slug, error=error) from None


@transaction.atomic
def open_round(
    *, project: Project, policies: Sequence[tuple[ModelVersion, float, Mapping[str, object]]], note: str = ""
) -> Round:
    """Close the open round, if any, and open the next with these (model version, weight, parameters).

    Raises:
        Invalid: no policy, one twice, a retired or reward model, a weight that is not positive, or
            parameters that no engine takes.
    """
    check_mixture(policies)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    now = timezone.now()
    Round.objects.filter(project=project, closed_at__isnull=True).update(closed_at=now)
    last = Round.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0
    opened = Round.objects.create(project=project, number=last + 1, note=note, opened_at=now)
    RoundPolicy.objects.bulk_create(
        RoundPolicy(round=opened, model_version=version, weight=weight, params=dict(params))
        for version, weight, params in policies
    )
    return opened


def close_round(*, round: Round) -> int:
    return Round.objects.filter(pk=round.pk, closed_at__isnull=True).update(closed_at=timezone.now())


def split_for(project: Project, key: str, author_id: int | None) -> str:
    """The split of a dialogue or comparison: that of the same prompt if the project holds it, so
    that no change of the share ever parts equal prompts; else by hash, by author if so set."""
    if project.split_by == Project.SplitBy.AUTHOR and author_id is not None:
        key = hashlib.sha256(f"author:{author_id}".encode()).hexdigest()
    else:
        for model in (Comparison, Dialogue):
            known = model._default_manager.filter(project=project, prompt_key=key).exclude(split="")
            if split := known.values_list("split", flat=True).first():
                return str(split)
    return split_of(salt=project.split_salt, key=key, test_share=project.test_share)
