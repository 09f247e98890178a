"""Asking for completions, stopping, and texts from outside: what other apps do with the sampler.

What workers write is in `sampler/claims.py`; writes to model versions are in `sampler/registry.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from common.shapes import JsonObject, Message
from common.transitions import advance
from sampler.doorbells import ring_on_commit
from sampler.models import Completion, ModelVersion, SampleRequest
from sampler.params import SamplingParams

State = SampleRequest.State
TABLE = SampleRequest.TRANSITIONS
LABEL_LENGTH = 200  # characters that are kept of the name of a model from outside
ROLES = {"system", "user", "assistant", "tool"}


def request_completions(
    *,
    model_version: ModelVersion,
    prompt: Sequence[Mapping[str, object]],
    n: int = 1,
    params: SamplingParams | Mapping[str, object] | None = None,
    purpose: str = SampleRequest.Purpose.OTHER,
    priority: int = SampleRequest.Priority.BACKGROUND,
    writes: str = SampleRequest.Writes.ASSISTANT,
    screening: JsonObject | None = None,
) -> SampleRequest:
    """Ask for n completions of a prompt. The doorbell rings when the transaction commits.

    Parameters not given are the model version's own. `screening` names the project by whose rules the texts are
    screened, and the turn that the last message of the prompt is.

    Raises:
        ValueError: the model version takes no requests, or the prompt or a parameter is wrong.
    """
    if model_version.state == ModelVersion.State.RETIRED:
        raise ValueError(f"{model_version.slug} is retired and takes no new requests.")
    if model_version.role != ModelVersion.Role.POLICY:
        raise ValueError(f"{model_version.slug} is a reward model: it scores text and writes none.")
    given: Mapping[str, object] = params.to_dict() if isinstance(params, SamplingParams) else params or {}
    used = SamplingParams.from_dict({**model_version.default_params, **given, "n": n})
    row = SampleRequest.objects.create(
        model_version=model_version,
        prompt=_snapshot(prompt),
        n=n,
        params=used.to_dict(),
        purpose=purpose,
        priority=priority,
        writes=writes,
        screening=screening or {},
    )
    ring_on_commit([model_version.slug])
    return row


def warm_up(*, model_version: ModelVersion) -> SampleRequest:
    """Make a worker load the model version now, by asking it for one token."""
    return request_completions(
        model_version=model_version,
        prompt=[{"role": "user", "content": "Hello."}],
        params={"max_tokens": 1},
        priority=SampleRequest.Priority.INTERACTIVE,
    )


def _snapshot(prompt: Sequence[Mapping[str, object]]) -> list[Message]:
    messages = []
    for message in prompt:
        role, content = message["role"], message["content"]
        if role not in ROLES or not isinstance(role, str) or not isinstance(content, str):
            raise ValueError("A prompt is a list of messages with a role (system, user, assistant) and text.")
        messages.append(Message(role=role, content=content))
    return messages


@transaction.atomic
def cancel(*, request_id: UUID) -> bool:
    """Stop a request. True where it ended now, or will within a step of its worker."""
    rows = SampleRequest.objects.filter(pk=request_id)
    rows.select_for_update(no_key=True).first()  # its worker may give it back just now: it is one or the other
    waiting = rows.filter(state=State.QUEUED)
    if advance(waiting, to=State.CANCELLED, table=TABLE, cancel_requested=True, finished_at=timezone.now()):
        return True
    running = rows.filter(state=State.RUNNING)
    if not running.update(cancel_requested=True):
        return False
    ring_on_commit(running.values_list("model_version__slug", flat=True))
    return True


def provide(*, text: str, model_version: ModelVersion | None = None, model_label: str = "") -> Completion:
    """A text from outside, as a completion without a request."""
    return Completion.objects.create(
        text=text,
        model_version=model_version,
        model_label=model_label,
        finish_reason=Completion.FinishReason.PROVIDED,
    )


def provide_all(*, texts: Sequence[tuple[str, str]]) -> list[Completion]:
    """Many (text, model label) from outside, in one statement."""
    rows = [
        Completion(text=text, model_label=label[:LABEL_LENGTH], finish_reason=Completion.FinishReason.PROVIDED)
        for text, label in texts
    ]
    return Completion.objects.bulk_create(rows, batch_size=1000)


def forget(*, completion_ids: Sequence[UUID]) -> int:
    """Delete texts that were brought from outside and that nothing points at any more."""
    return Completion.objects.filter(pk__in=completion_ids, request__isnull=True).delete()[0]


@transaction.atomic
def empty(*, completion_ids: Collection[UUID], request_ids: Collection[UUID], text: str) -> int:
    """Replace withdrawn texts: of these completions, of the prompts of the requests that they come from,
    and of these requests. Requests that have not ended are ended: a worker that holds one stores nothing."""
    found = Completion.objects.filter(pk__in=completion_ids, request__isnull=False)
    requests = SampleRequest.objects.filter(pk__in={*request_ids, *found.values_list("request_id", flat=True)})
    advance(
        requests, to=State.CANCELLED, table=TABLE, cancel_requested=True, finished_at=timezone.now(), worker="",
        lease_expires_at=None,
    )  # fmt: skip
    ring_on_commit(set(requests.values_list("model_version__slug", flat=True)))
    requests.exclude(error="").update(error=text)
    requests.update(prompt=[{"role": "user", "content": text}], prompt_report={}, partial=[])
    completions = Completion.objects.filter(Q(pk__in=completion_ids) | Q(request__in=requests))
    completions.exclude(reasoning="").update(reasoning=text)
    return completions.update(text=text)
