"""`ai_judgements`: what model versions said of comparisons, apart from what people said. Its source stands here, since
nothing else is made of these records; as votes, where an export asks for that, they come by `_with_judges.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

import orjson

from common.shapes import Message
from exports.formats.base import Context, Format, columns_of
from exports.options import Options
from exports.selection import rules
from exports.selection.rules import Instant, Selection
from exports.sources.base import Record, Source, at, in_order, report_of
from exports.sources.rankings import TOO_FEW, Answer, prompt_as_read
from labeling.preferences import ranks


class Verdict(TypedDict):
    first_completion_id: str
    second_completion_id: str
    said: str
    answer: str | None


@dataclass(slots=True, kw_only=True)
class AiJudgementRecord(Record):
    """A comparison under one judge."""

    comparison: str
    judged_at: str
    discarded_at: str | None
    judge: int
    judge_model: str
    judge_prompt: str
    groups: list[list[str]]
    verdicts: list[Verdict]
    turn: str | None
    round: str | None
    prompt: list[Message]
    answers: list[Answer]

    @property
    def messages_before(self) -> list[Message]:
        return self.prompt

    @property
    def origin(self) -> str:
        return "ai"

    @property
    def screened_as(self) -> str:
        return self.comparison


_FROM = """
    labeling_aijudgement x JOIN labeling_comparison c ON c.id = x.comparison_id
    WHERE c.project_id = %(project)s AND x.judged_at <= %(cutoff)s
"""
_ASSEMBLED = f"""
    SELECT json_build_object(
        'id', x.id, 'comparison', c.id, 'judged_at', {at("x.judged_at")},
        'discarded_at', CASE WHEN c.state = 'discarded' THEN {at("coalesce(c.discarded_at, c.opened_at)")} END,
        'judge', g.number, 'judge_model', g.model_version_id, 'judge_prompt', g.prompt, 'groups', x.groups,
        'split', c.split, 'source', c.source, 'author', c.author_id, 'dialogue', c.dialogue_id, 'turn', c.turn_id,
        'round', c.round_id, 'withdrawn', c.withdrawn_at IS NOT NULL, 'prompt', c.prompt,
        'verdicts', (SELECT json_agg(json_build_object(
                        'first_completion_id', v.first_id, 'second_completion_id', v.second_id, 'said', v.said,
                        'answer', (SELECT a.text FROM sampler_completion a WHERE a.request_id = v.request_id
                                   AND a.index = 0)) ORDER BY v.id)
                     FROM labeling_aiverdict v WHERE v.judgement_id = x.id),
        'answers', (SELECT json_agg(json_build_object(
                        'id', t.id, 'model_version', t.model_version_id, 'label', t.model_label, 'params', t.params,
                        'finish_reason', t.finish_reason, 'text', t.text, 'report', {report_of("t")},
                        'weights_hash', CASE WHEN t.model_version_id IS NOT NULL
                                        THEN t.provenance->>'weights_hash' END) ORDER BY k.index)
                    FROM labeling_candidate k JOIN sampler_completion t ON t.id = k.completion_id
                    WHERE k.comparison_id = c.id))
    FROM labeling_aijudgement x JOIN labeling_aijudge g ON g.id = x.judge_id
    JOIN labeling_comparison c ON c.id = x.comparison_id WHERE x.id = ids.id
"""


class AiJudgementSource(Source[AiJudgementRecord]):
    name = "ai_judgements"
    counted = _FROM

    def query(self, options: Options) -> str:
        return in_order(f"SELECT x.id FROM {_FROM} ORDER BY x.judged_at, x.id", _ASSEMBLED)

    def parse(self, text: str) -> AiJudgementRecord:
        row = orjson.loads(text)
        answers = [Answer(**answer) for answer in row["answers"] or ()]
        prompt = prompt_as_read(row["prompt"], answers)
        return AiJudgementRecord(**{**row, "verdicts": row["verdicts"] or [], "answers": answers, "prompt": prompt})

    def standing(self, record: AiJudgementRecord, at: Instant, selection: Selection) -> str:
        if record.withdrawn or selection.withdrawn(record.judged_at, record.dialogue, record.author):
            return rules.WITHDRAWN
        if record.judged_at > at.at:
            return rules.AFTER
        if record.discarded_at and record.discarded_at <= at.at:
            return "comparison discarded"
        kinds = selection.options.task_types
        if kinds and ("chat" if record.turn else "ranking") not in kinds:
            return "other task type"
        texts = [answer.text for answer in record.answers] + [said["answer"] or "" for said in record.verdicts]
        if any(rules.control_token(text, selection) for text in texts):
            return rules.CONTROL_TOKEN
        if len(record.answers) < 2:
            return TOO_FEW
        return rules.in_round(record.round, selection) or rules.messages(record.prompt, selection, last="user")


class JudgedCompletion(TypedDict):
    rank: int | None
    completion: list[Message]
    completion_id: str
    model: str | None
    finish_reason: str


class AiJudgementRow(TypedDict):
    id: str
    context: list[Message]
    completions: list[JudgedCompletion]
    verdicts: list[Verdict]
    judge: int
    judge_model: str | None
    judge_prompt: str
    prompt_id: str
    dialogue_id: str | None
    turn_id: str | None
    created_at: str
    round: int | None
    language: str


class AiJudgements(Format[AiJudgementRecord, AiJudgementRow]):
    source = AiJudgementSource()
    about = (
        "One row for each comparison that an AI judge (a model with a prompt) read, every two completions in both "
        "orders. No person said any of it."
    )
    columns = columns_of(AiJudgementRow)

    def rows(self, record: AiJudgementRecord, context: Context) -> Iterator[AiJudgementRow]:
        place = ranks(record.groups)  # empty where a pair could not be read
        context.counts["AI judgements"] += 1
        yield {
            "id": record.id,
            "context": context.messages(record.prompt),
            "completions": [
                {
                    "rank": place.get(answer.id),
                    "completion": context.answer(answer.text),
                    "completion_id": answer.id,
                    "model": context.model(answer.model_version, answer.label, answer.weights_hash),
                    "finish_reason": answer.finish_reason,
                }
                for answer in record.answers
            ],
            "verdicts": [
                {**said, "answer": None if said["answer"] is None else context.text(said["answer"])}
                for said in record.verdicts
            ],
            "judge": record.judge,
            "judge_model": context.model(record.judge_model, None, None),
            "judge_prompt": context.text(record.judge_prompt),
            "prompt_id": record.comparison,
            "dialogue_id": record.dialogue,
            "turn_id": record.turn,
            "created_at": record.judged_at,
            "round": context.rounds.get(record.round or ""),
            "language": context.language,
        }


FORMAT = AiJudgements()
