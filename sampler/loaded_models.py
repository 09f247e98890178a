"""The model versions that this worker has loaded: loading, and unloading of the least recently used.

Weights stay within a memory limit. A model version that cannot be loaded is marked so, with the
reason, and whatever waits for it fails with that reason.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from sampler import registry, results
from sampler.engines.base import ENGINES, CannotLoad, Engine, Provenance, Spec
from sampler.models import ModelVersion, SampleRequest

logger = logging.getLogger(__name__)
RETRY_LOAD = 15.0  # seconds until a version that could not be loaded is tried again, if anybody asks for it
RESIDENCE = 10.0  # seconds that a busy engine is left in peace before another may push it out


@dataclass
class LoadedModel:
    """One loaded model version."""

    version_id: UUID
    slug: str
    engine: Engine
    provenance: Provenance
    loaded_at: float = field(default_factory=time.monotonic)
    used_at: float = field(default_factory=time.monotonic)
    leaving: bool = False  # claims nothing more; unloaded once it runs dry

    @property
    def busy(self) -> bool:
        return self.engine.room().running > 0


class LoadedModels:
    def __init__(self, *, memory_limit: int | None, on_change: Callable[[], None]) -> None:
        self.memory_limit = memory_limit
        self.on_change = on_change
        self._models: dict[UUID, LoadedModel] = {}
        self._lock = threading.Lock()
        self._loader: threading.Thread | None = None
        self.loading = ""
        self._refused: dict[UUID, tuple[float, str]] = {}

    def refused_lately(self, version_id: UUID) -> str:
        """Why it could not be loaded a moment ago; empty where it may be tried."""
        at, reason = self._refused.get(version_id, (0.0, ""))
        return reason if time.monotonic() - at < RETRY_LOAD else ""

    @property
    def still_loading(self) -> bool:
        return self._loader is not None and self._loader.is_alive()

    def all(self) -> list[LoadedModel]:
        with self._lock:
            return list(self._models.values())

    def get(self, version_id: UUID) -> LoadedModel | None:
        with self._lock:
            model = self._models.get(version_id)
        return None if model is None or model.leaving else model

    def want(self, version: ModelVersion) -> None:
        """See to it that a version gets loaded, one at a time, in a thread of its own.

        A caller that looked before the loader had ended may ask for what has just been loaded: that engine
        stays, for it may hold work already.
        """
        if self.still_loading:
            return
        with self._lock:
            if version.pk in self._models:
                return
        if not self.make_room(version):
            return
        self.loading = version.slug
        self._loader = threading.Thread(target=self._load, args=(version,), name=f"load {version.slug}", daemon=True)
        self._loader.start()

    def sweep(self) -> None:
        """Unload what was asked to leave and has run dry. Called between steps, by the decoding thread."""
        with self._lock:
            gone = [s for s in self._models.values() if s.leaving and not s.busy]
            for model in gone:
                del self._models[model.version_id]
        for model in gone:
            model.engine.close()
            logger.info("%s: unloaded", model.slug)
        if gone:
            self.on_change()

    def has_room_for(self, version: ModelVersion) -> bool:
        loader = ENGINES.load(version.engine)
        needed, limit = loader.memory_needed(spec_of(version)), self.memory_limit or loader.memory_total()
        return sum(s.engine.memory_bytes for s in self.all()) + needed <= limit

    def make_room(self, version: ModelVersion) -> bool:
        """Whether there is room for it now; else the one that was used least recently is asked to leave."""
        models = self.all()
        if not models or self.has_room_for(version):
            return True
        oldest = min(models, key=lambda s: (s.busy, s.used_at))
        if not oldest.busy or time.monotonic() - oldest.loaded_at > RESIDENCE:
            oldest.leaving = True
            self.on_change()
        return False

    def _load(self, version: ModelVersion) -> None:
        began = time.monotonic()
        try:
            if version.engine == "openai" and "dialect" not in version.capabilities:
                version.capabilities = registry.ask_server(model_version=version)
            engine = ENGINES.load(version.engine).load(spec_of(version))
            facts = engine.provenance()
            registry.mark_loaded(
                model_version_id=version.pk,
                weights_hash=facts["weights_hash"],
                template_hash=facts["template_hash"],
                batching=engine.batching(),
                control_tokens=engine.control_tokens(),
                context=engine.context_limit,
            )
        except (CannotLoad, ValueError) as error:
            self._refuse(version, str(error))
        except Exception as error:
            logger.exception("%s: cannot be loaded", version.slug)
            self._refuse(version, f"{type(error).__name__}: {error}")
        else:
            with self._lock:
                self._models[version.pk] = LoadedModel(version.pk, version.slug, engine, facts)
            batching = engine.batching()
            logger.info("%s: loaded in %.1f s; batching %s: %s", version.slug, time.monotonic() - began,
                        batching.get("way"), batching.get("why"))  # fmt: skip
        finally:
            self.loading = ""
            connection.close()
            self.on_change()

    def _refuse(self, version: ModelVersion, reason: str) -> None:
        logger.error("%s: cannot be loaded: %s", version.slug, reason)
        said = f"{version.slug} cannot be loaded: {reason[:1000]}"
        self._refused[version.pk] = (time.monotonic(), said)
        registry.mark_failed(model_version_id=version.pk, reason=reason[:2000])
        results.fail_waiting(model_version_id=version.pk, reason=said)

    def close(self) -> None:
        for model in self.all():
            model.engine.close()


def spec_of(version: ModelVersion) -> Spec:
    return Spec(
        slug=version.slug,
        location=version.location,
        revision=version.revision,
        remote_name=version.remote_name,
        api_key_env=version.api_key_env,
        system_prompt=version.system_prompt,
        system_turn=version.system_turn,
        context_limit=version.context_limit,
        dialect=version.dialect,
        concurrency=version.concurrency,
        template_arguments=version.template_arguments,
        extra_body=version.extra_body,
        capabilities=version.capabilities,
        batching=version.batching,
    )


def waiting_for(version_id: UUID) -> bool:
    return SampleRequest.objects.filter(model_version_id=version_id, state=SampleRequest.State.QUEUED).exists()
