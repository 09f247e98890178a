"""Content classifiers: any text-classification checkpoint of transformers, of one label or of many.

The text judged is the last message, as it stands: no template. A long one is read in windows of tokens that overlap,
and each label has the highest score of any of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from generation.checkpoints import CannotLoad, weight_files, weights_hash
from generation.devices import best_device
from generation.loading import (
    checkpoint_folder,
    load_classifier,
    load_config,
    load_text_tokenizer,
    silence_progress,
)
from generation.scoring import padded
from generation.types import Model, Tokenizer
from sampler.classifiers.base import Conversation

BATCH_TOKENS = 4096  # padded tokens of one forward pass
LONGEST, OVERLAP = 512, 64  # tokens of a window, and of what two neighbours share


class Labels:
    def __init__(self, model: Model, tokenizer: Tokenizer, weights_hash: str) -> None:
        config = model.config
        self.tokenizer, self.model, self.weights_hash = tokenizer, model, weights_hash
        self.pad = tokenizer.pad_token_id or 0
        names: dict[int, str] = getattr(config, "id2label", {})
        self.labels = tuple(str(names.get(i, f"LABEL_{i}")) for i in range(config.num_labels))
        # As transformers' own pipeline reads the configuration.
        kind: str | None = getattr(config, "problem_type", None)
        self.independent = kind == "multi_label_classification" or (kind is None and config.num_labels == 1)
        self.before, self.after = _frame(tokenizer)
        limit: int = getattr(config, "max_position_embeddings", None) or LONGEST
        offset = 1 + self.pad if getattr(config, "model_type", "") in {"roberta", "xlm-roberta", "camembert"} else 0
        self.room = min(LONGEST, limit - offset) - len(self.before) - len(self.after)
        self.overlap = min(OVERLAP, self.room // 2)
        model.eval()

    def scores(self, conversations: Sequence[Conversation]) -> list[tuple[float, ...]]:
        windows = [self._windows(one[-1]["content"]) for one in conversations]
        found = iter(self._read([window for each in windows for window in each]))
        return [tuple(max(column) for column in zip(*[next(found) for _ in each], strict=True)) for each in windows]

    def _windows(self, text: str) -> list[list[int]]:
        ids = list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        starts = range(0, max(1, len(ids) - self.overlap), self.room - self.overlap)
        return [[*self.before, *ids[start : start + self.room], *self.after] for start in starts]

    def _read(self, windows: Sequence[list[int]]) -> list[tuple[float, ...]]:
        order = sorted(range(len(windows)), key=lambda i: len(windows[i]))
        found: dict[int, tuple[float, ...]] = {}
        with torch.inference_mode():
            while order:
                size = 1
                while size < len(order) and (size + 1) * len(windows[order[size]]) <= BATCH_TOKENS:
                    size += 1
                batch, order = order[:size], order[size:]
                ids, mask = padded([windows[i] for i in batch], self.pad)
                device = self.model.device
                logits = self.model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits.float()
                values = logits.sigmoid() if self.independent else logits.softmax(-1)
                found.update(zip(batch, map(tuple, values.tolist()), strict=True))
        return [found[i] for i in range(len(windows))]

    def close(self) -> None:
        del self.model
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _frame(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """The special tokens that the tokenizer puts before and after a text."""
    bare = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    whole = list(tokenizer("a", add_special_tokens=True)["input_ids"])
    at = next((i for i in range(len(whole) + 1) if whole[i : i + len(bare)] == bare), 0)
    return whole[:at], whole[at + len(bare) :]


class LabelsLoader:
    kind = "filter"

    def load(self, location: str, revision: str = "") -> Labels:
        """Load a checkpoint from a folder or the hub. Weights are safetensors, never pickles; none of its code is run.

        Raises:
            CannotLoad: with a sentence for the operator.
        """
        if not location:
            raise CannotLoad("A classifier needs a location: a folder, or a model's name on the hub.")
        silence_progress()
        config = load_config(location, revision)
        kinds = [name for name in config.architectures or [] if name.endswith("ForSequenceClassification")]
        if not kinds or getattr(config, "problem_type", None) == "regression":
            raise CannotLoad(f"{location!r} is not a text classifier: it takes a sequence-classification checkpoint.")
        tokenizer = load_text_tokenizer(location, revision)
        model = load_classifier(location, revision, device=best_device())
        return Labels(model, tokenizer, weights_hash(weight_files(checkpoint_folder(location, revision))))


CLASSIFIER = LabelsLoader()
