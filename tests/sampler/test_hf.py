"""The hf engine on a tiny model with random weights: the running batch must say what `generate` says."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import torch

from sampler.engines import _measure, hf
from sampler.engines.base import CannotLoad, Delta, Ended, Failed, Job, Spec, Started
from sampler.engines.hf import HfEngine
from sampler.params import SamplingParams

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + CHATML
)
PROMPTS = ["a", "what is this, and why?", "tell me more about rivers and mills", "x" * 90]


def save(folder, *, template=CHATML, window=None, mixed=False, seed=3):
    """A checkpoint of two layers that reads bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        LlamaConfig,
        LlamaForCausalLM,
        MistralConfig,
        MistralForCausalLM,
        PreTrainedTokenizerFast,
        Qwen2Config,
        Qwen2ForCausalLM,
    )  # fmt: skip

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: i for i, letter in enumerate(letters)}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    sizes = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048,
        "eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id, "initializer_range": 0.3,
    }  # fmt: skip
    if mixed:
        kinds = ["full_attention", "sliding_attention"]
        model = Qwen2ForCausalLM(
            Qwen2Config(**sizes, sliding_window=window, use_sliding_window=True, layer_types=kinds)
        )
    elif window:
        model = MistralForCausalLM(MistralConfig(**sizes, sliding_window=window))
    else:
        model = LlamaForCausalLM(LlamaConfig(**sizes))
    model.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    return save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLER_DTYPE", "float32")
    monkeypatch.setenv("SAMPLER_DEVICE", "cpu")


def load(folder, *, rows=16, static=False, **fields) -> HfEngine:
    known = {"way": "static" if static else "continuous", "rows": rows, "why": "a test", "measured_on": "any"}
    return hf.load(Spec("tiny", folder, batching=known, **fields))


def job(text="hello there", *, interactive=False, writes="assistant", **params) -> Job:
    params = {"max_tokens": 12, "seed": 7} | params
    return Job(uuid.uuid4(), [{"role": "user", "content": text}], SamplingParams(**params), writes, interactive)


def run(engine, jobs, *, every=0):
    """All events until all jobs ended; with `every`, one more job is added after so many steps."""
    waiting, left, events, steps = list(jobs), {j.id for j in jobs}, [], 0
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


def drawn(events, one):
    (end,) = [e for e in events if isinstance(e, Ended) and e.job_id == one.id]
    return end.drawn


def greedy(engine, text, tokens=12):
    ids = engine.chat.render([{"role": "user", "content": text}], max_tokens=tokens).ids
    out = engine.loaded.model.generate(
        torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), max_new_tokens=tokens,
        do_sample=False,
    )  # fmt: skip
    return engine.loaded.decode(out[0, len(ids) :].tolist())


@pytest.mark.parametrize("static", [False, True])
def test_rows_that_join_and_leave_at_any_time_say_what_generate_says(folder, static: bool) -> None:
    engine = load(folder, static=static)
    lengths = [12, 3, 20, 7]
    jobs = [
        job(text, temperature=0, max_tokens=length, n=1 + i % 2)
        for i, (text, length) in enumerate(zip(PROMPTS, lengths, strict=True))
    ]
    events = run(engine, jobs, every=2)
    for one, text, length in zip(jobs, PROMPTS, lengths, strict=True):
        for sample in drawn(events, one):
            assert sample.text == greedy(engine, text, length)


def test_a_long_run_outgrows_its_buffers_and_still_agrees(folder) -> None:
    engine = load(folder)
    jobs = [job(text, temperature=0, max_tokens=300) for text in PROMPTS[:2]]
    events = run(engine, jobs, every=150)
    for one, text in zip(jobs, PROMPTS, strict=False):
        assert drawn(events, one)[0].text == greedy(engine, text, 300)


def test_a_prompt_read_in_chunks_agrees(folder) -> None:
    engine = load(folder)
    text = "rivers and mills " * 50
    one = job(text, temperature=0)
    assert drawn(run(engine, [one]), one)[0].text == greedy(engine, text)


@pytest.mark.parametrize("mixed", [False, True])
def test_a_model_with_a_sliding_window_agrees(tmp_path: Path, mixed: bool) -> None:
    engine = load(save(tmp_path, window=24, mixed=mixed))
    assert (engine.batch.window, engine.batch.mixed) == (24, mixed)
    jobs = [job(text, temperature=0, max_tokens=40) for text in PROMPTS]
    events = run(engine, jobs, every=3)
    for one, text in zip(jobs, PROMPTS, strict=True):
        assert drawn(events, one)[0].text == greedy(engine, text, 40)


