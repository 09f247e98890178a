"""The hf engine on a tiny model with random weights: the running batch must say what `generate` says."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

import pytest
import torch

from common.shapes import Message
from generation.batch import PromptCache, RollingBatch
from sampler.engines import hf
from sampler.engines.base import Batching, Delta, Ended, Event, Failed, Job, Spec, Started
from sampler.engines.hf import HfEngine
from sampler.params import Drawn, SamplingParams
from tests.sampler.byte_model import NO_SYSTEM, save
from tests.sampler.fields import ParamFields

pytestmark = pytest.mark.usefixtures("exact")
Moving = tuple[torch.Tensor, torch.Tensor, tuple[int, int] | None, int]
PROMPTS = ["a", "what is this, and why?", "tell me more about rivers and mills", "x" * 90]


@pytest.fixture(params=["plain", "captured"])
def decoding(request: pytest.FixtureRequest) -> str:
    """How steps are decoded. On a CPU nothing is captured, but the same code runs over the same whole buffers."""
    way: str = request.param
    return way


def load(
    folder: str, *, rows: int = 16, static: bool = False, system_prompt: str = "", decoding: str = "plain"
) -> HfEngine:
    known: Batching = {
        "way": "static" if static else "continuous", "rows": rows, "why": "a test", "measured_on": "any",
        "decoding": decoding,
    }  # fmt: skip
    return hf.ENGINE.load(Spec("tiny", folder, system_prompt=system_prompt, batching=known))


def user(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


def job(
    text: str = "hello there", *, interactive: bool = False, writes: str = "assistant", **params: Unpack[ParamFields]
) -> Job:
    wanted: ParamFields = {"max_tokens": 12, "seed": 7, **params}
    return Job(uuid.uuid4(), user(text), SamplingParams(**wanted), writes, interactive)


def run(engine: HfEngine, jobs: list[Job], *, every: int = 0) -> list[Event]:
    """All events until all jobs ended; with `every`, one more job is added after so many steps."""
    waiting, left, steps = list(jobs), {j.id for j in jobs}, 0
    events: list[Event] = []
    while left:
        if waiting and (not every or steps % every == 0):
            for one in waiting[: 1 if every else len(waiting)]:
                engine.add(one)
            del waiting[: 1 if every else len(waiting)]
        for event in engine.step():
            events.append(event)
            if isinstance(event, Ended | Failed):
                left.discard(event.job_id)
        steps += 1
        assert steps < 2000
    return events


def drawn(events: list[Event], one: Job) -> tuple[Drawn, ...]:
    (end,) = [e for e in events if isinstance(e, Ended) and e.job_id == one.id]
    return end.drawn


def greedy(engine: HfEngine, text: str, tokens: int = 12) -> str:
    ids = engine.chat.render(user(text), max_tokens=tokens).ids
    model: Any = engine.loaded.model
    out = model.generate(
        torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), max_new_tokens=tokens,
        do_sample=False,
    )  # fmt: skip
    return engine.loaded.decode(out[0, len(ids) :].tolist())


@pytest.mark.parametrize("static", [False, True])
def test_rows_that_join_and_leave_at_any_time_say_what_generate_says(folder: str, static: bool, decoding: str) -> None:
    engine = load(folder, static=static, decoding=decoding)
    lengths = [12, 3, 20, 7]
    jobs = [
        job(text, temperature=0, max_tokens=length, n=1 + i % 2)
        for i, (text, length) in enumerate(zip(PROMPTS, lengths, strict=True))
    ]
    events = run(engine, jobs, every=2)
    for one, text, length in zip(jobs, PROMPTS, lengths, strict=True):
        for sample in drawn(events, one):
            assert sample.text == greedy(engine, text, length)


def test_a_long_run_outgrows_its_buffers_and_still_agrees(folder: str, decoding: str) -> None:
    engine = load(folder, decoding=decoding)
    jobs = [job(text, temperature=0, max_tokens=300) for text in PROMPTS[:2]]
    events = run(engine, jobs, every=150)
    for one, text in zip(jobs, PROMPTS, strict=False):
        assert drawn(events, one)[0].text == greedy(engine, text, 300)


def test_a_prompt_read_in_chunks_agrees(folder: str) -> None:
    engine = load(folder)
    text = "rivers and mills " * 50
    one = job(text, temperature=0)
    assert drawn(run(engine, [one]), one)[0].text == greedy(engine, text)


@pytest.mark.parametrize("mixed", [False, True])
def test_a_model_with_a_sliding_window_agrees(tmp_path: Path, mixed: bool, decoding: str) -> None:
    engine = load(save(tmp_path, window=24, mixed=mixed), decoding=decoding)
    assert (engine.running.batch.window, engine.running.batch.mixed) == (24, mixed)
    jobs = [job(text, temperature=0, max_tokens=40) for text in PROMPTS]
    events = run(engine, jobs, every=3)
    for one, text in zip(jobs, PROMPTS, strict=True):
        assert drawn(events, one)[0].text == greedy(engine, text, 40)


def test_k_samples_of_one_prompt_read_it_once(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = load(folder)
    read: list[int] = []
    inner = engine.running.batch.prefill

    def prefill(ids: list[int], past: PromptCache | None) -> tuple[torch.Tensor, PromptCache]:
        read.append(len(ids))
        return inner(ids, past)

    monkeypatch.setattr(engine.running.batch, "prefill", prefill)
    one = job("a prompt of some length", n=8)
    events = run(engine, [one])
    assert sum(read) == drawn(events, one)[0].prompt_tokens
    assert len({d.text for d in drawn(events, one)}) == 8


def test_the_same_seed_draws_the_same_text_whoever_else_is_in_the_batch(folder: str, decoding: str) -> None:
    engine = load(folder, decoding=decoding)
    alone, among = job("the same", n=2), job("the same", n=2)
    first = drawn(run(engine, [alone]), alone)
    others = [job(text, seed=i) for i, text in enumerate(PROMPTS)]
    second = drawn(run(engine, [*others, among]), among)
    assert [d.text for d in first] == [d.text for d in second]
    assert [d.seed for d in first] == [7, 8]


def test_the_log_probability_is_the_models_own(folder: str) -> None:
    engine = load(folder)
    one = job("probable?", temperature=0.7, top_k=5, max_tokens=5)
    (sample,) = drawn(run(engine, [one]), one)
    prompt = engine.chat.render(one.messages, max_tokens=5).ids
    ids = prompt + engine.loaded.tokenizer(sample.text, add_special_tokens=False)["input_ids"]
    if sample.finish_reason == "length" and len(ids) == len(prompt) + 5:
        with torch.inference_mode():
            logits = engine.loaded.model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        expected = sum(float(logits[at - 1, ids[at]]) for at in range(len(prompt), len(ids)))
        assert sample.logprob == pytest.approx(expected, abs=1e-2)
    assert sample.logprob is not None
    assert sample.logprob < 0


def test_out_of_memory_halves_the_batch_and_every_request_still_ends_once(
    folder: str, monkeypatch: pytest.MonkeyPatch, decoding: str
) -> None:
    engine = load(folder, decoding=decoding)
    plain = {t: greedy(engine, t) for t in PROMPTS}
    inner = engine.running.batch.decode

    def decode(tokens: torch.Tensor) -> torch.Tensor:
        if engine.running.batch.size > 4:
            raise torch.OutOfMemoryError("injected")
        return inner(tokens)

    monkeypatch.setattr(engine.running.batch, "decode", decode)
    jobs = [job(text, n=3, temperature=0) for text in PROMPTS]
    events = run(engine, jobs)
    assert engine.most <= 4
    for one, text in zip(jobs, PROMPTS, strict=True):
        samples = drawn(events, one)
        assert [d.index for d in samples] == [0, 1, 2]
        assert {d.text for d in samples} == {plain[text]}


def test_memory_that_runs_out_while_the_buffers_are_moved_changes_no_text(
    folder: str, monkeypatch: pytest.MonkeyPatch, decoding: str
) -> None:
    """Some layers are moved and others are not: nothing of the batch can be used any more."""
    engine = load(folder, decoding=decoding)
    plain = {text: greedy(engine, text, 300) for text in PROMPTS[:3]}
    inner, calls = RollingBatch._moved, []

    def moved(batch: RollingBatch, *args: *Moving) -> torch.Tensor:
        calls.extend([1] if batch.size and args[3] != batch.column else [])
        if len(calls) == 3:  # of the second layer
            calls.append(1)
            raise torch.OutOfMemoryError("injected")
        return inner(batch, *args)

    monkeypatch.setattr(RollingBatch, "_moved", moved)
    jobs = [job(text, temperature=0, max_tokens=300) for text in plain]
    events = run(engine, jobs, every=5)  # the later ones are longer, so that the earlier ones make room for them
    assert len(calls) > 3
    assert [drawn(events, one)[0].text for one in jobs] == list(plain.values())


def test_prompts_that_wait_are_read_at_once(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = load(folder)
    sizes: list[int] = []
    inner = engine.running.batch.prefill_together

    def together(prompts: Sequence[list[int]]) -> list[tuple[torch.Tensor, PromptCache]]:
        sizes.append(len(prompts))
        return inner(prompts)

    monkeypatch.setattr(engine.running.batch, "prefill_together", together)
    texts = [f"{'why ' * (number % 3)}number {number}?" for number in range(6)]
    jobs = [job(text, temperature=0, n=2) for text in texts]
    events = run(engine, jobs)
    assert max(sizes) > 3
    assert [drawn(events, one)[1].text for one in jobs] == [greedy(engine, text) for text in texts]


def test_a_model_that_cannot_read_prompts_at_once_reads_them_one_by_one(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load(folder)

    def together(prompts: Sequence[list[int]]) -> list[tuple[torch.Tensor, PromptCache]]:
        raise TypeError("logits_to_keep takes a number")

    monkeypatch.setattr(engine.running.batch, "prefill_together", together)
    jobs = [job(text, temperature=0) for text in PROMPTS]
    events = run(engine, jobs)
    assert [drawn(events, one)[0].text for one in jobs] == [greedy(engine, text) for text in PROMPTS]


def test_a_request_that_has_no_room_even_alone_fails_and_the_next_one_runs(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load(folder)
    inner = engine.running.batch.decode

    def decode(tokens: torch.Tensor) -> torch.Tensor:
        if engine.running.rows[0].entry.job.messages[0]["content"] == "too big":
            raise torch.OutOfMemoryError("injected")
        return inner(tokens)

    monkeypatch.setattr(engine.running.batch, "decode", decode)
    bad, good = job("too big"), job("small")
    events = run(engine, [bad, good])
    assert [e.job_id for e in events if isinstance(e, Failed)] == [bad.id]
    assert drawn(events, good)


def test_an_interactive_job_gets_its_first_token_in_the_step_after_it_came(folder: str) -> None:
    engine = load(folder, rows=8)
    for number in range(20):
        engine.add(job(f"background {number}", n=4, max_tokens=100))
    for _ in range(5):
        engine.step()
    assert engine.room().background == 0
    assert engine.room().running > 8
    quick = job("quick", interactive=True)
    engine.add(quick)
    events = engine.step()
    assert [e for e in events if isinstance(e, Delta) and e.job_id == quick.id]


def test_the_users_side_is_written_under_an_open_user_header(folder: str) -> None:
    engine = load(folder)
    rendered = engine.chat.render(user("Hi"), max_tokens=5, writes="user")
    text = engine.loaded.tokenizer.decode(rendered.ids)
    assert text.endswith("<|im_start|>user\n")
    assert rendered.stops == ("<|im_end|>",)
    assert "open user header" in rendered.report["way"]


def test_the_system_turn_is_always_explicit(folder: str) -> None:
    engine = load(folder)
    text = engine.loaded.tokenizer.decode(engine.chat.render(user("Hi"), max_tokens=5).ids)
    assert text.startswith("<|im_start|>system\n<|im_end|>")
    engine.chat.system_prompt = "Be kind."
    rendered = engine.chat.render(user("Hi"), max_tokens=5)
    assert engine.loaded.tokenizer.decode(rendered.ids).startswith("<|im_start|>system\nBe kind.<|im_end|>")
    assert rendered.report["system"] == "explicit"


def test_a_template_without_a_system_turn_gets_its_text_in_the_first_user_turn(tmp_path: Path) -> None:
    engine = load(save(tmp_path, template=NO_SYSTEM), system_prompt="Be kind.")
    rendered = engine.chat.render(user("Hi"), max_tokens=5)
    assert "user\nBe kind.\n\nHi" in engine.loaded.tokenizer.decode(rendered.ids)
    assert rendered.report["system"] == "merged into the first user turn"


def test_a_model_without_a_template_is_asked_in_plain_text(tmp_path: Path) -> None:
    engine = load(save(tmp_path, template=None))
    one = job("Hi")
    events = run(engine, [one])
    report = next(e for e in events if isinstance(e, Started)).report
    assert report["way"] == "plain text"
    assert drawn(events, one)
