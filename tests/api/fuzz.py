"""Bodies for the fuzz of the API: what people send to each address, as it is, changed, and hostile."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Model
from rest_framework.test import APIClient

from accounts.models import User
from common.shapes import Json
from labeling import chats, dialogues, turns
from labeling.models import Comparison, Dialogue, Project, Prompt, Ranking, Turn, TurnFeedback
from sampler.models import SampleRequest
from tests import makers
from tests.labeling.import_fuzz import broken, changed

HOSTILE_TEXTS = ["", " ", "\0", "\ud83d", "\u200b", "a<end_of_turn>b", "<|im_end|>", "[/INST]", "\x1b[2J", "x" * 5_000]


@dataclass(frozen=True)
class Asked:
    """One request, whose records are stored in rows of `stored_as`, all or none of them."""

    client: APIClient
    method: str
    address: str
    body: Json
    stored_as: type[Model]


class Doors:
    """Addresses that take records, each with what it takes as things stand."""

    def __init__(self, project: Project, author: User, clients: tuple[APIClient, APIClient], rng: random.Random):
        self._project, self._author, self._rng = project, author, rng
        self._trainer, self._manager = clients
        self._base = f"/api/v1/projects/{project.slug}"
        self._number = 0

    def next(self) -> Asked:
        self._number += 1
        doors: list[Callable[[], Asked]] = [
            self._comparisons, self._comparisons, self._prompts, self._dialogue, self._turn, self._edit, self._message,
            self._ranking, self._thumb,
        ]  # fmt: skip
        return self._rng.choice(doors)()

    def _text(self, what: str) -> str:
        """Mostly its own, now and then one that came before, and now and then a hostile one."""
        chance = self._rng.random()
        if chance < 0.08:
            return self._rng.choice(HOSTILE_TEXTS)
        number = self._rng.randrange(5) if chance < 0.2 else self._number
        return f"{what} {number} {self._rng.choice('abc')}?"

    def _prompt(self) -> list[Json]:
        said: list[Json] = [{"role": "user", "content": self._text("Why")}]
        if self._rng.random() < 0.3:
            said.insert(0, {"role": "system", "content": "Be brief."})
        if self._rng.random() < 0.1:
            said.append({"role": "assistant", "content": "So."})
        return said

    def _comparison(self) -> Json:
        texts: list[Json] = [
            {"text": self._text(name), "model_version": "m"} for name in "xyz"[: self._rng.choice([2, 3])]
        ]
        return {"prompt": self._prompt(), "completions": texts, "votes": self._rng.choice([1, 2, None])}

    def _comparisons(self) -> Asked:
        several = self._rng.choice([0, 0, 2, 5])
        body: Json = [self._comparison() for _ in range(several)] if several else self._comparison()
        return Asked(self._manager, "POST", f"{self._base}/comparisons/", body, Comparison)

    def _prompts(self) -> Asked:
        several = self._rng.choice([1, 3])
        body: Json = {"prompts": [self._prompt() for _ in range(several)], "source": "fuzz"}
        return Asked(self._manager, "POST", f"{self._base}/prompts/", body, Prompt)

    def _dialogue(self) -> Asked:
        kind = self._rng.choice(["chat", "demonstration"])
        return Asked(self._trainer, "POST", f"{self._base}/dialogues/", {"kind": kind}, Dialogue)

    def _draft(self, kind: str) -> Dialogue:
        found = Dialogue.objects.filter(kind=kind, state="draft", author=self._author).order_by("created_at").last()
        if found is None or found.turns.count() > 40:
            return dialogues.start_dialogue(project=self._project, author=self._author, kind=kind)
        return found

    def _turn(self) -> Asked:
        draft = self._draft("demonstration")
        role = self._rng.choice(["user", "assistant"])
        body: Json = {"role": role, "text": self._text("Turn"), "seconds": 3}
        return Asked(self._trainer, "POST", f"/api/v1/dialogues/{draft.pk}/turns/", body, Turn)

    def _edit(self) -> Asked:
        draft = self._draft("demonstration")
        turn = draft.turns.last() or turns.add_turn(dialogue=draft, role="user", text="Why?")
        return Asked(self._trainer, "PATCH", f"/api/v1/turns/{turn.pk}/", {"text": self._text("Edited")}, Turn)

    def _message(self) -> Asked:
        chat = self._draft("chat")
        for request in SampleRequest.objects.filter(state="queued"):
            makers.answer(request, "So it is.")
        chats.store_ended_replies()
        body: Json = {"text": self._text("Message")}
        return Asked(self._trainer, "POST", f"/api/v1/dialogues/{chat.pk}/turns/", body, Turn)

    def _ranking(self) -> Asked:
        task = makers.make_lease(makers.make_comparison(self._project), self._author)
        a, b, c, d = task.order_shown
        body: Json = {
            "groups": [[a], [b, c], [d]], "ratings": {a: 7, d: 1}, "flags": {a: [self._project.flags[0]]},
            "note": self._text("Note"), "strengths": [], "seconds": 9,
        }  # fmt: skip
        return Asked(self._trainer, "PUT", f"/api/v1/assignments/{task.pk}/ranking/", body, Ranking)

    def _thumb(self) -> Asked:
        answered = Turn.objects.filter(dialogue__author=self._author, completion__isnull=False).order_by("pk")
        turn = answered.last() or makers.make_chat(self._project, self._author).turns.latest("position")
        TurnFeedback.objects.filter(turn=turn).delete()
        body: Json = {"thumb_up": True, "reasons": ["clear"], "comment": self._text("Comment")}
        return Asked(self._trainer, "PUT", f"/api/v1/turns/{turn.pk}/feedback/", body, TurnFeedback)


def as_sent(body: Json, rng: random.Random) -> bytes:
    """The body as it is, changed in places, or broken on its way."""
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 4])):
        body = changed(body, rng)
    line = json.dumps(body, ensure_ascii=rng.random() < 0.8)
    return (broken(line, rng) if rng.random() < 0.03 else line).encode("utf-8", "surrogatepass")


def records_in(body: Json) -> int:
    """How many things to store a body holds; whatever is no list of them is meant as one."""
    if isinstance(body, dict) and isinstance(prompts := body.get("prompts"), list):
        return max(1, len(prompts))
    return max(1, len(body)) if isinstance(body, list) else 1
