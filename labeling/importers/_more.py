"""What a judge said beside the order: grades on criteria and marks on words, checked as those of our own trainers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.shapes import Json
from labeling.criteria import Criterion, check_criteria, check_grades
from labeling.errors import Invalid
from labeling.importers._fields import list_of, number_of, object_of, text_of
from labeling.importers.base import Fields, Rejected, Transforms
from labeling.spans import Span, check_categories, check_spans, plain

Graded = Mapping[int, Mapping[str, int]]
Marked = Mapping[int, list[Span]]


def scales_of(given: Json, transforms: Transforms) -> list[Criterion]:
    """The criteria that were asked, each with its steps."""
    rows = [object_of(one, transforms, "scales") for one in list_of(given, "scales")] if given else []
    scales = [{"name": row.get("name"), "steps": whole(row.get("steps"), "steps")} for row in rows]
    try:
        return check_criteria(scales)
    except Invalid as refusal:
        raise Rejected(str(refusal)) from None


def grades_of(given: Mapping[int, Mapping[str, Json]], scales: Sequence[Criterion]) -> Graded:
    """Grades by the completions' places, then by the criterion's name."""
    read = {
        str(place): {name: whole(grade, "grade") for name, grade in grades.items()}
        for place, grades in given.items()
        if grades
    }
    try:
        return {int(place): grades for place, grades in check_grades(read, sorted(read), scales).items()}
    except Invalid as refusal:
        raise Rejected(str(refusal)) from None


def marks_of(given: Mapping[int, Json], texts: Sequence[tuple[str, str]], transforms: Transforms) -> Marked:
    """Marks by the completions' places. `texts`: each as it came and as it is stored; where the two differ a mark would
    stand on other words, so that it is left out."""
    read: dict[str, list[dict[str, object]]] = {}
    for place, marks in given.items():
        rows = [object_of(one, transforms, "spans") for one in list_of(marks, "spans")] if marks else []
        if rows and plain(texts[place][0]) != plain(texts[place][1]):
            transforms.note("marks on a text that was stripped left out")
            continue
        read[str(place)] = [_mark(row) for row in rows]
    named = dict.fromkeys(str(mark["category"]) for marks in read.values() for mark in marks)
    stored = {place: texts[int(place)][1] for place in read}
    try:
        checked = check_spans(read, stored, check_categories(list(named)))
    except Invalid as refusal:
        raise Rejected(str(refusal)) from None
    return {int(place): marks for place, marks in checked.items()}


def _mark(row: Fields) -> dict[str, object]:
    comment = text_of(row.get("comment") or "", "comment")
    category = text_of(row.get("category"), "category")
    return {"start": whole(row.get("start"), "start"), "end": whole(row.get("end"), "end"),
            "category": category, "comment": comment}  # fmt: skip


def whole(given: Json, what: str) -> int:
    """5 and 5.0: tools that hold a column with gaps as floats write it back so."""
    number = number_of(given, what)
    if not number.is_integer():
        raise Rejected(f"The field {what!r} is not a whole number.")
    return int(number)
