"""Replies are screened while they stream: what is harmful, or not judged yet, is shown to nobody."""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import dataclass, field

import pytest
from django.utils import timezone

from labeling.models import Project
from sampler.engines.base import ENGINES, Ended, Spec
from sampler.held import Held
from sampler.loaded_models import LoadedModel
from sampler.output import Entry, TokenPublisher
from sampler.params import Drawn, SamplingParams
from sampler.screened import Screened
from sampler.screener import End, Line, Piece, Screener
from screening.models import Verdict
from tests import makers
from tests.screening.planting import BAD, TIMES, Knowing, block, planted


@dataclass
class Shown(TokenPublisher):
    """A publisher that keeps what a reader would see, and whether the filter had judged it then."""

    filter: Knowing
    text: dict[uuid.UUID, str] = field(default_factory=dict)
    unjudged: list[str] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)  # of the filter, by each time that something was shown

    def put(self, entries: list[Entry]) -> None:
        for request_id, fields in entries:
            if "t" in fields:
                self.calls.append(self.filter.calls)
                if not any(fields["t"] in text for text in self.filter.judged):
                    self.unjudged.append(fields["t"])
                self.text[request_id] = self.text.get(request_id, "") + fields["t"]


def held(project: Project) -> Held:
    engine = ENGINES.load("fake").load(Spec("fake"))
    model = LoadedModel(uuid.uuid4(), "fake", engine, engine.provenance())
    now = timezone.now()
    return Held(
        uuid.uuid4(), 1, model, True, False, now, now, SamplingParams(), screening={"project": str(project.pk)}
    )  # fmt: skip


def write(line: Line, one: Held, text: str, draw: random.Random, found: list[Screened | None]) -> None:
    """The text in pieces of any size, and its end."""
    job, at = uuid.uuid4(), 0
    while at < len(text):
        size = draw.choice([1, 3, 8, 40, 300, 900])
        line.put(Piece(job, one, 0, text[at : at + size]))
        at += size
    line.put(End(job, one, Ended(job, (Drawn(0, text, "stop"),)), found.append))


@pytest.mark.django_db(transaction=True)
def test_replies_while_they_stream(project: Project, knowing: Knowing) -> None:
    block(project, "knowing")
    draw, found, shown = random.Random(11), list[Screened | None](), Shown(knowing)
    line = Line(project.pk, shown)
    for text in planted(10):
        write(line, held(project), text, draw, found)
    line.put(None)
    line.close(within=90)
    assert len(found) == TIMES
    assert all(one is not None and one.texts[0][0].action == "block" for one in found)
    assert shown.unjudged == []
    assert not any(BAD in text for text in shown.text.values())


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_nothing_is_shown_before_the_verdict_of_a_filter_that_takes_two_seconds(
    project: Project, knowing: Knowing
) -> None:
    block(project, "knowing")
    knowing.seconds = 2.0
    draw, found, shown = random.Random(12), list[Screened | None](), Shown(knowing)
    line = Line(project.pk, shown)
    for text in ["word " * 300, *planted(13, times=20)]:
        write(line, held(project), text, draw, found)
    line.put(None)
    line.close(within=90)
    assert len(found) == 21
    assert shown.unjudged == []
    assert not any(BAD in text for text in shown.text.values())
    assert "word " * 300 in shown.text.values()
    assert shown.calls[0] == 1, "one verdict later"


@pytest.mark.django_db(transaction=True)
def test_the_message_is_judged_in_the_same_question_as_the_first_window(project: Project, knowing: Knowing) -> None:
    block(project, "knowing")
    knowing.seconds = 0.3
    shown, found, turn = Shown(knowing), list[Screened | None](), uuid.uuid4()
    one = held(project)
    one.screening, one.message = {"project": str(project.pk), "turn": str(turn)}, BAD
    line = Line(project.pk, shown)
    job = uuid.uuid4()
    line.put(Piece(job, one, 0, "A harmless answer."))
    line.put(End(job, one, Ended(job, (Drawn(0, "A harmless answer.", "stop"),)), found.append))
    line.put(None)
    line.close(within=90)
    assert shown.text == {}
    assert Verdict.objects.get(target_id=turn).action == "block"
    assert found[0] is not None
    assert found[0].message[0].action == "block"


@pytest.mark.django_db(transaction=True)
def test_a_reply_of_a_red_team_chat_is_written_to_its_end_and_judged(
    project: Project, knowing: Knowing, monkeypatch: pytest.MonkeyPatch
) -> None:
    block(project, "knowing")
    cancelled = list[uuid.UUID]()
    for goes_on in (True, False):
        shown, found, one = Shown(knowing), list[Screened | None](), held(project)
        one.screening = {"project": str(project.pk), **({"goes_on": True} if goes_on else {})}
        monkeypatch.setattr(one.model.engine, "cancel", cancelled.append)
        line = Line(project.pk, shown)
        write(line, one, f"Well: {BAD} And more.", random.Random(1), found)
        line.put(None)
        line.close(within=90)
        assert not any(BAD in text for text in shown.text.values())
        assert found[0] is not None
        assert found[0].texts[0][0].action == "block"
        assert bool(cancelled) is not goes_on


@pytest.mark.django_db(transaction=True)
def test_a_slow_filter_keeps_only_its_own_project_waiting(project: Project, knowing: Knowing) -> None:
    other = makers.make_project("other", with_round=False)
    block(project, "knowing")
    block(other, "patterns")
    knowing.go_on.clear()
    shown, found = Shown(knowing), list[Screened | None]()
    screener, until = Screener(shown), time.monotonic() + 30
    for one in (held(project), held(other)):
        job = uuid.uuid4()
        screener.put(Piece(job, one, 0, "Hello."))
        screener.put(End(job, one, Ended(job, (Drawn(0, "Hello.", "stop"),)), found.append))
    while not found:
        assert time.monotonic() < until, "it waits for the filter of the other project"
        time.sleep(0.02)
    knowing.go_on.set()
    assert found[0] is not None
    assert found[0].plan.project == other.pk
    screener.close(within=90)
    assert len(found) == 2
