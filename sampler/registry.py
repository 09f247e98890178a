"""Model versions: registered, served, failed, retired. Every write to `ModelVersion` is here.

Where an engine's location is an address, workers will connect to it: only operators may register
model versions, which the command, the admin page and the API each check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Required, TypedDict, Unpack
from urllib.parse import urlsplit
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from common.control_tokens import refusal
from common.transitions import advance
from sampler import addresses, remote, sampling
from sampler.control_tokens import known as known_tokens
from sampler.engines._probe import Capabilities
from sampler.engines._tokenizer_files import special_tokens
from sampler.engines.base import ENGINES, Batching
from sampler.models import ModelVersion, SampleRequest
from sampler.params import SamplingParams

State = ModelVersion.State


def check_location(engine: str, location: str) -> None:
    """Refuse what no worker could load, with a sentence.

    Raises:
        ValueError: unknown engine, or a location that its kind cannot have.
    """
    if engine not in ENGINES.choices():
        raise ValueError(f"There is no engine {engine!r}: it is one of {', '.join(ENGINES.choices())}.")
    if engine == "hf" and not location:
        raise ValueError("The hf engine needs a location: a folder, or a model's name on the hub.")
    if engine == "openai":
        parts = urlsplit(location)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("The openai engine needs a base URL, e.g. http://127.0.0.1:8001/v1.")
        if parts.username or parts.password:
            raise ValueError("A URL with a password in it would be shown: name an environment variable for the key.")
        addresses.check_written(location)


def check(*, engine: str, location: str, default_params: Mapping[str, object], system_prompt: str = "") -> None:
    """Everything that can be said against a model version before it is stored.

    Raises:
        ValueError: what is wrong, as a sentence.
    """
    check_location(engine, location)
    SamplingParams.from_dict(default_params)
    if token := known_tokens().first(system_prompt):
        raise ValueError(refusal(token, "The system prompt"))


class Fields(TypedDict, total=False):
    """What may be said of a model version beside its slug."""

    engine: Required[str]
    location: str
    role: str
    revision: str
    parent: ModelVersion | None
    export_id: UUID | None
    remote_name: str
    api_key_env: str
    system_prompt: str
    system_turn: str
    context_limit: int | None
    default_params: Mapping[str, object] | None
    dialect: str
    concurrency: int
    template_arguments: Mapping[str, object] | None
    extra_body: Mapping[str, object] | None
    control_tokens: Sequence[str]


FIXED = ("engine", "location", "revision", "role")  # of a slug, for good


def register_model(*, slug: str, ask: bool = True, **fields: Unpack[Fields]) -> tuple[ModelVersion, bool]:
    """A model version of that slug, and whether it was made now. The same again changes nothing.

    A model server is asked what it can do, where it answers; with `ask` False a task does so later.

    Raises:
        ValueError: something is wrong with it, its server cannot be told a parameter that is named, or the slug
            already stands for another checkpoint.
    """
    params = fields.get("default_params") or {}
    arguments, extra = fields.get("template_arguments") or {}, fields.get("extra_body") or {}
    fields["default_params"], fields["template_arguments"], fields["extra_body"] = params, arguments, extra
    check(
        engine=fields["engine"], location=fields.get("location", ""), default_params=params,
        system_prompt=fields.get("system_prompt", ""),
    )  # fmt: skip
    if fields["engine"] == "openai":
        remote.check_settings(
            dialect=fields.get("dialect", ""), template_arguments=arguments, extra_body=extra
        )  # fmt: skip
        remote.check_params({}, fields.get("dialect", ""), params)
    fields["control_tokens"] = fields.get("control_tokens") or _tokens_in(fields)
    fresh = ModelVersion(slug=slug, **fields)
    try:
        fresh.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise ValueError(" ".join(f"{k}: {' '.join(v)}" for k, v in error.message_dict.items())) from None
    known = ModelVersion.objects.filter(slug=slug).exists()
    if fields["engine"] == "openai" and ask and not known:
        fresh.capabilities = _asked(fresh)
        fresh.control_tokens = fresh.control_tokens or fresh.capabilities.get("control_tokens", [])
    known_at = timezone.now() if fresh.control_tokens else None
    defaults = {
        **fields, "capabilities": fresh.capabilities, "control_tokens": fresh.control_tokens,
        "control_tokens_at": known_at,
    }  # fmt: skip
    version, created = ModelVersion.objects.get_or_create(slug=slug, defaults=defaults)
    for name in FIXED:
        if getattr(version, name) != getattr(fresh, name):
            raise ValueError(
                f"{slug!r} is already registered with {name} {getattr(version, name)!r}: a checkpoint that "
                "changed is a new version and needs a new slug."
            )
    return version, created


def _tokens_in(fields: Fields) -> list[str]:
    """The special tokens of a checkpoint that lies in a folder here; those of others are known once one is loaded."""
    if fields["engine"] != "hf":
        return []
    folder = Path(fields.get("location", "")).expanduser()
    return special_tokens(folder) if folder.is_dir() else []


def _asked(version: ModelVersion) -> Capabilities:
    """What its server says, checked against the parameters that are named.

    Raises:
        ValueError: it cannot be told one of them.
    """
    found = remote.ask(
        location=version.location, model=version.remote_name or version.slug, dialect=version.dialect,
        api_key_env=version.api_key_env,
    )  # fmt: skip
    remote.check_params(found, version.dialect, version.default_params)
    return found


def ask_server(*, model_version: ModelVersion) -> Capabilities:
    """Ask the server now and store what it says. A model version whose parameters it cannot be told has failed."""
    try:
        found = _asked(model_version)
    except ValueError as refusal:
        mark_failed(model_version_id=model_version.pk, reason=str(refusal))
        raise
    with transaction.atomic():
        locked = _locked(model_version.pk)
        ModelVersion.objects.filter(pk=locked.pk).update(capabilities=found)
        _keep_tokens(locked, found.get("control_tokens", []))
    return found


def _locked(pk: UUID) -> ModelVersion:
    """As it is now, until the transaction ends: two workers that load it, or a server's answer, take turns."""
    return ModelVersion.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def _keep_tokens(version: ModelVersion, tokens: Sequence[str]) -> None:
    """Beside those that were known already; under the row's lock."""
    if new := set(tokens) - set(version.control_tokens):
        ModelVersion.objects.filter(pk=version.pk).update(
            control_tokens=sorted({*version.control_tokens, *new}),
            control_tokens_at=version.control_tokens_at or timezone.now(),
        )


