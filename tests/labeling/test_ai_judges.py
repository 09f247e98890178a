"""Model versions that judge: what they are asked, how their answers are read, and that nothing of it is a person's."""

from __future__ import annotations

from itertools import permutations

import pytest
from django.db.models.deletion import ProtectedError

from accounts.models import User
from labeling import comparisons, projects, withdrawal
from labeling.ai_judges import asking, judges, orders, prompts, settling
from labeling.errors import Gone, Invalid
from labeling.models import AiJudge, AiJudgement, AiVerdict, Comparison, Project, Ranking
from sampler import registry
from sampler.models import Completion, SampleRequest
from tests import makers


def appoint(project: Project, *, share: float = 1.0, prompt: str = prompts.DEFAULT) -> AiJudge:
    return judges.appoint(project=project, model_version=makers.make_model(), prompt=prompt, share=share)


def say(verdict: AiVerdict, text: str, *, finish_reason: str = "stop") -> None:
    makers.answer(verdict.request, text, finish_reason=finish_reason)


def answer_by(best: list[str]) -> None:
    """Every waiting verdict by this order of texts, best first."""
    for verdict in AiVerdict.objects.filter(said="").select_related("first", "second", "request"):
        first, second = best.index(verdict.first.text), best.index(verdict.second.text)
        say(verdict, f"One is better.\nVERDICT: {1 if first < second else 2}")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("VERDICT: 1", "first"),
        ("Both are fine, the second is finer.\n\nVERDICT: 2\n", "second"),
        ("  VERDICT: TIE  ", "tie"),
        ("The first.", None),
        ("", None),
        ("VERDICT: 3", None),
        ("verdict: 1", None),
        ("VERDICT: 1.", None),
        ("**VERDICT: 1**", None),
        ("VERDICT: 1\nI hope that this helps.", None),
        ("VERDICT: 1\nNo, wait.\nVERDICT: 2", None),
        ("VERDICT: 2\nAs I said:\nVERDICT: 2", "second"),
        ("My VERDICT: 1 is weak.\nVERDICT: 2", "second"),
    ],
)
def test_a_verdict_is_the_last_line_and_nothing_like_it(answer: str, said: str | None) -> None:
    assert prompts.read(answer) == said


def test_a_text_that_holds_a_place_is_not_filled_again() -> None:
    read = prompts.filled("{conversation}|{first}|{second}", [{"role": "user", "content": "{first}?"}], "{second}", "B")
    assert read == "user: {first}?|{second}|B" + prompts.ENDING


@pytest.mark.parametrize("wrong", ["{conversation} {first}", "{conversation} {first} {second} {first}", ""])
def test_a_prompt_has_each_place_once(wrong: str) -> None:
    with pytest.raises(Invalid, match="exactly once"):
        prompts.check(wrong)
    assert prompts.check(f"  {prompts.DEFAULT}\r\n") == prompts.DEFAULT


def verdicts(*given: str) -> dict[tuple[str, str], str]:
    """Of `a1b`: when a stood before b, the first (1), the second (2) or neither (t) was better; x: not readable."""
    words = {"1": "first", "2": "second", "t": "tie", "x": "unreadable"}
    return {(one[0], one[2]): words[one[1]] for one in given}


def test_an_answer_is_better_only_where_it_is_in_both_orders() -> None:
    assert orders.order("ab", verdicts("a1b", "b2a")) == [["a"], ["b"]]
    assert orders.order("ab", verdicts("a1b", "b1a")) == [["a", "b"]], "it takes whichever stands first"
    assert orders.order("ab", verdicts("a1b", "bta")) == [["a", "b"]]
    assert orders.order("ab", verdicts("a1b", "bxa")) == [], "nobody can say"
    circle = verdicts("a1b", "b2a", "b1c", "c2b", "c1a", "a2c")
    assert orders.order("abc", circle) == [["a", "b", "c"]]
    chain = verdicts("a2b", "b1a", "b1c", "c2b", "c2a", "a1c")
    assert orders.order("abc", chain) == [["b"], ["a"], ["c"]]


@pytest.mark.django_db
def test_every_two_answers_are_asked_about_in_both_orders(project: Project) -> None:
    comparison = makers.make_comparison(project, k=3, prompt="What is best?")
    judge = appoint(project)
    assert asking.ask() == 1
    assert asking.ask() == 0, "once each"
    judgement = AiJudgement.objects.get(judge=judge, comparison=comparison)
    asked = {(str(v.first_id), str(v.second_id)) for v in judgement.verdicts.all()}
    assert asked == set(permutations(comparison.texts, 2))
    verdict = judgement.verdicts.select_related("request", "first", "second")[0]
    (message,) = verdict.request.prompt
    assert message["role"] == "user"
    assert "user: What is best?" in message["content"]
    assert message["content"].index(verdict.first.text) < message["content"].index(verdict.second.text)
    assert message["content"].endswith("VERDICT: TIE")
    assert verdict.request.params["temperature"] == 0
    assert verdict.request.model_version == judge.model_version
    assert verdict.request.priority == SampleRequest.Priority.BACKGROUND


