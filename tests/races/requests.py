"""What workers, filters and operators may write on one request, its texts and its model version."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from labeling.models import Project
from moderation import marks, verdicts
from moderation.models import MarkDecision, VerdictFeedback
from sampler import claims, registry, results, sampling, trials
from sampler.models import Completion, ModelTrial, ModelVersion, SampleRequest
from sampler.params import Drawn
from screening.asking import Finding
from screening.models import Verdict
from screening.rules import Plan, Rule
from screening.verdicts import Target, record
from tests.races.cast import Cast
from tests.races.pairs import Situation, taken
from tests.races.runs import facts
from tests.races.standing import Standing, rows

PROMPT = [{"role": "user", "content": "Why is the sky blue?"}]
LIMITS = {"harm": (0.5, 0.9)}


@dataclass
class Work:
    """A request of a model version, or a text of it."""

    project: Project
    people: dict[str, User]
    version: uuid.UUID
    number: uuid.UUID

    @property
    def model(self) -> ModelVersion:
        return ModelVersion.objects.get(pk=self.version)


def asked(cast: Cast) -> Work:
    version = ModelVersion.objects.create(slug=f"{cast.project.slug}-model", engine="fake", state="registered")
    request = sampling.request_completions(model_version=version, prompt=PROMPT)
    return Work(cast.project, cast.people, version.pk, request.pk)


def claimed(cast: Cast) -> Work:
    work = asked(cast)
    claims.claim(worker="first", model_version_ids=[work.version], room=9)
    return work


def lost(cast: Cast) -> Work:
    """Its worker is gone, or slow."""
    work = claimed(cast)
    SampleRequest.objects.filter(pk=work.number).update(lease_expires_at=timezone.now() - timedelta(minutes=1))
    return work


def waiting(cast: Cast) -> Work:
    """A text that waits for the word of two filters."""
    work = claimed(cast)
    complete(work)
    text = Completion.objects.get(request=work.number)
    Completion.objects.filter(pk=text.pk).update(withheld="waiting")
    return Work(cast.project, cast.people, work.version, text.pk)


def judged(cast: Cast) -> Work:
    """A text with a verdict, which a trainer and a reviewer think about."""
    work = waiting(cast)
    says(work, "first", "none")
    return work


def ask(work: Work) -> object:
    try:
        return sampling.request_completions(model_version=work.model, prompt=PROMPT, n=2)
    except ValueError:  # it is retired
        return taken(None)


def claim(work: Work) -> object:
    return taken(claims.claim(worker="second", model_version_ids=[work.version], room=9))


def complete(work: Work) -> object:
    drawn = [Drawn(index=0, text="Short waves scatter more.", finish_reason="stop", completion_tokens=4)]
    return taken(results.complete(request_id=work.number, attempt=1, result=results.Result(drawn)))


def fail(work: Work) -> object:
    return taken(results.fail(request_id=work.number, attempt=1, reason="It broke.", retry=False))


def give_back(work: Work) -> object:
    return taken(results.give_back(request_id=work.number, attempt=1))


def abandon(work: Work) -> object:
    return taken(results.abandon(request_id=work.number, attempt=1, reason="The batch broke."))


def heartbeat(work: Work) -> object:
    return taken(claims.heartbeat(worker="first", request_ids=[work.number]))


def take_back(work: Work) -> object:
    return claims.requeue_expired()


def cancel(work: Work) -> object:
    return taken(sampling.cancel(request_id=work.number))


def empty(work: Work) -> object:
    return sampling.empty(completion_ids=[], request_ids=[work.number], text="withdrawn")


def fail_all(work: Work) -> object:
    registry.mark_failed(model_version_id=work.version, reason="It cannot be loaded.")
    return results.fail_waiting(model_version_id=work.version, reason="It cannot be loaded.")


def retire(work: Work) -> object:
    return taken(registry.retire(model_version=work.model))


def serve(work: Work) -> object:
    return taken(registry.serve(model_version=work.model))


def relocate(work: Work) -> None:
    registry.relocate(model_version=work.model, location="elsewhere")


def load(work: Work, weights: str, *tokens: str) -> object:
    """As a worker does that read these weights; other weights under the same name are refused."""
    try:
        loaded = registry.mark_loaded(
            model_version_id=work.version, weights_hash=weights, template_hash="", batching={}, control_tokens=tokens
        )
    except ValueError:
        loaded = False
    return taken(loaded)


def register(work: Work, location: str) -> object:
    try:
        return registry.register_model(slug="another", engine="fake", location=location)
    except ValueError:
        return taken(None)


def says(work: Work, name: str, action: str) -> None:
    """What a task does with the word of one filter of two that block."""
    plan = Plan(work.project.pk, tuple(Rule(one, LIMITS) for one in ("first", "second")), waits=True)
    word = Finding(name, "1", {"harm": 0.95}, Verdict.Action(action), "harm" if action == "block" else "")
    with transaction.atomic():
        record(plan, Target.COMPLETION, {work.number: (word,)})
        verdicts.set_standing(plan, [work.number])


def mark(work: Work, name: str, *, harmful: bool) -> object:
    verdict = Verdict.objects.get(target_id=work.number, filter="first")
    return marks.mark(verdict=verdict, user=work.people[name], harmful=harmful, comment=name)


def marked(cast: Cast) -> Work:
    """As harmful, by alice."""
    work = judged(cast)
    mark(work, "alice", harmful=True)
    return work


def decide(work: Work, *, confirmed: bool) -> object:
    said = VerdictFeedback.objects.get(verdict__target_id=work.number, user=work.people["alice"])
    return marks.decide(mark=said, reviewer=work.people["rita"], harmful=True, confirmed=confirmed)


def tried(cast: Cast) -> Work:
    """A model that an operator wants to connect."""
    ModelTrial.objects.all().delete()
    wanted: trials.Wanted = {"slug": "another", "engine": "fake", "location": "here"}
    trials.request(wanted=wanted)
    return Work(cast.project, cast.people, uuid.uuid4(), uuid.uuid4())


def being_tried(cast: Cast) -> Work:
    work = tried(cast)
    trials.claim(worker="first")
    return work


def claim_trial(work: Work, worker: str) -> object:
    return taken(trials.claim(worker=worker))


def end_trial(work: Work, outcome: trials.Outcome) -> object:
    return taken(trials.end(trial=ModelTrial.objects.get(), outcome=outcome))


def lose_trial(work: Work) -> object:
    """Another worker looks, long after."""
    ModelTrial.objects.filter(state="running").update(started_at=timezone.now() - 2 * trials.LOST)
    return taken(trials.claim(worker="second"))


def after_beat(work: Work) -> Standing:
    """As it stands once beat has looked: nothing waits for a retired model version."""
    registry.end_retired()
    return rows(ModelVersion, SampleRequest, Completion, without=["queue_ms", "generation_ms"])


OF_A_WORKER = {
    "complete": complete, "fail": fail, "give back": give_back, "abandon": abandon, "heartbeat": heartbeat,
    "cancel": cancel, "empty": empty,
}  # fmt: skip
SITUATIONS: Sequence[Situation[Work]] = (
    Situation(
        "request asked", asked,
        {"claim": claim, "cancel": cancel, "empty": empty, "retire": retire, "ask": ask, "fail all": fail_all},
        after_beat,
    ),
    Situation("request claimed", claimed, {**OF_A_WORKER, "retire": retire}, after_beat),
    Situation("request lost", lost, {**OF_A_WORKER, "take back": take_back}, after_beat),
    Situation(
        "model version", asked,
        {
            "retire": retire, "serve": serve, "relocate": relocate, "load": lambda work: load(work, "a" * 64, "<x>"),
            "load others": lambda work: load(work, "b" * 64, "<y>"), "load again": lambda work: load(work, "", "<z>"),
            "register": lambda work: register(work, "here"), "register there": lambda work: register(work, "there"),
        },
        after_beat,
    ),
    Situation(
        "text waits", waiting,
        {
            "first: none": lambda work: says(work, "first", "none"),
            "first: block": lambda work: says(work, "first", "block"),
            "second: none": lambda work: says(work, "second", "none"),
            "second: block": lambda work: says(work, "second", "block"),
        },
        facts(Completion, Verdict, without=["queue_ms", "generation_ms"]),
    ),
    Situation(
        "text judged", judged,
        {
            "mark": lambda work: mark(work, "alice", harmful=True),
            "mark well": lambda work: mark(work, "alice", harmful=False),
            "reviewer": lambda work: mark(work, "rita", harmful=False),
            "second: block": lambda work: says(work, "second", "block"),
        },
        facts(Completion, Verdict, VerdictFeedback, without=["queue_ms", "generation_ms"]),
    ),
    Situation(
        "text marked", marked,
        {
            "confirm": lambda work: decide(work, confirmed=True),
            "turn round": lambda work: decide(work, confirmed=False),
            "mark well": lambda work: mark(work, "alice", harmful=False),
            "second: block": lambda work: says(work, "second", "block"),
        },
        facts(Completion, Verdict, VerdictFeedback, MarkDecision, without=["queue_ms", "generation_ms"]),
    ),
    Situation(
        "trial", tried,
        {"claim": lambda work: claim_trial(work, "first"), "claim too": lambda work: claim_trial(work, "second")},
        facts(ModelTrial, without=["worker"]),
    ),
    Situation(
        "trial begun", being_tried,
        {
            "worked": lambda work: end_trial(work, {"text": "Hello."}),
            "failed": lambda work: end_trial(work, {"trouble": "away", "said": "refused"}), "lost": lose_trial,
        },
        facts(ModelTrial),
    ),
)  # fmt: skip
