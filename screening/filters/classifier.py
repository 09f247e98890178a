"""A text classifier of transformers, in the sampler worker: a folder with safetensors that DUOLOGUE_CLASSIFIER names.

Each label is a category, but those that say that nothing is wrong; DUOLOGUE_CLASSIFIER_LABELS says it in our words.
The model is loaded by a file of the package that the settings name: only workers that run models import its libraries.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from django.conf import settings

from common.environment.filters import FilterSettings
from common.plugins import Folder
from common.shapes import Message
from screening.categories import warning_at_half
from screening.filters.base import FilterDown
from screening.windows import Scores, strongest

HARMLESS = {"neutral", "safe", "ok", "none", "normal", "clean", "benign", "harmless", "non-toxic", "not_toxic",
            "nontoxic", "non_toxic", "not toxic", "non-hate", "nothate", "not_hate", "no"}  # fmt: skip
AGAIN = 30.0  # seconds after which a checkpoint that could not be loaded is tried again


class Labeller(Protocol):
    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def weights_hash(self) -> str: ...

    def scores(self, conversations: Sequence[Sequence[Message]]) -> list[tuple[float, ...]]: ...

    def close(self) -> None: ...


class Loader(Protocol):
    def load(self, location: str, revision: str = "") -> Labeller: ...


class ClassifierFilter:
    fast = False
    in_worker = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settings = FilterSettings()
        self._loaded: Labeller | None = None
        self._refused: tuple[float, str] = (0.0, "")

    @property
    def version(self) -> str:
        loaded = self._loaded_now()
        told = [loaded.weights_hash if loaded else "", *sorted(settings.FILTERS.classifier_labels.items())]
        return f"1 {hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]}"

    @property
    def categories(self) -> Mapping[str, float]:
        return warning_at_half(filter(None, map(category_of, self._labels())))

    def score(self, texts: Sequence[str]) -> list[Scores]:
        loaded = self._load()
        rows = loaded.scores([[Message(role="user", content=text)] for text in texts])
        return [self._in_our_words(loaded.labels, row) for row in rows]

    def _in_our_words(self, labels: Sequence[str], row: Sequence[float]) -> Scores:
        named = [(category_of(label), value) for label, value in zip(labels, row, strict=True)]
        return strongest([{category: value} for category, value in named if category])

    def _labels(self) -> list[str]:
        """As loaded; else as the folder says, where it lies on this machine; else those that the settings name."""
        loaded = self._loaded_now()
        if loaded is not None:
            return list(loaded.labels)
        named = list(settings.FILTERS.classifier_labels)
        if not settings.FILTERS.classifier:
            return named
        try:
            config = json.loads((Path(settings.FILTERS.classifier) / "config.json").read_text())
            return [str(label) for label in config["id2label"].values()]
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return named

    def _loaded_now(self) -> Labeller | None:
        return self._loaded if self._settings == settings.FILTERS else None

    def _load(self) -> Labeller:
        """Loaded once, and anew where the settings changed.

        Raises:
            FilterDown: it is not set up, or cannot be loaded.
        """
        wanted = settings.FILTERS
        if not wanted.classifier:
            raise FilterDown("DUOLOGUE_CLASSIFIER is not set here.")
        with self._lock:
            at, reason = self._refused
            if self._settings == wanted and self._loaded is not None:
                return self._loaded
            if self._settings == wanted and time.monotonic() - at < AGAIN:
                raise FilterDown(reason)
            if self._loaded is not None:
                self._loaded.close()
            self._settings, self._loaded = wanted, None
            try:
                folder: Folder[Loader] = Folder(settings.FILTER_CLASSIFIERS, "CLASSIFIER")
                self._loaded = folder.load("labels").load(wanted.classifier)
            except Exception as error:  # whatever a checkpoint or a library comes up with
                reason = f"The classifier cannot be loaded: {error or type(error).__name__}"
                self._refused = (time.monotonic(), reason)
                raise FilterDown(reason) from None
            return self._loaded


def category_of(label: str) -> str:
    """Our word for a label; empty where it says that nothing is wrong."""
    mapped: str | None = settings.FILTERS.classifier_labels.get(label)
    if mapped is not None:
        return mapped
    return "" if label.strip().lower() in HARMLESS else label.strip().lower()[:60]


FILTER = ClassifierFilter()
