import pytest
from django.utils import timezone

from accounts.models import User
from labeling import candidates, chats, dialogues, drafts, leases, projects, stock
from labeling.errors import Conflict, Gone, Invalid
from labeling.models import Comparison, Dialogue, Project, TurnDraw
from sampler.models import SampleRequest
from tests import makers

pytestmark = pytest.mark.django_db


def roles(dialogue):
    return [turn.role for turn in dialogue.turns.order_by("position")]


def test_a_chat_goes_message_reply_message_reply_and_is_submitted(project: Project, alice: User) -> None:
    dialogue = makers.make_chat(project, alice, turns=3)
    assert roles(dialogue) == ["user", "assistant"] * 3
    dialogues.submit_dialogue(dialogue=dialogue)
    assert dialogue.state == "submitted"
    assert dialogue.split in {"train", "test"}
    assert dialogue.guideline_version.number == 1


def test_a_message_sent_while_the_model_writes_is_refused(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    chats.send_message(dialogue=dialogue, text="Hello?")
    with pytest.raises(Conflict, match="still writing"):
        chats.send_message(dialogue=dialogue, text="Hello again?")


def test_a_failed_reply_can_be_asked_for_again(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    request = chats.send_message(dialogue=dialogue, text="Hello?")
    SampleRequest.objects.filter(pk=request.pk).update(
        state="failed", error="no model", finished_at=timezone.now(), lease_expires_at=None
    )
    with pytest.raises(Invalid, match="try again"):
        chats.send_message(dialogue=dialogue, text="Hello again?")
    again = chats.retry_reply(dialogue=dialogue)
    makers.answer(again, "Hi.")
    assert chats.settle_reply(dialogue=dialogue).text == "Hi."
    assert roles(dialogue) == ["user", "assistant"]


def test_the_beat_task_makes_an_ended_reply_a_turn_once(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    makers.answer(chats.send_message(dialogue=dialogue, text="Hello?"), "Hi.")
    assert chats.settle_ended_replies() == 1
    assert chats.settle_ended_replies() == 0
    assert roles(dialogue) == ["user", "assistant"]


def test_turns_of_a_demonstration_are_inserted_edited_and_deleted_until_submission(
    project: Project, alice: User
) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    first = dialogues.add_turn(dialogue=dialogue, role="user", text="One?")
    dialogues.add_turn(dialogue=dialogue, role="assistant", text="One.")
    dialogues.add_turn(dialogue=dialogue, role="system", text="Be brief.")
    middle = dialogues.add_turn(dialogue=dialogue, role="assistant", text="Inserted.", position=2)
    assert [t.text for t in dialogue.turns.order_by("position")] == ["Be brief.", "One?", "Inserted.", "One."]
    dialogues.delete_turn(turn=middle)
    dialogues.edit_turn(turn=first, text="One or two?")
    dialogues.submit_dialogue(dialogue=dialogue)
    assert [t.text for t in dialogue.turns.order_by("position")] == ["Be brief.", "One or two?", "One."]
    with pytest.raises(Gone):
        dialogues.add_turn(dialogue=dialogue, role="user", text="Too late?")


def test_a_demonstration_in_the_wrong_order_is_not_submitted(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    dialogues.add_turn(dialogue=dialogue, role="user", text="One?")
    with pytest.raises(Invalid, match="last message"):
        dialogues.submit_dialogue(dialogue=dialogue)
    dialogues.add_turn(dialogue=dialogue, role="user", text="Two?")
    dialogues.add_turn(dialogue=dialogue, role="assistant", text="Three.")
    with pytest.raises(Invalid, match="assistant's was due"):
        dialogues.submit_dialogue(dialogue=dialogue)


def test_the_second_tab_is_told_and_overwrites_nothing(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    version = dialogues.save_composer(dialogue=dialogue, composer={"text": "from tab 1"}, expected_version=0)
    with pytest.raises(Conflict) as caught:
        dialogues.save_composer(dialogue=dialogue, composer={"text": "from tab 2"}, expected_version=0)
    assert caught.value.version == version
    assert Dialogue.objects.get(pk=dialogue.pk).composer == {"text": "from tab 1"}


def test_suggestions_are_asked_on_either_side_by_weight(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    requests = dialogues.request_suggestions(dialogue=dialogue, role="user", n=3)
    assert sum(request.n for request in requests) == 3
    assert {request.writes for request in requests} == {"user"}
    with pytest.raises(Invalid, match="user's turn first"):
        dialogues.request_suggestions(dialogue=dialogue, role="assistant")


def test_a_submitted_chat_draws_one_turn_and_asks_for_k_completions(project: Project, alice: User) -> None:
    dialogue = makers.make_chat(project, alice, turns=3, submit=True)
    draw = TurnDraw.objects.get(dialogue=dialogue)
    assert len(draw.eligible) == 3
    assert len(draw.drawn) == 1
    comparison = Comparison.objects.get(draw=draw)
    assert str(comparison.turn_id) == draw.drawn[0]
    assert comparison.prompt[-1]["role"] == "user"
    assert comparison.candidates.get().is_original
    assert sum(r.request.n for r in comparison.requests.all()) == 3


def test_a_stopped_reply_is_kept_but_never_drawn(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    request = chats.send_message(dialogue=dialogue, text="Hello?")
    makers.answer(request, "I was about to", finish_reason="cancelled")
    dialogues.submit_dialogue(dialogue=dialogue)
    assert roles(dialogue) == ["user", "assistant"]
    assert TurnDraw.objects.get(dialogue=dialogue).eligible == []
    assert not Comparison.objects.exists()


def test_duplicates_are_sampled_again_and_the_comparison_opens_with_k_different_texts(
    project: Project, alice: User
) -> None:
    makers.make_chat(project, alice, submit=True)
    comparison = Comparison.objects.get()
    original = comparison.candidates.get().completion.text
    request = SampleRequest.objects.get(state="queued")
    makers.answer(request, original, "A wholly other text about rivers.", "   ")
    assert candidates.settle_sampling()["resampled"] == 1
    makers.answer_all()
    assert candidates.settle_sampling()["opened"] == 1
    texts = [c.completion.text for c in comparison.candidates.all()]
    assert len(texts) == len(set(texts)) == 4


def test_a_comparison_that_stays_without_two_texts_is_discarded_with_the_reason(project: Project, alice: User) -> None:
    project.resample_limit = 1
    project.save()
    makers.make_chat(project, alice, submit=True)
    for _ in range(2):
        SampleRequest.objects.filter(state="queued").update(
            state="failed", error="out of memory", finished_at=timezone.now()
        )
        candidates.settle_sampling()
    comparison = Comparison.objects.get()
    assert comparison.state == "discarded"
    assert "out of memory" in comparison.discard_reason


def test_taking_a_chat_back_discards_what_was_drawn_and_hands_back_a_copy(project: Project, alice: User) -> None:
    dialogue = makers.make_chat(project, alice, turns=2, submit=True)
    draft = dialogues.undo_submission(dialogue=dialogue)
    dialogue.refresh_from_db()
    assert (dialogue.state, draft.state) == ("discarded", "draft")
    assert dialogue.undone_at is not None
    assert drafts.messages_of(draft) == drafts.messages_of(dialogue)
    assert Comparison.objects.get().state == "discarded"
    assert SampleRequest.objects.filter(purpose="comparison").get().state == "cancelled"


def test_a_chat_that_is_being_ranked_cannot_be_taken_back(project: Project, alice: User, bob: User) -> None:
    dialogue = makers.make_chat(project, alice, submit=True)
    makers.answer_all()
    candidates.settle_sampling()
    assert leases.lease_next(project=project, trainer=bob)[0] is not None
    with pytest.raises(Gone, match="already ranking"):
        dialogues.undo_submission(dialogue=dialogue)


def test_the_stock_is_filled_from_prompts_once_each_per_round(project: Project) -> None:
    project.stock_target = 3
    project.save()
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": f"Prompt {i}?"}] for i in range(4)])
    assert stock.keep_stock() == 3
    assert stock.keep_stock() == 0
    makers.answer_all()
    assert candidates.settle_sampling()["opened"] == 3
    Comparison.objects.update(state="discarded", discard_reason="test")
    assert stock.keep_stock() == 1
    assert stock.keep_stock() == 0


def test_feedback_is_given_on_model_turns_and_the_second_replaces_the_first(project: Project, alice: User) -> None:
    dialogue = makers.make_chat(project, alice)
    turn = dialogue.turns.get(role="assistant")
    dialogues.give_feedback(turn=turn, user=alice, thumb_up=True)
    dialogues.give_feedback(turn=turn, user=alice, thumb_up=False, reasons=["wrong"], comment="Not so.")
    assert turn.feedback.get().thumb_up is False
    with pytest.raises(Invalid):
        dialogues.give_feedback(turn=dialogue.turns.get(role="user"), user=alice, thumb_up=True)


def test_a_guest_chats_but_writes_no_demonstration(project: Project, guest: User) -> None:
    dialogues.start_dialogue(project=project, author=guest, kind="chat")
    with pytest.raises(Invalid):
        dialogues.start_dialogue(project=project, author=guest, kind="demonstration")
