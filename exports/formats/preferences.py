"""`preferences`: one row a pair, as TRL's reward, DPO and KTO trainers read it.

All C(K,2) pairs of a ranking less the tied ones and those of equal text; `weight` is 1 over the
pairs kept, so that every ranking counts once whatever its K.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exports.formats._shared import A_ROW_A_PAIR, MESSAGES, Context
from exports.records import RankingRecord
from labeling.preferences import ranks, strict_pairs

SOURCE = "rankings"
EXPECTED = A_ROW_A_PAIR
ABOUT = "One row for each strict pair of a ranking; ties are left out; `weight` sums to 1 over a ranking."
COLUMNS = {
    "id": "token",
    "prompt": MESSAGES,
    "chosen": MESSAGES,
    "rejected": MESSAGES,
    "weight": "float64",
    "ranking_id": "token",
    "prompt_id": "token",
    "dialogue_id": "token",
    "num_completions": "int64",
    "num_pairs": "int64",
    "chosen_completion_id": "token",
    "rejected_completion_id": "token",
    "chosen_rank": "int64",
    "rejected_rank": "int64",
    "annotator_id": "token",
    "created_at": "token",
    "turn_id": "token",
    "round": "int64",
    "chosen_model_version": "name",
    "rejected_model_version": "name",
    "strength": "int64",
    "label_weight": "float64",
    "language": "name",
    "guideline_version": "int64",
    "seconds": "int64",
    "source": "name",
}


def rows(record: RankingRecord, context: Context) -> Iterator[dict[str, Any]]:
    if record.not_rankable:
        context.excluded["not rankable"] += 1
        return
    answers = {answer.id: context.answer(answer.text) for answer in record.answers}
    models = {answer.id: context.model_of(answer) for answer in record.answers}
    strict = strict_pairs(record.groups)
    usable = [(c, r) for c, r in strict if answers[c][0]["content"] and answers[r][0]["content"]]
    pairs = sorted((c, r) for c, r in usable if answers[c] != answers[r])
    context.counts["ties"] += len(answers) * (len(answers) - 1) // 2 - len(strict)
    context.counts["pairs with an empty answer"] += len(strict) - len(usable)
    context.counts["pairs of equal text"] += len(usable) - len(pairs)
    if not pairs:
        context.excluded["no strict pair"] += 1
        return
    context.counts["rankings with pairs"] += 1
    context.counts["pairs"] += len(pairs)
    place = ranks(record.groups)
    prompt = context.messages(record.prompt)
    annotator, round_ = context.name(record.trainer), context.rounds.get(record.round or "")
    guideline = context.guidelines.get(record.guideline or "")
    weight = 1 / len(pairs)
    for chosen, rejected in pairs:
        above, below = place[chosen], place[rejected]
        yield {
            "id": f"{record.id}-{chosen}-{rejected}",
            "prompt": prompt,
            "chosen": answers[chosen],
            "rejected": answers[rejected],
            "weight": weight,
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
            "chosen_model_version": models[chosen],
            "rejected_model_version": models[rejected],
            "strength": record.strengths[above] if below == above + 1 and above < len(record.strengths) else None,
            "label_weight": record.label_weight,
            "language": context.language,
            "guideline_version": guideline,
            "seconds": record.seconds,
            "source": record.source or None,
        }
