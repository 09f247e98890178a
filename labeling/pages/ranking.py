"""What the ranking pages show, put together from rows: reads only, no request and no HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from django.utils.translation import gettext

from labeling import undo
from labeling.assignments import SKIP_REASONS
from labeling.judgements import NONE_REASONS
from labeling.models import Assignment, Comparison, Project, Ranking
from labeling.offering import NOTHING, Avoided
from labeling.pages import cover, markdown, outcomes, verdicts
from labeling.pages.letters import LETTERS, letters_of
from labeling.pages.ranking_form import RankingForm
from screening.models import Verdict


@dataclass(frozen=True)
class Card:
    """One completion on the ranking page."""

    letter: str
    id: str
    text: str
    cut: bool
    reasoning: str
    place: int | str
    rating: str
    flags: list[str]
    seconds: int
    proposed: bool
    criteria: Mapping[str, int]
    spans: str  # as JSON, as the page's field holds them; empty: none
    verdict: Verdict | None  # the content filter's warning
    cover: str  # under which id it is revealed; empty: it is not covered
    shown: bool  # it was revealed


class Gap(TypedDict):
    """Between two neighbouring places: how strong the preference is."""

    number: int
    below: int
    value: int | None


class RankingContext(TypedDict):
    assignment: Assignment
    comparison: Comparison
    project: Project
    cards: list[Card]
    draft: RankingForm
    flags: Sequence[str]
    gaps: list[Gap]
    strengths: list[tuple[int, str]]
    none_reasons: Sequence[str]
    skip_reasons: Sequence[str]
    rich: bool  # a text may hold code, a table or mathematics
    expired: bool
    prompt_cover: Mapping[int, str]
    covering: bool  # also where the project covers nothing


class RankedContext(TypedDict):
    assignment: Assignment
    comparison: Comparison
    project: Project
    ranking: Ranking | None
    places: list[str]
    texts: list[tuple[str, str, bool]]
    can_undo: bool
    became: str  # in a sentence
    mend: UUID | None  # what waits for a new version


def texts_by_letter(assignment: Assignment) -> dict[str, str]:
    """The completions' texts in the order shown."""
    texts = assignment.comparison.texts
    return {letter: texts[cid] for cid, letter in letters_of(assignment.order_shown).items()}


def ranking_context(
    assignment: Assignment, form: RankingForm | None = None, avoided: Avoided = NOTHING
) -> RankingContext:
    """Everything of the ranking page that hangs on the assignment; texts that its reader avoids are covered."""
    form = form or RankingForm.from_draft(assignment.draft)
    project = assignment.comparison.project
    cards = cards_of(assignment.comparison, assignment.order_shown, form, avoided)
    strengths = [*form.strengths, *([None] * len(cards))]
    texts = [*(message["content"] for message in assignment.comparison.prompt), *(card.text for card in cards)]
    return {
        "assignment": assignment,
        "comparison": assignment.comparison,
        "project": project,
        "cards": cards,
        "draft": form,
        "flags": project.flags,
        "gaps": [{"number": n, "below": n + 1, "value": strengths[n - 1]} for n in range(1, len(cards))],
        "strengths": [(level.value, str(level.label)) for level in Ranking.Strength],
        "none_reasons": NONE_REASONS,
        "skip_reasons": SKIP_REASONS,
        "rich": any(markdown.may_be_rich(text) for text in texts),
        "expired": assignment.state == Assignment.State.EXPIRED,
        "prompt_cover": cover.of_prompt(assignment.comparison, avoided),
        "covering": bool(avoided),
    }


def cards_of(
    comparison: Comparison, order_shown: Sequence[str], form: RankingForm, avoided: Avoided = NOTHING
) -> list[Card]:
    """The completions as cards, with what `form` says of each: for the trainer, and for who reviews the ranking."""
    texts, warned = comparison.texts, verdicts.on_comparison(comparison)
    unwanted = cover.unwanted_completions(comparison, order_shown, avoided)
    return [
        Card(
            letter=letter,
            id=cid,
            text=texts[cid],
            cut=cid in comparison.cut,
            reasoning=comparison.reasoning.get(cid, ""),
            place=form.places.get(cid, ""),
            rating=str(form.ratings.get(cid, "")),
            flags=form.flags.get(cid, []),
            seconds=form.seconds.get(cid, 0),
            proposed=cid in form.proposed,
            criteria=form.criteria.get(cid, {}),
            spans=json.dumps(form.spans[cid], ensure_ascii=False) if form.spans.get(cid) else "",
            verdict=warned.get(cid),
            cover=cid if cid in unwanted or cover.covers(comparison.project, warned.get(cid), by_model=True) else "",
            shown=cid in form.shown,
        )
        for letter, cid in zip(LETTERS, order_shown, strict=False)
    ]


def ranked_context(assignment: Assignment) -> RankedContext:
    """What became of a task that is not open any more."""
    submitted = assignment.state == Assignment.State.SUBMITTED
    mine = outcomes.with_decisions(assignment.rankings.in_force())
    standing = mine.first() if submitted else None
    outcome = outcomes.of_ranking(standing, assignment.comparison) if standing is not None else ""
    letters = letters_of(assignment.order_shown)
    project = assignment.comparison.project
    shown = [(cid, assignment.comparison.texts[cid]) for cid in assignment.order_shown]
    return {
        "assignment": assignment,
        "comparison": assignment.comparison,
        "project": project,
        "ranking": standing,
        "places": [", ".join(letters[cid] for cid in group) for group in standing.groups] if standing else [],
        "texts": [(letters[cid], text, cid in assignment.comparison.cut) for cid, text in shown],
        "can_undo": standing is not None
        and bool(vars(standing)["unseen"])
        and undo.can_undo(standing.submitted_at, project.undo_minutes),
        "became": outcomes.sentence(outcome),
        "mend": standing.pk if standing is not None and outcome == outcomes.RETURNED else None,
    }


def contradiction_words(
    pairs: Sequence[tuple[str, str]], order_shown: Sequence[str], ratings: Mapping[str, int]
) -> list[str]:
    """'You placed A above C, but rated A 3 and C 6.'"""
    letters = letters_of(order_shown)
    told = gettext("You placed %(a)s above %(b)s, but rated %(a)s %(grade_a)s and %(b)s %(grade_b)s.")
    return [
        told % {"a": letters[above], "b": letters[below], "grade_a": ratings[above], "grade_b": ratings[below]}
        for above, below in pairs
    ]
