"""Unpaired judgements, as TRL's KTO takes them and as our own `ratings`: a prompt, an answer, and `label`, true
or false. LLaMA-Factory calls the label `kto_tag`, beside messages, conversations or an instruction.
"""

from __future__ import annotations

from common.shapes import Json
from labeling.importers import alpaca, instructgpt, openai, sharegpt, trl_sft
from labeling.importers._fields import label_of, object_of, truth_of
from labeling.importers._items import rating
from labeling.importers.base import DEMONSTRATIONS, Importer, Item, Rejected, Transforms

LABELS = ("label", "kto_tag")
_BASES: tuple[Importer, ...] = (
    openai.IMPORTER, sharegpt.IMPORTER, trl_sft.IMPORTER, instructgpt.IMPORTER, alpaca.IMPORTER,
)  # fmt: skip


class Kto:
    about = "an answer with label or kto_tag, true or false: a rating, never a demonstration"
    version = 1
    keys = frozenset({*LABELS, "model"}).union(*(base.keys for base in _BASES))

    def matches(self, record: Json) -> bool:
        if not isinstance(record, dict) or not any(isinstance(record.get(name), bool | str) for name in LABELS):
            return False
        bare = {name: value for name, value in record.items() if name not in LABELS}
        return any(base.matches(bare) for base in _BASES)

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        given = [name for name in LABELS if fields.get(name) is not None]
        if not given:
            raise Rejected("There is no label.")
        votes = {truth_of(fields.get(name), name) for name in given}
        if len(votes) > 1:
            raise Rejected("The fields 'label' and 'kto_tag' differ.")
        bare = {name: value for name, value in fields.items() if name not in LABELS}
        base = next((base for base in _BASES if base.matches(bare)), None)
        if base is None:
            raise Rejected("There is no prompt with an answer beside the label.")
        label_of(fields.get("model"))
        (item,) = base.parse(fields, DEMONSTRATIONS, transforms)
        return rating(item.messages, votes.pop(), kind)


IMPORTER = Kto()
