"""How pages are asked for, by htmx and by a script, and what became of a dialogue."""

from __future__ import annotations

from labeling.models import Assignment, Dialogue

HTMX = {"HX-Request": "true"}
SCRIPT = {"X-Requested-With": "fetch"}


def fresh(dialogue: Dialogue) -> Dialogue:
    return Dialogue.objects.get(pk=dialogue.pk)


def texts(dialogue: Dialogue) -> list[str]:
    return list(dialogue.turns.order_by("position").values_list("text", flat=True))


def places(task: Assignment, *numbers: int) -> dict[str, object]:
    return {f"place-{cid}": number for cid, number in zip(task.order_shown, numbers, strict=False)}
