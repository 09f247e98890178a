"""How a worker tries a model that is not registered yet: in a thread of its own, with an engine of its own.

The engine, its server and its weights are those that would serve it. What is loaded and idle makes room, as for any
model version; nothing is left behind.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Mapping

import httpx
from django.db import connection

from common.shapes import Message
from sampler import addresses, trials
from sampler.engines import _folder as folder
from sampler.engines import _probe as probe
from sampler.engines.base import ENGINES, CannotLoad, Ended, Engine, Event, Failed, Job, Returned
from sampler.held import WorkerState
from sampler.loaded_models import LoadedModels, spec_of
from sampler.models import ModelTrial, ModelVersion
from sampler.output import LOST_CONNECTION
from sampler.params import SamplingParams
from sampler.trials import Outcome

logger = logging.getLogger(__name__)
Trouble = ModelTrial.Trouble
EVERY = 1.0  # seconds between two looks
LINE = "Say in one sentence what you can help with."
MOST_TOKENS = 48
ANSWER_WITHIN = 90.0  # seconds; a large model on a CPU may take them
ROOM_WITHIN = 60.0


class Troubled(Exception):
    """What stands in the way."""

    def __init__(self, trouble: str, said: str = "", **facts: list[str]) -> None:
        super().__init__(said)
        self.outcome: Outcome = {"trouble": trouble, "said": said[:1000]}
        if "offered" in facts:
            self.outcome["offered"] = facts["offered"]


def run(state: WorkerState) -> None:
    """A worker's thread: one trial after another, until the worker stops."""
    while not state.stopping.wait(EVERY):
        try:
            trial = trials.claim(worker=state.name)
            if trial is not None:
                trials.end(trial=trial, outcome=outcome_of(trial, state.models))
        except LOST_CONNECTION as error:
            logger.warning("trials: PostgreSQL: %s", str(error).strip().splitlines()[0])
            connection.close()
    connection.close()


def leave(worker: str) -> None:
    """The worker ends; where PostgreSQL is away, another worker finds what it left."""
    try:
        trials.leave(worker=worker)
    except LOST_CONNECTION:
        connection.close()


def outcome_of(trial: ModelTrial, models: LoadedModels) -> Outcome:
    """Load it, sample one line, let go of it."""
    facts: Outcome = {}
    try:
        if trial.engine == "openai":
            facts |= _greet(trial)
        return {**facts, **_sample(_as_version(trial, facts), models)}
    except Troubled as trouble:
        return {**facts, **trouble.outcome}
    except CannotLoad as error:
        return {**facts, **_of_load(trial, str(error))}
    except Exception as error:
        logger.exception("a trial of %s broke", trial.slug)
        return {**facts, "trouble": Trouble.LOAD, "said": f"{type(error).__name__}: {error}"[:1000]}


def _as_version(trial: ModelTrial, facts: Outcome) -> ModelVersion:
    """The model version that it would be; it is not stored."""
    return ModelVersion(
        slug=trial.slug, engine=trial.engine, location=trial.location, api_key_env=trial.api_key_env,
        remote_name=facts.get("remote_name", trial.remote_name), system_prompt=trial.system_prompt,
        context_limit=trial.context_limit, default_params=trial.params,
    )  # fmt: skip


def _greet(trial: ModelTrial) -> Outcome:
    """What the server is, and that it has a model of that name; the only one that it has needs no naming.

    Raises:
        Troubled: it cannot be called, does not answer, refuses the key, or has no such model.
    """
    try:
        addresses.check(trial.location)
    except addresses.Refused as refusal:
        raise Troubled(Trouble.FORBIDDEN, str(refusal)) from None
    except addresses.Unknown as unknown:
        raise Troubled(Trouble.HOST, str(unknown)) from None
    headers: Mapping[str, str] = {}
    if trial.api_key_env:
        if not (key := os.environ.get(trial.api_key_env)):
            raise Troubled(Trouble.KEY_UNSET, trial.api_key_env)
        headers = {"Authorization": f"Bearer {key}"}
    name = trial.remote_name or trial.slug
    with httpx.Client(headers=headers, timeout=probe.TIMEOUT, follow_redirects=False) as client:
        try:
            found = probe.identify(probe.Server(trial.location.rstrip("/"), name, client))
        except probe.KeyRefused as refusal:
            raise Troubled(Trouble.KEY, str(refusal)) from None
    if "dialect" not in found:
        raise Troubled(Trouble.AWAY, found.get("trouble", ""))
    offered = found.get("models", [])
    if not trial.remote_name and len(offered) == 1:
        name = offered[0]
    if offered and not any(one == name or one.startswith(f"{name}@") for one in offered):
        raise Troubled(Trouble.NAME, name, offered=offered)
    return {"speaks": found["dialect"], "offered": offered, "remote_name": name if name != trial.slug else ""}


def _of_load(trial: ModelTrial, said: str) -> Outcome:
    trouble: str = Trouble.LOAD
    if trial.engine == "hf" and folder.is_missing(trial.location):
        trouble = Trouble.FOLDER
    elif trial.engine == "hf" and folder.has_no_weights(trial.location):
        trouble = Trouble.WEIGHTS
    return {"trouble": trouble, "said": said[:1000]}


def _sample(version: ModelVersion, models: LoadedModels) -> Outcome:
    loader, spec = ENGINES.load(version.engine), spec_of(version)
    until = time.monotonic() + ROOM_WITHIN
    while not models.make_room(version):
        if time.monotonic() > until:
            raise Troubled(Trouble.MEMORY)
        time.sleep(0.2)
    began = time.monotonic()
    engine = loader.load(spec)
    loaded = time.monotonic()
    try:
        params = SamplingParams.from_dict({"max_tokens": MOST_TOKENS, **version.default_params, "n": 1})
        text = _answer(engine, params)
    finally:
        engine.close()
    return {"text": text, "load_seconds": loaded - began, "answer_seconds": time.monotonic() - loaded}


def _answer(engine: Engine, params: SamplingParams) -> str:
    """What it says to one line.

    Raises:
        Troubled: nothing, in its words.
    """
    engine.add(Job(uuid.uuid4(), [Message(role="user", content=LINE)], params, interactive=True))
    until = time.monotonic() + ANSWER_WITHIN
    while time.monotonic() < until:
        events: list[Event] = engine.step()
        for event in events:
            if isinstance(event, Ended):
                return event.drawn[0].text
            if isinstance(event, Failed):
                raise Troubled(Trouble.ANSWER, event.reason)
            if isinstance(event, Returned):
                raise Troubled(Trouble.ANSWER, event.broken)
        if not events:
            time.sleep(0.01)
    raise Troubled(Trouble.SLOW, str(engine.batching().get("trouble", "")))