def test_k_samples_of_one_prompt_read_it_once(folder, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = load(folder)
    read = []
    inner = engine.batch.prefill
    monkeypatch.setattr(engine.batch, "prefill", lambda ids, past: read.append(len(ids)) or inner(ids, past))
    one = job("a prompt of some length", n=8)
    events = run(engine, [one])
    assert sum(read) == drawn(events, one)[0].prompt_tokens
    assert len({d.text for d in drawn(events, one)}) == 8


def test_the_same_seed_draws_the_same_text_whoever_else_is_in_the_batch(folder) -> None:
    engine = load(folder)
    alone, among = job("the same", n=2), job("the same", n=2)
    first = drawn(run(engine, [alone]), alone)
    others = [job(text, seed=i) for i, text in enumerate(PROMPTS)]
    second = drawn(run(engine, [*others, among]), among)
    assert [d.text for d in first] == [d.text for d in second]
    assert [d.seed for d in first] == [7, 8]


def test_the_log_probability_is_the_models_own(folder) -> None:
    engine = load(folder)
    one = job("probable?", temperature=0.7, top_k=5, max_tokens=5)
    (sample,) = drawn(run(engine, [one]), one)
    prompt = engine.chat.render(one.messages, max_tokens=5).ids
    ids = prompt + engine.loaded.tokenizer(sample.text, add_special_tokens=False)["input_ids"]
    if sample.finish_reason == "length" and len(ids) == len(prompt) + 5:
        with torch.inference_mode():
            logits = engine.loaded.model(torch.tensor([ids])).logits[0].log_softmax(-1)
        expected = sum(float(logits[at - 1, ids[at]]) for at in range(len(prompt), len(ids)))
        assert sample.logprob == pytest.approx(expected, abs=1e-2)
    assert sample.logprob < 0


def test_out_of_memory_halves_the_batch_and_every_request_still_ends_once(
    folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load(folder)
    plain = {t: greedy(engine, t) for t in PROMPTS}
    inner = engine.batch.decode

    def decode(tokens):
        if engine.batch.size > 4:
            raise torch.OutOfMemoryError("injected")
        return inner(tokens)

    monkeypatch.setattr(engine.batch, "decode", decode)
    jobs = [job(text, n=3, temperature=0) for text in PROMPTS]
    events = run(engine, jobs)
    assert engine.most <= 4
    for one, text in zip(jobs, PROMPTS, strict=True):
        samples = drawn(events, one)
        assert [d.index for d in samples] == [0, 1, 2]
        assert {d.text for d in samples} == {plain[text]}


def test_a_request_that_has_no_room_even_alone_fails_and_the_next_one_runs(
    folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load(folder)
    inner = engine.batch.decode

    def decode(tokens):
        if engine.rows[0].entry.job.messages[0]["content"] == "too big":
            raise torch.OutOfMemoryError("injected")
        return inner(tokens)

    monkeypatch.setattr(engine.batch, "decode", decode)
    bad, good = job("too big"), job("small")
    events = run(engine, [bad, good])
    assert [e.job_id for e in events if isinstance(e, Failed)] == [bad.id]
    assert drawn(events, good)


def test_an_interactive_job_gets_its_first_token_in_the_step_after_it_came(folder) -> None:
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


def test_the_users_side_is_written_under_an_open_user_header(folder) -> None:
    engine = load(folder)
    rendered = engine.chat.render([{"role": "user", "content": "Hi"}], max_tokens=5, writes="user")
    text = engine.loaded.tokenizer.decode(rendered.ids)
    assert text.endswith("<|im_start|>user\n")
    assert rendered.stops == ("<|im_end|>",)
    assert "open user header" in rendered.report["way"]


def test_the_system_turn_is_always_explicit(folder) -> None:
    engine = load(folder)
    text = engine.loaded.tokenizer.decode(engine.chat.render([{"role": "user", "content": "Hi"}], max_tokens=5).ids)
    assert text.startswith("<|im_start|>system\n<|im_end|>")
    engine.chat.system_prompt = "Be kind."
    rendered = engine.chat.render([{"role": "user", "content": "Hi"}], max_tokens=5)
    assert engine.loaded.tokenizer.decode(rendered.ids).startswith("<|im_start|>system\nBe kind.<|im_end|>")
    assert rendered.report["system"] == "explicit"


def test_a_template_without_a_system_turn_gets_its_text_in_the_first_user_turn(tmp_path: Path) -> None:
    engine = load(save(tmp_path, template=NO_SYSTEM), system_prompt="Be kind.")
    rendered = engine.chat.render([{"role": "user", "content": "Hi"}], max_tokens=5)
    assert "user\nBe kind.\n\nHi" in engine.loaded.tokenizer.decode(rendered.ids)
    assert rendered.report["system"] == "merged into the first user turn"


def test_a_model_without_a_template_is_asked_in_plain_text(tmp_path: Path) -> None:
    engine = load(save(tmp_path, template=None))
    one = job("Hi")
    events = run(engine, [one])
    report = next(e for e in events if isinstance(e, Started)).report
    assert report["way"] == "plain text"
    assert drawn(events, one)


@pytest.mark.parametrize(("location", "reason"), [("/nowhere/at/all", "no /nowhere"), ("", "no weights")])
def test_what_cannot_be_loaded_says_why(tmp_path: Path, location: str, reason: str) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(CannotLoad, match=reason):
        hf.load(Spec("x", location or str(tmp_path)))


def test_the_same_checkpoint_has_the_same_hash_everywhere_and_another_has_another(folder, tmp_path: Path) -> None:
    first = load(folder).provenance()["weights_hash"]
    assert first == load(folder).provenance()["weights_hash"]
    assert len(first) == 64
    assert first != load(save(tmp_path, seed=4)).provenance()["weights_hash"]


def test_batching_is_measured_once_and_taken_over_by_the_next_load(folder) -> None:
    engine = hf.load(Spec("tiny", folder))
    found = engine.batching()
    assert found["way"] in {"continuous", "static"}
    assert found["why"]
    if "measured_on" in found:  # a machine too busy to be measured says so instead
        again = hf.load(Spec("tiny", folder, batching=found))
        assert again.batching() == found


def test_the_choice_of_batching_follows_the_figures() -> None:
    assert _measure.choose_rows({8: 0.1, 16: 0.11, 32: 0.12, 64: 0.9})[0] == 32  # 64 rows are too slow to read
    assert _measure.choose_rows({8: 0.1, 16: 0.2, 32: 0.4})[0] == 8  # more rows bring nothing
    assert _measure.choose_way({"continuous": 100.0, "static": 105.0})[0] == "continuous"
    assert _measure.choose_way({"continuous": 100.0, "static": 140.0})[0] == "static"
