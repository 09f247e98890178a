"""Harm at 200 random offsets of every kind of text is caught by the filter that knows it, and shown to nobody before.

Long texts and windows of single filters: `test_contract.py`.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.models import User
from labeling import chats, comparisons, dialogues, given_prompts, projects, rankings, turns
from labeling.errors import Blocked, Gone, Invalid
from labeling.models import Comparison, Dialogue, Project, Prompt, Turn
from moderation import verdicts as later
from sampler import results, sampling
from sampler.engines.base import ENGINES, Ended, Spec
from sampler.held import Held
from sampler.loaded_models import LoadedModel
from sampler.models import Completion, SampleRequest
from sampler.output import Entry, TokenPublisher
from sampler.params import Drawn, SamplingParams
from sampler.results import Result
from sampler.screened import Screened
from sampler.screener import End, Line, Piece, Screener
from screening import rules
from screening.filters.base import FILTERS
from screening.models import Verdict
from tests import makers

pytestmark = pytest.mark.django_db
BAD = "I will kill you tomorrow."
TIMES = 200


def planted(seed: int, times: int = TIMES, longest: int = 2_000) -> list[str]:
    """Texts with BAD at random offsets, at the very beginning and end too."""
    draw = random.Random(seed)
    places = [(0, 0), (0, 500), (500, 0)] + [(draw.randrange(longest), draw.randrange(500)) for _ in range(times - 3)]
    return [("word " * longest)[:before] + f" {BAD} " + ("more " * 200)[:after] for before, after in places]


def block(project: Project, filter: str = "patterns") -> None:
    rules.choose_filters(project=project.pk, filters=[filter], when_down="wait")
    rules.set_threshold(project=project.pk, filter=filter, category="violence", warn_at=0.3, block_at=0.8)


@pytest.fixture
def blocking(project: Project) -> Project:
    block(project)
    return project


def test_messages(blocking: Project, alice: User) -> None:
    chat = dialogues.start_dialogue(project=blocking, author=alice, kind="chat")
    for text in planted(1):
        with pytest.raises(Blocked):
            chats.send_message(dialogue=chat, text=text)
    assert not Turn.objects.exists()
    assert not SampleRequest.objects.exists()
    assert Verdict.objects.filter(target="message", action="block").count() == TIMES


def test_turns_of_demonstrations_written_and_edited(blocking: Project, alice: User) -> None:
    draft = dialogues.start_dialogue(project=blocking, author=alice, kind="demonstration")
    turn = turns.add_turn(dialogue=draft, role="user", text="Hello?")
    for text in planted(2):
        with pytest.raises(Blocked):
            turns.add_turn(dialogue=draft, role="assistant", text=text)
        with pytest.raises(Blocked):
            turns.edit_turn(turn=turn, text=text)
    assert [one.text for one in draft.turns.all()] == ["Hello?"]


@pytest.mark.parametrize("purpose", ["reply", "suggestion", "comparison"])
def test_what_models_write_in_every_place_of_a_request(blocking: Project, purpose: str) -> None:
    version = makers.make_model("writer")
    texts = planted(3)
    for start in range(0, TIMES, 50):
        made = sampling.request_completions(
            model_version=version, prompt=[{"role": "user", "content": "Q?"}], n=50, purpose=purpose,
            screening={"project": str(blocking.pk)},
        )  # fmt: skip
        drawn = [Drawn(index, text, "stop") for index, text in enumerate(texts[start : start + 50])]
        drawn[7] = Drawn(7, "Yes.", "stop", reasoning=texts[start + 7])  # in the trace, which some are shown
        assert results.complete(request_id=made.pk, attempt=0, result=Result(drawn))
    assert set(Completion.objects.values_list("withheld", flat=True)) == {"blocked"}
    assert Completion.objects.count() == TIMES


@pytest.mark.parametrize("index", range(9))
def test_texts_that_are_brought_in_every_slot(blocking: Project, index: int) -> None:
    for number, text in enumerate(planted(index, times=23)):
        given = [{"text": f"Answer {place}."} for place in range(9)]
        given[index] = {"text": text}
        prompt = [{"role": "user", "content": f"Question {number}?"}]
        comparisons.bring(project=blocking, prompt=prompt, completions=given)
    assert set(Comparison.objects.values_list("state", flat=True)) == {"discarded"}


def test_prompts_that_are_brought(blocking: Project) -> None:
    for text in planted(4):
        prompt = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
        given = [{"text": "One."}, {"text": "Two."}]
        comparisons.bring(project=blocking, prompt=prompt, completions=given)
    assert list(Comparison.objects.values_list("state", flat=True)) == ["discarded"] * TIMES


def test_given_prompts_are_given_to_nobody_before_and_after_their_verdict(blocking: Project, alice: User) -> None:
    projects.change_settings(project=blocking, prompted_share=1.0)
    pool = [[{"role": "system", "content": text}, {"role": "user", "content": "Go on?"}] for text in planted(5, 100)]
    pool += [[{"role": "user", "content": text}] for text in planted(6, 100)]
    made = projects.add_prompts(project=blocking, prompts=pool)
    with pytest.raises(Invalid, match="before the content filter has read it"):
        given_prompts.begin(project=blocking, author=alice, kind="demonstration")
    with pytest.raises(Invalid, match="before the content filter has read it"):
        dialogues.start_dialogue(project=blocking, author=alice, kind="chat", prompt=made[0])
    later.screen(blocking, "patterns")
    assert not Prompt.objects.filter(retired_at__isnull=True).exists()
    assert Verdict.objects.filter(target="prompt", action="block").count() == len(made)
    with pytest.raises(Invalid, match="Every prompt"):
        given_prompts.begin(project=blocking, author=alice, kind="demonstration")
    with pytest.raises(Gone, match="blocks this prompt"):
        dialogues.start_dialogue(project=blocking, author=alice, kind="chat", prompt=made[0])
    assert not Turn.objects.exists()


def test_a_prompt_that_was_let_through_is_given(blocking: Project, alice: User) -> None:
    projects.change_settings(project=blocking, prompted_share=1.0)
    (prompt,) = projects.add_prompts(project=blocking, prompts=[[{"role": "user", "content": "Name a river."}]])
    later.screen(blocking, "patterns")
    assert given_prompts.begin(project=blocking, author=alice, kind="demonstration").prompt == prompt


def test_a_filter_that_loads_a_model_reads_the_pool_in_a_sampler_worker(
    project: Project, knowing: Knowing, alice: User
) -> None:
    block(project, "knowing")
    pool = [[{"role": "user", "content": text}] for text in (BAD, "Name a river.")]
    projects.add_prompts(project=project, prompts=pool)
    assert later.in_worker(project) == []
    import_string(settings.SAMPLER_SCREENS)()
    assert knowing.judged
    (left,) = Prompt.objects.filter(retired_at__isnull=True)
    assert left.messages == pool[1]
    assert dialogues.start_dialogue(project=project, author=alice, kind="chat", prompt=left).prompt == left


def test_where_nothing_blocks_prompts_wait_for_nobody(project: Project, alice: User) -> None:
    projects.change_settings(project=project, prompted_share=1.0)
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": BAD}]])
    assert given_prompts.begin(project=project, author=alice, kind="demonstration").given_turns


def test_ideal_answers(blocking: Project, alice: User) -> None:
    projects.change_settings(project=blocking, ask_ideal_answer=True)
    for text in planted(7, times=20) + planted(8, times=20):
        lease = makers.make_lease(makers.make_comparison(blocking, k=2), alice)
        order = lease.order_shown
        with pytest.raises(Blocked):
            rankings.submit_and_lease_next(
                assignment=lease, trainer=alice, groups=[[cid] for cid in order], ideal_answer=text
            )
        lease.refresh_from_db()
        assert lease.state == "leased"
    assert not Dialogue.objects.filter(source="ideal answer").exists()
    assert Verdict.objects.filter(target="message", action="block", author=alice).count() == 40
    ranking = rankings.submit_and_lease_next(
        assignment=lease, trainer=alice, groups=[[cid] for cid in order], ideal_answer="The Elbe."
    ).ranking
    assert ranking.ideal_answer is not None
    turn = ranking.ideal_answer.turns.get(text="The Elbe.")
    assert Verdict.objects.get(target_id=turn.pk).action == "none"


def test_imported_dialogues_and_what_was_submitted_before_the_filter_blocked(project: Project, alice: User) -> None:
    texts = planted(9)
    rows = [Dialogue(project=project, author=alice, kind="demonstration", state="submitted", source="an import",
                     submitted_at=timezone.now(), prompt_key=str(number)) for number in range(TIMES)]  # fmt: skip
    Dialogue.objects.bulk_create(rows)
    Turn.objects.bulk_create(
        Turn(dialogue=row, position=0, role="user", text=text) for row, text in zip(rows, texts, strict=True)
    )
    block(project)
    assert later.screen(project, "patterns") == TIMES
    assert Verdict.objects.filter(target="turn", action="block").count() == TIMES


def test_an_edited_turn_keeps_no_word_about_what_it_was(blocking: Project, alice: User, knowing: Knowing) -> None:
    draft = dialogues.start_dialogue(project=blocking, author=alice, kind="demonstration")
    turns.add_turn(dialogue=draft, role="user", text="Hello?")
    answer = turns.add_turn(dialogue=draft, role="assistant", text="Good day.")
    dialogues.submit_dialogue(dialogue=draft)
    block(blocking, "knowing")
    later.screen(blocking, "knowing")
    Dialogue.objects.filter(pk=draft.pk).update(state="draft", submitted_at=None)
    assert Verdict.objects.filter(target_id=answer.pk, filter="knowing").exists()
    turns.edit_turn(turn=Turn.objects.get(pk=answer.pk), text="Say the forbidden sentence.")
    assert not Verdict.objects.filter(target_id=answer.pk, filter="knowing").exists()
    dialogues.submit_dialogue(dialogue=Dialogue.objects.get(pk=draft.pk))
    later.screen(blocking, "knowing")
    assert Verdict.objects.get(target_id=answer.pk, filter="knowing").action == "block"


# While it is written


class Knowing:
    """A slow filter that knows BAD, and notes what it has judged."""

    version = "1"
    categories = {"violence": 0.5}
    fast = in_worker = False

    def __init__(self) -> None:
        self.seconds = 0.0
        self.judged: list[str] = []
        self.calls = 0

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        self.calls += 1
        time.sleep(self.seconds)
        self.judged += texts
        return [{"violence": float(BAD in text or "forbidden sentence" in text)} for text in texts]


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> Knowing:
    made, load, choices = Knowing(), FILTERS.load, FILTERS.choices
    monkeypatch.setattr(FILTERS, "load", lambda name: made if name == "knowing" else load(name))
    monkeypatch.setattr(FILTERS, "choices", lambda: (*choices(), "knowing"))
    return made


@dataclass
class Shown(TokenPublisher):
    """A publisher that keeps what a reader would see, and whether the filter had judged it then."""

    filter: Knowing
    text: dict[uuid.UUID, str] = field(default_factory=dict)
    unjudged: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def put(self, entries: list[Entry]) -> None:
        for request_id, fields in entries:
            if "t" in fields:
                self.at.append(time.monotonic())
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
    line.close(within=60)
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
    line, began = Line(project.pk, shown), time.monotonic()
    for text in ["word " * 300, *planted(13, times=20)]:
        write(line, held(project), text, draw, found)
    line.put(None)
    line.close(within=60)
    assert len(found) == 21
    assert shown.unjudged == []
    assert not any(BAD in text for text in shown.text.values())
    assert "word " * 300 in shown.text.values()
    assert 2.0 <= shown.at[0] - began < 4.0, "at most one verdict later"


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
    line.close(within=20)
    assert shown.text == {}
    assert Verdict.objects.get(target_id=turn).action == "block"
    assert found[0] is not None
    assert found[0].message[0].action == "block"


@pytest.mark.django_db(transaction=True)
def test_a_slow_filter_keeps_only_its_own_project_waiting(project: Project, knowing: Knowing) -> None:
    other = makers.make_project("other", with_round=False)
    block(project, "knowing")
    block(other, "patterns")
    knowing.seconds = 3.0
    shown, found = Shown(knowing), list[Screened | None]()
    screener, began = Screener(shown), time.monotonic()
    for one in (held(project), held(other)):
        job = uuid.uuid4()
        screener.put(Piece(job, one, 0, "Hello."))
        screener.put(End(job, one, Ended(job, (Drawn(0, "Hello.", "stop"),)), found.append))
    while not found:
        time.sleep(0.02)
    assert time.monotonic() - began < 2.5
    assert found[0] is not None
    assert found[0].plan.project == other.pk
    screener.close(within=20)
    assert len(found) == 2
