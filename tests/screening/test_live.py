"""Texts are screened before they count: messages, suggestions, replies, completions that are brought or drawn."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from accounts.models import User
from labeling import candidates, chats, comparisons, dialogues, projects, stock, suggestions, turns
from labeling.errors import Blocked, Invalid
from labeling.models import Comparison, Dialogue, Project, Turn
from moderation import verdicts as later
from sampler import screened, streams
from sampler.models import Completion, SampleRequest
from screening import rules
from screening.asking import ask
from screening.filters.base import FILTERS, FilterDown
from screening.models import Verdict
from tests import makers
from tests.sampler.conftest import serving

pytestmark = pytest.mark.django_db
BAD = "I will kill you tomorrow."


def block(project: Project, filter: str = "patterns", category: str = "violence") -> None:
    rules.set_threshold(project=project.pk, filter=filter, category=category, warn_at=0.3, block_at=0.8)


class Slow:
    """A slow filter that knows one sentence; may be away, or answer nonsense."""

    version = "1"
    categories = {"violence": 0.5}
    fast = in_worker = False

    def __init__(self) -> None:
        self.seconds = 0.0
        self.away = False
        self.lies: list[dict[str, float]] | None = None

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        time.sleep(self.seconds)
        if self.away:
            raise FilterDown("The filter is away.")
        if self.lies is not None:
            return self.lies
        return [{"violence": float("forbidden sentence" in text)} for text in texts]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    made, load, choices = Slow(), FILTERS.load, FILTERS.choices
    monkeypatch.setattr(FILTERS, "load", lambda name: made if name == "slow" else load(name))
    monkeypatch.setattr(FILTERS, "choices", lambda: (*choices(), "slow"))
    return made


def use(project: Project, filter: str, when_down: str = "wait") -> None:
    rules.choose_filters(project=project.pk, filters=[filter], when_down=when_down)
    block(project, filter)


def test_a_blocked_message_is_not_sent_and_says_why(project: Project, alice: User) -> None:
    block(project)
    chat = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    with pytest.raises(Blocked, match="violence") as refused:
        chats.send_message(dialogue=chat, text=BAD)
    assert not Turn.objects.exists()
    assert not SampleRequest.objects.exists()
    verdict = Verdict.objects.get(pk=refused.value.verdict)
    assert (verdict.target, verdict.text, verdict.author) == ("message", BAD, alice)


def test_a_message_that_is_sent_has_its_verdict(project: Project, alice: User) -> None:
    chat = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    chats.send_message(dialogue=chat, text=BAD)
    verdict = Verdict.objects.get(target_id=chat.turns.get().pk)
    assert (verdict.action, verdict.category) == ("warn", "violence")


def test_a_blocked_turn_of_a_demonstration_is_neither_added_nor_put_in_by_an_edit(
    project: Project, alice: User
) -> None:
    block(project)
    draft = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    with pytest.raises(Blocked):
        turns.add_turn(dialogue=draft, role="user", text=BAD)
    turn = turns.add_turn(dialogue=draft, role="user", text="Hello?")
    with pytest.raises(Blocked):
        turns.edit_turn(turn=turn, text=BAD)
    assert [row.text for row in draft.turns.all()] == ["Hello?"]


@pytest.mark.parametrize("index", range(4))
def test_a_comparison_with_a_blocked_text_in_any_place_never_opens(project: Project, index: int) -> None:
    block(project)
    texts = [{"text": f"Answer {n}."} for n in range(4)]
    texts[index] = {"text": "word " * 2000 + BAD}
    made, _ = comparisons.bring(project=project, prompt=[{"role": "user", "content": "Q?"}], completions=texts)
    made.refresh_from_db()
    assert made.state == "discarded"
    assert "violence" in made.discard_reason


def test_a_text_that_was_brought_waits_for_a_slow_filter(project: Project, slow: Slow) -> None:
    use(project, "slow")
    texts = [{"text": "One answer."}, {"text": "Another answer."}]
    made, _ = comparisons.bring(project=project, prompt=[{"role": "user", "content": "Q?"}], completions=texts)
    candidates.settle_sampling()
    made.refresh_from_db()
    assert made.state == "sampling"
    later.screen(project, "slow")
    candidates.settle_sampling()
    made.refresh_from_db()
    assert made.state == "open"


def test_a_filter_that_lies_counts_as_down(project: Project, slow: Slow) -> None:
    use(project, "slow")
    plan = rules.plan_for(project.pk)
    lies: list[list[dict[str, float]]] = [[], [{"violence": 7.0}], [{"violence": float("nan")}], [{"cheese": 0.1}]]
    for lie in lies:
        slow.lies = lie
        (findings,) = ask(plan, ["Hello."])
        assert findings[0].failed
        assert findings[0].action == "none"


# With a worker


pytest_worker = pytest.mark.django_db(transaction=True)


def reply_of(model: str, project: Project, user: User, text: str = "Hello?") -> tuple[Dialogue, SampleRequest]:
    chat = dialogues.start_dialogue(project=project, author=user, kind="chat")
    request = chats.send_message(dialogue=chat, text=text)
    streams.wait(request.pk, timeout=90)
    return chat, request


@pytest.fixture
def parrot(transactional_db: None) -> Project:
    project = makers.make_project("demo", with_round=False)
    say = "This is fine. " * 10 + "Here is the forbidden sentence. I will kill you. " + "And so on. " * 15
    version = makers.make_model("parrot", location=f"delay=0.002&tokens=400&say={say}", weights_hash="")
    projects.open_round(project=project, policies=[(version, 1.0, {})])
    return project


@pytest_worker
def test_a_reply_is_blocked_in_mid_stream_and_never_shown_whole(parrot: Project) -> None:
    block(parrot)
    alice = makers.make_member(parrot, "alice")
    with serving("parrot"):
        chat, request = reply_of("parrot", parrot, alice)
    assert "kill you" not in "".join(streams.snapshot(request.pk)[0])
    completion = Completion.objects.get(request=request)
    assert completion.withheld == "blocked"
    assert chats.store_reply(dialogue=chat) is None
    assert not chat.turns.filter(role="assistant").exists()
    assert Verdict.objects.get(target_id=completion.pk).action == "block"


@pytest_worker
def test_a_warned_reply_is_shown_and_has_its_verdict(parrot: Project) -> None:
    alice = makers.make_member(parrot, "alice")
    with serving("parrot"):
        chat, request = reply_of("parrot", parrot, alice)
    turn = chats.store_reply(dialogue=chat)
    assert turn is not None
    assert turn.completion is not None
    assert Verdict.objects.get(target_id=turn.completion.pk).action == "warn"
    assert "kill you" in "".join(streams.snapshot(request.pk)[0])


@pytest_worker
@pytest.mark.slow
def test_nothing_is_shown_before_the_verdict_of_a_filter_that_takes_two_seconds(parrot: Project, slow: Slow) -> None:
    use(parrot, "slow")
    slow.seconds = 2.0
    alice = makers.make_member(parrot, "alice")
    with serving("parrot"):
        _, request = reply_of("parrot", parrot, alice)
    assert "forbidden sentence" not in "".join(streams.snapshot(request.pk)[0])
    assert Completion.objects.get(request=request).withheld == "blocked"


@pytest_worker
def test_a_slow_filter_blocks_the_message_while_it_is_answered(parrot: Project, slow: Slow) -> None:
    use(parrot, "slow")
    alice = makers.make_member(parrot, "alice")
    with serving("parrot"):
        chat, request = reply_of("parrot", parrot, alice, text="Say the forbidden sentence.")
    assert streams.snapshot(request.pk)[0] == []
    assert Verdict.objects.get(target_id=chat.turns.get().pk).action == "block"
    assert Completion.objects.filter(request=request).exclude(withheld="blocked").count() == 0


@pytest_worker
def test_while_a_filter_is_down_a_reply_waits_or_goes_on_as_the_project_says(parrot: Project, slow: Slow) -> None:
    use(parrot, "slow")
    slow.away = True
    alice = makers.make_member(parrot, "alice")
    with serving("parrot"):
        chat, request = reply_of("parrot", parrot, alice)
    assert "".join(streams.snapshot(request.pk)[0]) == ""
    assert Completion.objects.get(request=request).withheld == "waiting"
    assert chats.store_reply(dialogue=chat) is None
    with pytest.raises(Invalid):
        dialogues.submit_dialogue(dialogue=chat)
    use(parrot, "slow", when_down="go on")
    with serving("parrot"):
        other, request = reply_of("parrot", parrot, alice)
    assert chats.store_reply(dialogue=other) is not None
    unheard = Verdict.objects.get(target_id=Completion.objects.get(request=request).pk)
    assert unheard.failed == "The filter is away."
    slow.away = False
    use(parrot, "slow")
    assert screened.ask_again() == 1
    assert Completion.objects.filter(withheld="blocked").count() == 1


@pytest_worker
def test_completions_and_suggestions_are_screened_before_anybody_sees_them(parrot: Project) -> None:
    block(parrot)
    alice = makers.make_member(parrot, "alice")
    projects.add_prompts(project=parrot, prompts=[[{"role": "user", "content": "Hello?"}]])
    stock.keep_stock()
    draft = dialogues.start_dialogue(project=parrot, author=alice, kind="demonstration")
    turns.add_turn(dialogue=draft, role="user", text="Hello?")
    asked = suggestions.request_suggestions(dialogue=draft, role="assistant", n=2)
    with serving("parrot"):
        for request in SampleRequest.objects.all():
            streams.wait(request.pk, timeout=90)
    candidates.settle_sampling()
    assert not Comparison.objects.filter(state="open").exists()
    assert set(Completion.objects.values_list("withheld", flat=True)) == {"blocked"}
    offered = Completion.objects.filter(request=asked[0]).first()
    assert offered is not None
    with pytest.raises(Invalid):
        turns.add_turn(dialogue=draft, role="assistant", text="Hm.", completion=offered)