def retire(*, model_version: ModelVersion) -> bool:
    """Take no new requests; those already queued are cancelled. Its completions stay."""
    with transaction.atomic():
        moved = advance(model_version, to=State.RETIRED, table=ModelVersion.TRANSITIONS, state_reason="")
        if moved:
            for request_id in model_version.requests.filter(finished_at__isnull=True).values_list("id", flat=True):
                sampling.cancel(request_id=request_id)
    return bool(moved)


def end_retired() -> int:
    """Cancel what waits for a retired model version: asked for while it was being retired, or given back by its worker
    afterwards. Beat calls it."""
    left = SampleRequest.objects.filter(state=SampleRequest.State.QUEUED, model_version__state=State.RETIRED)
    ended = [sampling.cancel(request_id=pk) for pk in left.values_list("pk", flat=True)]
    return sum(ended)


def relocate(*, model_version: ModelVersion, location: str) -> None:
    """The same checkpoint lies elsewhere now; a worker that loads other bytes there refuses them."""
    check_location(model_version.engine, location)
    ModelVersion.objects.filter(pk=model_version.pk).update(location=location)


def serve(*, model_version: ModelVersion) -> bool:
    """Take requests again, after it was retired or could not be loaded: the next worker tries."""
    return bool(
        advance(
            ModelVersion.objects.filter(pk=model_version.pk, state__in=[State.FAILED, State.RETIRED]),
            to=State.REGISTERED, table=ModelVersion.TRANSITIONS, state_reason="",
        )
    )  # fmt: skip


@transaction.atomic
def mark_loaded(
    *,
    model_version_id: UUID,
    weights_hash: str,
    template_hash: str,
    batching: Batching,
    control_tokens: Sequence[str] = (),
    context: int | None = None,
) -> bool:
    """A worker loaded it. A checkpoint whose bytes changed under its name is refused.

    Raises:
        ValueError: the weights are not those that earlier completions came from.
    """
    known = _locked(model_version_id)
    if known.weights_hash and weights_hash and known.weights_hash != weights_hash:
        raise ValueError(
            f"The weights of {known.slug} changed: they were {known.weights_hash[:12]} and are "
            f"{weights_hash[:12]}. Register them as a new version."
        )
    _keep_tokens(known, control_tokens)
    capabilities = {**known.capabilities, "context": context} if context else known.capabilities
    rows = ModelVersion.objects.filter(pk=model_version_id)
    return bool(
        advance(
            rows, to=State.SERVING, table=ModelVersion.TRANSITIONS, state_reason="", loaded_at=timezone.now(),
            weights_hash=weights_hash or known.weights_hash, template_hash=template_hash, batching=batching,
            capabilities=capabilities,
        )
    )  # fmt: skip


def mark_failed(*, model_version_id: UUID, reason: str) -> bool:
    """A worker could not load it; the reason is shown on the admin page and fails what waits for it."""
    rows = ModelVersion.objects.filter(pk=model_version_id)
    return bool(advance(rows, to=State.FAILED, table=ModelVersion.TRANSITIONS, state_reason=reason or "unknown"))
