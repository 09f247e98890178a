"""Best of n: fresh completions of the prompts that are not held out, and of each prompt's the one scored best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from common.shapes import Message
from labeling import projects
from labeling.models import Prompt
from operations.loop import rule
from operations.loop.project import STOPS, LoopError
from operations.loop.run import LoopRun
from sampler import rewards, sampling
from sampler.models import Completion, ModelVersion, SampleRequest
from training.folders import Answer


def best_of_n(run: LoopRun, policy: ModelVersion, reward_model: ModelVersion) -> list[Answer]:
    """The answers to train the next policy on.

    Raises:
        LoopError: nothing could be sampled.
    """
    n = run.settings.best_of
    asked = _ask(run, policy, n)
    with run.timed("sample best of n"):
        run.sample([policy], lambda: _left(asked), f"best of {n}")
    with run.timed("score"):
        drawn = _drawn(asked)
        scores = _score(reward_model, asked, drawn)
    best: dict[UUID, Completion] = {}
    for request_id, one in drawn:
        if request_id not in best or scores[one.pk] > scores[best[request_id].pk]:
            best[request_id] = one
    before, after = ([rule.measure(one.text) for one in some] for some in ([d for _, d in drawn], best.values()))
    run.say(
        f"best of {n}: {sum(before) / max(1, len(before)):.2f} commas an answer among "
        f"{len(before)}, {sum(after) / max(1, len(after)):.2f} among the {len(after)} chosen"
    )
    return [Answer(asked[request_id], one.text.strip()) for request_id, one in best.items()]


def _ask(run: LoopRun, policy: ModelVersion, n: int) -> dict[UUID, list[Message]]:
    """Requests for n completions of each prompt that is not held out, and its messages."""
    project = run.own.project
    asked = {}
    for prompt in Prompt.objects.filter(project=project).order_by("content_hash"):
        if projects.split_for(project, prompt.prompt_key, None) == "train":
            request = sampling.request_completions(
                model_version=policy, prompt=prompt.messages, n=n,
                params={"max_tokens": project.max_tokens, "stop": STOPS},
            )  # fmt: skip
            asked[request.pk] = prompt.messages
    run.own.requests += list(asked)
    return asked


def _left(asked: Mapping[UUID, object]) -> tuple[int, str]:
    ended = SampleRequest.objects.filter(pk__in=asked, state__in=SampleRequest.ENDED)
    done = ended.count()
    if done == len(asked) and not ended.filter(state=SampleRequest.State.DONE).exists():
        first = ended.first()
        raise LoopError(f"Sampling failed: {first.error if first else 'no request'}")
    return len(asked) - done, f"{done} of {len(asked)} prompts done"


def _drawn(asked: Mapping[UUID, object]) -> list[tuple[UUID, Completion]]:
    """The completions that have text and ended by themselves, with their requests."""
    whole = Completion.FinishReason.STOP
    found = Completion.objects.filter(request__in=asked, finish_reason=whole).order_by("request", "index")
    return [(one.request_id, one) for one in found if one.request_id is not None and one.text.strip()]


def _score(
    reward_model: ModelVersion, asked: Mapping[UUID, list[Message]], drawn: Sequence[tuple[UUID, Completion]]
) -> dict[UUID, float]:
    classifier = rewards.load(reward_model)
    items = [
        (one.pk, [*asked[request_id], Message(role="assistant", content=one.text.strip())]) for request_id, one in drawn
    ]
    rewards.score(model_version=reward_model, items=items, classifier=classifier)
    classifier.close()
    mine = reward_model.reward_scores.filter(completion__in=[one for _, one in drawn])
    return dict(mine.values_list("completion_id", "score"))
