"""`preferences`: one row a pair, as TRL's reward, DPO and KTO trainers read it.

All C(K,2) pairs of a ranking less the tied ones and those of equal text; `weight` is 1 over the
pairs kept, so that every ranking counts once whatever its K.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypedDict

from common.shapes import Message
from common.visible import visible
from exports.formats._with_judges import SOURCE
from exports.formats.base import A_PAIR, Context, Format, columns_of
from exports.sources.rankings import RankingRecord
from labeling.preferences import ranks, strict_pairs


class Pair(TypedDict):
    id: str
    prompt: list[Message]
    chosen: list[Message]
    rejected: list[Message]
    weight: float
    ranking_id: str
    prompt_id: str
    dialogue_id: str | None
    num_completions: int
    num_pairs: int
    chosen_completion_id: str
    rejected_completion_id: str
    chosen_rank: int
    rejected_rank: int
    annotator_id: str | None
    created_at: str
    turn_id: str | None
    round: int | None
    chosen_finish_reason: str | None
    rejected_finish_reason: str | None
    chosen_model_version: str | None
    rejected_model_version: str | None
    strength: int | None
    label_weight: float | None
    language: str
    guideline_version: int | None
    seconds: int | None
    source: str | None
    selection: str | None
    selection_margin: float | None
    kind: str


class Preferences(Format[RankingRecord, Pair]):
    source = SOURCE
    about = "One row for each strict pair of a ranking; ties are left out; `weight` sums to 1 over a ranking."
    columns = columns_of(Pair)
    rows_a_record = A_PAIR

    def ids(self, record: RankingRecord) -> Iterable[str]:
        return (f"{record.id}-{chosen}-{rejected}" for chosen, rejected in strict_pairs(record.groups))

    def rows(self, record: RankingRecord, context: Context) -> Iterator[Pair]:
        if record.not_rankable:
            context.excluded["not rankable"] += 1
            return
        answers = {answer.id: context.answer(answer.text) for answer in record.answers}
        pairs = _kept(record, answers, context)
        if not pairs:
            only_cut = any(answer.cut for answer in record.answers) and bool(strict_pairs(record.groups))
            context.excluded["no pair of whole answers" if only_cut else "no strict pair"] += 1
            return
        models = {a.id: context.model(a.model_version, a.label, a.weights_hash) for a in record.answers}
        ends = {answer.id: answer.finish_reason or None for answer in record.answers}
        place = ranks(record.groups)
        prompt = context.messages(record.prompt)
        annotator, round_ = context.name(record.trainer), context.rounds.get(record.round or "")
        guideline = context.guidelines.get(record.guideline or "")
        for chosen, rejected in pairs:
            above, below = place[chosen], place[rejected]
            yield {
                "id": f"{record.id}-{chosen}-{rejected}",
                "prompt": prompt,
                "chosen": answers[chosen],
                "rejected": answers[rejected],
                "weight": 1 / len(pairs),
                "ranking_id": record.id,
                "prompt_id": record.comparison,
                "dialogue_id": record.dialogue,
                "num_completions": len(answers),
                "num_pairs": len(pairs),
                "chosen_completion_id": chosen,
                "rejected_completion_id": rejected,
                "chosen_rank": above,
                "rejected_rank": below,
                "annotator_id": annotator,
                "created_at": record.submitted_at,
                "turn_id": record.turn,
                "round": round_,
                "chosen_finish_reason": ends[chosen],
                "rejected_finish_reason": ends[rejected],
                "chosen_model_version": models[chosen],
                "rejected_model_version": models[rejected],
                "strength": record.strengths[above] if below == above + 1 and above < len(record.strengths) else None,
                "label_weight": record.label_weight,
                "language": context.language,
                "guideline_version": guideline,
                "seconds": record.seconds,
                "source": record.source or None,
                "selection": record.selection or None,
                "selection_margin": record.selection_margin,
                "kind": record.kind,
            }


def _kept(record: RankingRecord, answers: dict[str, list[Message]], context: Context) -> list[tuple[str, str]]:
    """The pairs to write, in the order of their ids; the others are counted."""
    strict = strict_pairs(record.groups)
    shown = {answer: visible(message["content"]) for answer, (message,) in answers.items()}
    usable = [(c, r) for c, r in strict if shown[c] and shown[r]]
    cut = set() if context.include_truncated else {answer.id for answer in record.answers if answer.cut}
    whole = [(c, r) for c, r in usable if cut.isdisjoint((c, r))]
    pairs = sorted((c, r) for c, r in whole if shown[c] != shown[r])
    context.counts["ties"] += len(answers) * (len(answers) - 1) // 2 - len(strict)
    context.counts["pairs with an empty answer"] += len(strict) - len(usable)
    context.counts["pairs with a cut answer"] += len(usable) - len(whole)
    context.counts["pairs of equal text"] += len(whole) - len(pairs)
    if pairs:
        context.counts["rankings with pairs"] += 1
        context.counts["pairs"] += len(pairs)
    return pairs


FORMAT = Preferences()
