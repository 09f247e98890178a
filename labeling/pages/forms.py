"""What pages send, read into plain values. Only shapes: what may be stored is the domain's to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.http import QueryDict

from labeling import preferences
from labeling.models import Turn

LETTERS = "ABCDEFGHI"  # names of completions on the page, in the order shown
NONE_REASONS = (
    "All of them are wrong or unusable",
    "The prompt makes no sense or is not in my language",
    "I cannot tell which is better: not my subject",
    "The prompt asks for something that must not be answered",
)
SKIP_REASONS = ("Not my subject", "Not my language", "Too long to read with care now", "It upsets me", "Broken display")
PRAISE = ("helpful", "correct", "well written", "right length", "careful")
COMPLAINTS = (
    "not true", "not helpful", "ignores the instruction", "too long", "harmful or unsafe", "refused needlessly",
    "guessed instead of asking",
)  # fmt: skip


@dataclass
class RankingForm:
    """The ranking page's fields, partial or whole. `draft()` is what the assignment keeps."""

    places: dict[str, int] = field(default_factory=dict)
    ratings: dict[str, int] = field(default_factory=dict)
    flags: dict[str, list[str]] = field(default_factory=dict)
    strengths: list[int | None] = field(default_factory=list)
    note: str = ""
    not_rankable: str = ""
    not_rankable_other: str = ""
    ideal_answer: str = ""
    errors: list[str] = field(default_factory=list)

    @classmethod
    def from_post(cls, post: QueryDict, ids: Sequence[str]) -> RankingForm:
        form = cls(
            note=post.get("note", ""),
            not_rankable=post.get("not_rankable", ""),
            not_rankable_other=post.get("not_rankable_other", ""),
            ideal_answer=post.get("ideal_answer", ""),
        )
        for cid in ids:
            form._number(post.get(f"place-{cid}", ""), form.places, cid, len(ids), "A place")
            form._number(post.get(f"rating-{cid}", ""), form.ratings, cid, 7, "A rating")
            if names := post.getlist(f"flag-{cid}"):
                form.flags[cid] = names
        strengths = [post.get(f"strength-{number}", "") for number in range(1, len(ids))]
        form.strengths = [int(value) if value in {"1", "2", "3", "4"} else None for value in strengths]
        return form

    @classmethod
    def from_draft(cls, draft: dict[str, Any]) -> RankingForm:
        """From an assignment's draft: of this page, of the API, or of an undone ranking."""
        places = draft.get("places")
        if places is None:
            places = {cid: place for place, group in enumerate(draft.get("groups") or [], 1) for cid in group}
        reason = draft.get("not_rankable") or ""
        listed = reason in NONE_REASONS
        return cls(
            places=places,
            ratings=draft.get("ratings") or {},
            flags=draft.get("flags") or {},
            strengths=draft.get("strengths") or [],
            note=draft.get("note") or "",
            not_rankable=reason if listed else "",
            not_rankable_other=draft.get("not_rankable_other") or ("" if listed else reason),
            ideal_answer=draft.get("ideal_answer") or "",
        )

    def _number(self, value: str, into: dict[str, int], cid: str, highest: int, name: str) -> None:
        value = value.strip()
        if not value:
            return
        if value.isascii() and value.isdigit() and 1 <= int(value) <= highest:
            into[cid] = int(value)
        else:
            self.errors.append(f"{name} is a whole number from 1 to {highest}, not {value[:20]!r}.")

    def draft(self) -> dict[str, Any]:
        return {
            "places": self.places,
            "ratings": self.ratings,
            "flags": self.flags,
            "strengths": self.strengths,
            "note": self.note,
            "not_rankable": self.not_rankable,
            "not_rankable_other": self.not_rankable_other,
            "ideal_answer": self.ideal_answer,
        }

    def groups(self) -> list[list[str]]:
        return preferences.groups_from_places(self.places)

    def asked_strengths(self) -> list[int]:
        """One between each two neighbouring places in use; none at all unless all were given."""
        wanted = self.strengths[: max(0, len(set(self.places.values())) - 1)]
        given = [value for value in wanted if value is not None]
        return given if len(given) == len(wanted) else []

    def problem(self, order_shown: Sequence[str], *, none: bool) -> str:
        """Why this cannot be submitted, in a sentence; empty: nothing in its shape."""
        if self.errors:
            return " ".join(self.errors)
        if none:
            return "" if self.reason() else "Say why none of them can be ranked."
        missing = [letter for letter, cid in zip(LETTERS, order_shown, strict=False) if cid not in self.places]
        return f"Every completion needs a place; without one: {', '.join(missing)}." if self.places and missing else ""

    def reason(self) -> str:
        return (self.not_rankable_other.strip() or self.not_rankable).strip()


class ComposerForm(forms.Form):
    """What the composer of a dialogue holds; every field may be missing."""

    role = forms.ChoiceField(choices=Turn.Role.choices, required=False)
    text = forms.CharField(required=False, strip=False)
    completion = forms.UUIDField(required=False)
    position = forms.IntegerField(min_value=0, max_value=10_000, required=False)
    edit_turn = forms.UUIDField(required=False)
    edit_text = forms.CharField(required=False, strip=False)
    seconds = forms.IntegerField(min_value=0, required=False)
    pasted = forms.IntegerField(min_value=0, max_value=10_000_000, required=False)
    draft_version = forms.IntegerField(min_value=0, required=False)

    def composer(self, before: dict[str, Any]) -> dict[str, Any]:
        """The stored composer with the posted fields in it."""
        kept = dict(before)
        for name in ("role", "text", "position", "edit_text", "pasted"):
            if name in self.data:
                kept[name] = self.cleaned_data[name]
        for name in ("completion", "edit_turn"):
            if name in self.data:
                kept[name] = str(self.cleaned_data[name]) if self.cleaned_data[name] else ""
        return kept


class FeedbackForm(forms.Form):
    thumb = forms.ChoiceField(choices=[("up", "up"), ("down", "down")])
    reasons = forms.MultipleChoiceField(choices=[(word, word) for word in (*PRAISE, *COMPLAINTS)], required=False)
    comment = forms.CharField(max_length=4000, required=False)


def number(value: str | None) -> int | None:
    """A posted whole number, None where there is none."""
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else None
