"""Best of n: fresh completions of the prompts that are not held out, and of each prompt's the one scored best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from common.shapes import JsonObject, Message
from labeling import projects
from labeling.models import Prompt
from operations.loop.project import LoopError
from operations.loop.run import LoopRun
from operations.loop.topics import STOPS
from sampler import rewards, sampling
from sampler.models import Completion, ModelVersion, SampleRequest
from training.folders import Answer, write_answers


def best_of_n(run: LoopRun, number: int, policy: ModelVersion, reward_model: ModelVersion, folder: Path) -> JsonObject:
    """Write the answers to train the next policy on to `folder`.

    Raises:
        LoopError: nothing could be sampled.
    """
    n, rule = run.settings.best_of, run.rule
    asked = _ask(run, number, policy, n)
    run.sample([policy], lambda: _left(asked), f"best of {n}")
    drawn = _drawn(asked)
    scores = _score(reward_model, asked, drawn)
    best: dict[UUID, Completion] = {}
    for request_id, one in drawn:
        if request_id not in best or scores[one.pk] > scores[best[request_id].pk]:
            best[request_id] = one
    before, after = ([rule.measure(one.text) for one in some] for some in ([d for _, d in drawn], best.values()))
    means = [sum(some) / max(1, len(some)) for some in (before, after)]
    run.say(
        f"best of {n}: {means[0]:.2f} {rule.unit} an answer among {len(before)}, {means[1]:.2f} among the "
        f"{len(after)} chosen"
    )
    write_answers(folder, [Answer(asked[request_id], one.text.strip()) for request_id, one in best.items()])
    return {"answers": len(best), "drawn": len(drawn), "measure": means[0], "measure_of_best": means[1]}


def _ask(run: LoopRun, number: int, policy: ModelVersion, n: int) -> dict[UUID, list[Message]]:
    """Requests for n completions of each prompt that is not held out, and its messages; those of a stage that was
    cut are taken up again."""
    known = run.stages.notes.get(f"requests {number}")
    ids = [UUID(str(one)) for one in known] if isinstance(known, list) else []
    asked = {request.pk: request.prompt for request in SampleRequest.objects.filter(pk__in=ids)}
    if asked:
        return asked
    project = run.own.project
    for prompt in Prompt.objects.filter(project=project).order_by("content_hash"):
        if projects.split_for(project, prompt.prompt_key, prompt.author_id) == "train":
            request = sampling.request_completions(
                model_version=policy, prompt=prompt.messages, n=n,
                params={"max_tokens": project.max_tokens, "stop": STOPS, "temperature": 1.0},
            )  # fmt: skip
            asked[request.pk] = prompt.messages
    run.stages.note(f"requests {number}", [str(one) for one in asked])
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
