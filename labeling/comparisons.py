"""Writes on comparisons as a whole: brought from outside, discarded.

Those that the system makes itself begin in `labeling/random_turn.py` and `labeling/stock.py`; what trainers say of
them is in `labeling/rankings.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from common.shapes import Message
from common.transitions import advance
from common.visible import equal_pair, visible
from labeling import assignments, contents, harms
from labeling.control_tokens import refuse_in_any
from labeling.errors import Gone, Invalid, within
from labeling.models import Candidate, Comparison, Project, Prompt
from labeling.projects import current_round, retire_prompts, split_for
from labeling.text import check_messages, clean, content_hash, prompt_key
from sampler import sampling
from sampler.models import Completion, ModelVersion

if TYPE_CHECKING:
    from accounts.models import User


def locked(pk: UUID) -> Comparison:
    """The comparison with its project, nobody else's to write on until the transaction ends.

    Raises:
        Gone: it went with its import.
    """
    rows = Comparison.objects.select_for_update(of=("self",)).select_related("project")
    if (found := rows.filter(pk=pk).first()) is None:
        raise Gone("This comparison was withdrawn.")
    return found


@transaction.atomic
def bring(
    *,
    project: Project,
    prompt: Sequence[Mapping[str, object]],
    completions: Sequence[Mapping[str, str | None]],
    votes: int | None = None,
    by: User | None = None,
    source: str = "",
) -> tuple[Comparison, bool]:
    """A comparison of texts from outside; the same again returns the one that is there, with False.

    A completion is a `text` and a `model_version`: the slug of one of ours, or any name, kept as a label.
    """
    with within("prompt"):
        messages = check_messages(prompt, last="user")
    with within("completions"):
        texts, names = _checked(completions)
    _refuse_control_tokens(messages, texts)
    if votes is not None and not 1 <= votes <= 20:
        raise Invalid("A comparison takes 1 to 20 votes.")
    digest = content_hash({"prompt": messages, "completions": sorted(zip(texts, names, strict=True))})
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    known = Comparison.objects.filter(project=project, content_hash=digest).first()
    if known is not None:
        return known, False
    key = prompt_key(messages)
    provided = _provided(texts, names)
    checked = contents.check_brought(project_id=project.pk, prompt=messages, completions=provided)
    comparison = Comparison.objects.create(
        project=project,
        round=current_round(project),
        state=Comparison.State.SAMPLING if checked.waits else Comparison.State.OPEN,
        opened_at=None if checked.waits else timezone.now(),
        prompt=messages,
        prompt_key=key,
        split=split_for(project, key, by.pk if by else None),
        source=source or "brought",
        content_hash=digest,
        k=len(texts),
        votes_wanted=votes or project.votes_per_comparison,
    )
    Candidate.objects.bulk_create(
        Candidate(comparison=comparison, index=index, completion=row) for index, row in enumerate(provided)
    )
    checked.keep(comparison.pk)
    harms.state(comparisons=[comparison.pk])
    if checked.blocked:
        discard(comparison=comparison, reason=f"Blocked by the content filter: {checked.blocked}")
    return comparison, True


def _checked(completions: Sequence[Mapping[str, str | None]]) -> tuple[list[str], list[str]]:
    """Texts and names of models, as they are stored."""
    if not 2 <= len(completions) <= 9:
        raise Invalid("A comparison has 2 to 9 completions, not %(completions)s.", completions=len(completions))
    texts = [clean(item.get("text") or "") for item in completions]
    if not all(map(visible, texts)):
        raise Invalid("A completion has no text.")
    if (pair := equal_pair(texts)) is not None:
        raise Invalid(
            "Completions %(pair)s and %(other)s are equal: a reader sees no difference.",
            pair=pair[0] + 1,
            other=pair[1] + 1,
        )
    return texts, [str(item.get("model_version") or "")[:200] for item in completions]


def _refuse_control_tokens(messages: Sequence[Message], texts: Sequence[str]) -> None:
    prompt = [(f"prompt.{n}.content", f"Message {n + 1}", one["content"]) for n, one in enumerate(messages)]
    refuse_in_any([*prompt, *((f"completions.{n}.text", f"Completion {n + 1}", text) for n, text in enumerate(texts))])


def _provided(texts: Sequence[str], names: Sequence[str]) -> list[Completion]:
    versions = {version.slug: version for version in ModelVersion.objects.filter(slug__in=names)}
    return [
        sampling.provide(text=text, model_version=versions.get(name), model_label=name)
        for text, name in zip(texts, names, strict=True)
    ]


def discard(*, comparison: Comparison, reason: str, harmful: bool = False) -> bool:
    """Take a comparison out of work; its rankings stay on record, and leave the exports with its prompt. The prompt
    stays where it occurs elsewhere, unless it is `harmful`: then it leaves the pool too."""
    request_ids: list[UUID] = list(comparison.requests.values_list("request_id", flat=True))
    discarded = bool(
        advance(
            comparison,
            to=Comparison.State.DISCARDED,
            table=Comparison.TRANSITIONS,
            discard_reason=reason[:200],
            discarded_at=timezone.now(),
        )
    )
    if discarded:
        for request_id in request_ids:
            sampling.cancel(request_id=request_id)
    if harmful:
        same = Q(project_id=comparison.project_id, content_hash=content_hash(comparison.prompt))
        retire_prompts(prompts=Prompt.objects.filter(same | Q(pk=comparison.pool_prompt_id)))
    return discarded


@transaction.atomic
def withdraw(*, rows: QuerySet[Comparison], text: str) -> int:
    """Discard comparisons and put `text` in the place of their prompts; the date of an earlier discard stays.
    Trainers lose their leases on them."""
    found = Comparison.objects.filter(pk__in=set(rows.values_list("pk", flat=True)))
    assignments.take_back(comparisons=found)
    advance(
        found,
        to=Comparison.State.DISCARDED,
        table=Comparison.TRANSITIONS,
        discard_reason="The prompt was withdrawn by its author.",
        discarded_at=timezone.now(),
    )
    return found.update(
        prompt=[{"role": "user", "content": text}],
        source_row=None,
        explanation="",
        withdrawn_at=Coalesce("withdrawn_at", Value(timezone.now(), output_field=DateTimeField())),
    )
