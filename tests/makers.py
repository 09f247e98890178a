"""Plain functions that make rows. They go through the domain functions wherever one exists, so that
what tests build is what the product builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, TypedDict, Unpack

from django.utils import timezone

from accounts.models import User
from labeling import chats, comparisons, dialogues, kept, leases, projects, rankings, terms, turns
from labeling.models import Assignment, Comparison, Dialogue, Project, Ranking
from labeling.spans import Span
from sampler.models import Completion, ModelVersion, SampleRequest

_numbers = count(1)


class Judgement(TypedDict, total=False):
    """What a ranking may hold beside its order."""

    ratings: Mapping[str, int]
    flags: Mapping[str, Sequence[str]]
    strengths: Sequence[int]
    note: str
    not_rankable: str
    ideal_answer: str
    ideal_from: str
    criteria: Mapping[str, Mapping[str, int]]
    spans: Mapping[str, Sequence[Span]]
    seconds: int | None
    confirmed: bool


PASSWORD = "correct horse battery staple"


def make_user(username: str, *, password: str | None = None, **fields: object) -> User:
    user = User(username=username, email=f"{username}@example.org")
    for name, value in fields.items():
        setattr(user, name, value)
    user.set_password(password or PASSWORD)
    user.save()
    return user


def make_member(project: Project, username: str, *, role: str = "trainer", is_staff: bool = False) -> User:
    user = make_user(username, is_staff=is_staff)
    projects.set_membership(project=project, user=user, role=role)
    if role == "guest":
        terms.accept_notice(project=project, person=user, number=kept.NUMBER)
    return user


def make_model(slug: str | None = None, **fields: object) -> ModelVersion:
    model = ModelVersion(slug=slug or f"fake-{next(_numbers)}", engine="fake", weights_hash="f" * 64, state="serving")
    for name, value in fields.items():
        setattr(model, name, value)
    model.save(force_insert=True)
    return model


def make_project(slug: str = "demo", *, with_round: bool = True, **settings: object) -> Project:
    chosen: dict[str, Any] = {"stock_target": 0, "overlap_share": 0.0, "exclude_own_chats": True} | settings
    project = projects.create_project(
        slug=slug, title=f"Project {slug}", guidelines="# Guidelines\n\nBe helpful.", **chosen
    )
    if with_round:
        projects.open_round(project=project, policies=[(make_model(), 1.0, {})])
    return project


def bring(project: Project, *sources: str) -> None:
    """An imported prompt of each name."""
    for source in sources:
        projects.add_prompts(project=project, prompts=[[{"role": "user", "content": f"Why {source}?"}]], source=source)


def answer(request: SampleRequest, *texts: str, finish_reason: str = "stop") -> list[Completion]:
    """End a request with these texts, as a worker would leave it."""
    rows = [
        Completion.objects.create(
            request=request,
            index=index,
            model_version=request.model_version,
            text=text,
            finish_reason=finish_reason,
            prompt_tokens=5,
            completion_tokens=len(text.split()),
            params=request.params,
            provenance={"engine": "fake"},
        )
        for index, text in enumerate(texts)
    ]
    now = timezone.now()
    SampleRequest.objects.filter(pk=request.pk).update(
        state="done", started_at=now, finished_at=now, lease_expires_at=None
    )
    return rows


def answer_all(text: str = "answer {n}") -> int:
    """End every waiting request, each completion with a text of its own."""
    waiting = list(SampleRequest.objects.filter(state="queued"))
    words = ["amber", "basalt", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty", "knoll"]
    for request in waiting:
        texts = []
        for _ in range(request.n):
            number = next(_numbers)
            texts.append(
                " ".join(
                    [
                        text.format(n=number),
                        *(words[(number * step + step) % 11] * (step % 3 + 1) for step in range(1, 9)),
                        str(number**3),
                    ]
                )
            )
        answer(request, *texts)
    return len(waiting)


def make_chat(project: Project, author: User, *, turns: int = 1, submit: bool = False) -> Dialogue:
    """A chat with `turns` answered messages."""
    dialogue = dialogues.start_dialogue(project=project, author=author, kind="chat")
    for number in range(turns):
        request = chats.send_message(dialogue=dialogue, text=f"Question {number} of {dialogue.pk}?")
        answer(request, f"Reply {number} to {dialogue.pk}.")
        chats.store_reply(dialogue=dialogue)
    if submit:
        dialogues.submit_dialogue(dialogue=dialogue)
    return dialogue


def make_demonstration(project: Project, author: User, *, submit: bool = True, question: str = "") -> Dialogue:
    dialogue = dialogues.start_dialogue(project=project, author=author, kind="demonstration")
    turns.add_turn(dialogue=dialogue, role="user", text=question or f"How does {dialogue.pk} work?")
    turns.add_turn(dialogue=dialogue, role="assistant", text="It works like this.")
    if submit:
        dialogues.submit_dialogue(dialogue=dialogue)
    return dialogue


def make_comparison(project: Project, *, k: int = 4, votes: int = 1, prompt: str = "", **columns: object) -> Comparison:
    """An open comparison of K distinct texts."""
    number = next(_numbers)
    comparison, _ = comparisons.bring(
        project=project,
        prompt=[{"role": "user", "content": prompt or f"Question number {number}?"}],
        completions=[{"text": f"Answer {letter} to {number}.", "model_version": "fake"} for letter in "abcdefghi"[:k]],
        votes=votes,
    )
    if columns:
        Comparison.objects.filter(pk=comparison.pk).update(**columns)
        comparison.refresh_from_db()
    return comparison


def make_lease(comparison: Comparison, trainer: User) -> Assignment:
    return leases.lease(comparison=comparison, trainer=trainer)


def make_ranking(
    comparison: Comparison, trainer: User, *, groups: list[list[int]] | None = None, **judged: Unpack[Judgement]
) -> Ranking:
    """A submitted ranking; `groups` names completions by storage index, default 0 > 1 > 2 > …"""
    assignment = make_lease(comparison, trainer)
    ids = [str(c.completion_id) for c in comparison.candidates.order_by("index")]
    order = [[ids[i] for i in group] for group in groups] if groups is not None else [[cid] for cid in ids]
    ranking, _ = rankings.submit_ranking(assignment=assignment, groups=order, **judged)
    return ranking
