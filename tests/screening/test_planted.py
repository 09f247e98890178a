"""Harm at 200 random offsets of every kind of text is caught by the filter that knows it, and shown to nobody before.

Long texts and windows of single filters: `test_contract.py`; while a text is written: `test_streaming.py`.
"""

from __future__ import annotations

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
from sampler.models import Completion, SampleRequest
from sampler.params import Drawn
from sampler.results import Result
from screening.models import Verdict
from tests import makers
from tests.screening.planting import BAD, TIMES, Knowing, block, planted

pytestmark = pytest.mark.django_db


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