@pytest.mark.django_db
def test_what_it_says_becomes_an_order_and_no_ranking(project: Project) -> None:
    comparison = makers.make_comparison(project, k=3, votes=2)
    appoint(project)
    asking.ask()
    best = sorted(comparison.texts.values(), reverse=True)
    assert not settling.settle(), "nothing is answered"
    answer_by(best)
    assert settling.settle() == {"first": 3, "second": 3, "judged": 1}
    assert not settling.settle()
    judgement = AiJudgement.objects.get()
    assert [[comparison.texts[cid] for cid in group] for group in judgement.groups] == [[text] for text in best]
    assert judgement.judged_at is not None
    assert not Ranking.objects.exists()
    comparison.refresh_from_db()
    assert comparison.state == Comparison.State.OPEN, "it still wants two people"


@pytest.mark.django_db
def test_what_cannot_be_read_is_said_as_such(project: Project) -> None:
    makers.make_comparison(project, k=2)
    appoint(project)
    asking.ask()
    cut, failed = AiVerdict.objects.order_by("pk")
    say(cut, "VERDICT: 1", finish_reason="length")
    SampleRequest.objects.filter(pk=failed.request_id).update(
        state="failed", error="no", finished_at=failed.judgement.asked_at
    )
    assert settling.settle() == {"unreadable": 1, "unanswered": 1, "judged": 1}
    assert AiJudgement.objects.get().groups == []


@pytest.mark.django_db
def test_a_judge_gets_its_share_and_another_one_a_share_of_its_own(project: Project) -> None:
    for _ in range(120):  # whose ids are random: of sixty, one run in seven thousand had fewer than a quarter
        makers.make_comparison(project, k=2)
    one, other = appoint(project, share=0.5), appoint(project, share=0.5)
    first, second = ({c.pk for c in asking.due(judge)} for judge in (one, other))
    assert 30 < len(first) < 90
    assert 30 < len(second) < 90
    assert first != second
    assert {c.pk for c in asking.due(one)} == first


@pytest.mark.django_db
def test_only_so_many_requests_are_under_way_and_the_others_come_after(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "UNDER_WAY", 4)
    for _ in range(5):
        makers.make_comparison(project, k=2)
    judge = appoint(project)
    asked = []
    while found := asking.ask():
        asked.append(found)
        makers.answer_all()
        settling.settle()
    assert asked == [2, 2, 1]
    judge.refresh_from_db()
    last = Comparison.objects.latest("opened_at").opened_at
    assert judge.looked_up_to is not None
    assert last is not None
    assert judge.looked_up_to > last
    later = makers.make_comparison(project, k=2)
    assert asking.ask() == 1
    assert AiJudgement.objects.filter(comparison=later).exists()


@pytest.mark.django_db
def test_hidden_items_and_what_is_not_ready_are_not_asked_about(project: Project) -> None:
    makers.make_comparison(project, k=2, kind="calibration")
    comparisons.discard(comparison=makers.make_comparison(project, k=2), reason="no")
    appoint(project)
    assert asking.ask() == 0


@pytest.mark.django_db
def test_a_dismissed_judge_is_asked_no_more_and_what_it_said_stays(project: Project) -> None:
    comparison = makers.make_comparison(project, k=2)
    judge = appoint(project)
    asking.ask()
    answer_by(sorted(comparison.texts.values()))
    settling.settle()
    makers.make_comparison(project, k=2)
    asking.ask()
    judges.dismiss(judge=judge)
    with pytest.raises(Gone):
        judges.dismiss(judge=judge)
    makers.make_comparison(project, k=2)
    assert asking.ask() == 0
    assert settling.settle() == {"unanswered": 2, "judged": 1}
    assert AiJudgement.objects.exclude(groups=[]).count() == 1


@pytest.mark.django_db
def test_who_cannot_judge_is_refused(project: Project) -> None:
    reward = registry.register_model(slug="rm", location="/nowhere", engine="hf", role="reward")[0]
    for given in ({"model_version": reward}, {"share": 0.0}, {"share": 1.1}, {"prompt": "Which?"}):
        wanted = {"model_version": makers.make_model(), "share": 1.0, "prompt": prompts.DEFAULT, **given}
        with pytest.raises(Invalid):
            judges.appoint(project=project, **wanted)  # type: ignore[arg-type]
    for number in range(judges.MOST):
        assert appoint(project).number == number + 1
    with pytest.raises(Invalid, match="Dismiss"):
        appoint(project)
    with pytest.raises(ProtectedError):
        AiJudge.objects.all()[0].model_version.delete()


@pytest.mark.django_db
def test_a_withdrawal_empties_what_a_judge_read_and_what_it_said(project: Project, alice: User) -> None:
    chat = makers.make_chat(project, alice, submit=True)
    comparison = makers.make_comparison(project, k=2, prompt="A secret of Alice?", dialogue=chat, author=alice)
    appoint(project)
    asking.ask()
    first, second = AiVerdict.objects.order_by("pk")
    say(first, "Alice's secret is better kept in one.\nVERDICT: 1")
    withdrawal.withdraw(project=project, user=alice)
    for verdict in (first, second):
        request = SampleRequest.objects.get(pk=verdict.request_id)
        assert "secret" not in str(request.prompt)
    assert not Completion.objects.filter(text__contains="secret").exists()
    assert AiVerdict.objects.filter(judgement__comparison=comparison).count() == 2
    settling.settle()
    asking.ask()
    assert SampleRequest.objects.filter(prompt__icontains="secret").count() == 0


@pytest.mark.django_db
def test_an_archived_project_asks_nobody(project: Project) -> None:
    makers.make_comparison(project, k=2)
    appoint(project)
    projects.set_archived(project=project, archived=True)
    assert asking.ask() == 0
