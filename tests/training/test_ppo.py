"""PPO and RLOO: the optimum of a toy is reached, answers are drawn as the sampler draws, runs stop and go on."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from common.shapes import Message
from generation.checkpoints import CannotLoad
from generation.loading import load_policy, load_tokenizer
from generation.rendering import ChatTemplate
from generation.types import LanguageModel
from sampler.engines import hf
from sampler.engines.base import Batching, Ended, Job, Spec
from sampler.params import SamplingParams
from tests.generation.tiny import make_reward_model, make_tiny_model
from tests.training.exports import add_demonstrations
from tests.training.facts import number, rows
from training import ppo, sft
from training.accelerated import accelerator_for
from training.actor import Actor, Padded, reference_logprobs
from training.folders import BadFolder
from training.ppo import Training
from training.ppo_options import Settings
from training.record import Record
from training.rollouts import Rollout, Sampler

CPU = torch.device("cpu")
QUICK = Settings(iterations=3, answers_per_iteration=16, minibatch_size=8, max_tokens=12, learning_rate=1e-3)
ARMS = {8: 1.0, 9: 0.6}  # tokens that are rewarded
COMMA = 7
ASK = [Message(role="user", content="and")]


def first_token(model: LanguageModel, chat: ChatTemplate) -> torch.Tensor:
    """Log-probabilities of an answer's first token."""
    ids = chat.render(ASK, max_tokens=1).ids
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=torch.tensor([ids])).logits[0, -1].double().log_softmax(-1)
    return found


@pytest.mark.parametrize("algorithm", ["ppo", "rloo"])
def test_the_optimum_of_reward_less_kl_is_reached_on_a_toy_of_ten_tokens(algorithm: str, tmp_path: Path) -> None:
    """Answers of one token, two of ten of which are rewarded. The best policy is the first one times e^(r / beta)."""
    base = make_tiny_model(tmp_path / "base", words=2)
    tokenizer = load_tokenizer(str(base))
    policy, reference = load_policy(str(base), CPU), load_policy(str(base), CPU)
    assert policy.config.vocab_size == 10  # type: ignore[attr-defined]
    s = Settings(
        algorithm=algorithm, answers_per_prompt=1 if algorithm == "ppo" else 8, iterations=50,
        answers_per_iteration=256, minibatch_size=128, learning_rate=1e-2, beta=0.5, max_tokens=1, rows=256,
        unended_penalty=0.0, epochs=2 if algorithm == "ppo" else 1,
    )  # fmt: skip
    accelerator = accelerator_for(s)

    def reward_of(rollouts: Sequence[Rollout]) -> torch.Tensor:
        return torch.tensor([ARMS.get(one.ids[0], 0.0) for one in rollouts])

    record = Record(tmp_path / "out", {}, accelerator, lambda text: None)
    training = Training(accelerator, s, policy, reference, tokenizer, reward_of, record)
    training.scale = [0.0, 1.0]  # rewards as they are
    training.run([ASK])
    chat = ChatTemplate(tokenizer)
    before, after = first_token(reference, chat), first_token(policy, chat)
    reward = torch.tensor([ARMS.get(token, 0.0) for token in range(10)], dtype=torch.float64)
    optimum = s.beta * torch.logsumexp(before + reward / s.beta, 0).item()

    def objective(logprobs: torch.Tensor) -> float:
        return (logprobs.exp() * (reward - s.beta * (logprobs - before))).sum().item()

    assert objective(before) < 0.6 * optimum
    assert objective(after) > 0.98 * optimum


def length_and_commas(base: Path, folder: Path, *, length_controlled: bool) -> list[tuple[float, float]]:
    """Tokens and commas an answer, before and after training where each comma costs."""
    s = Settings(
        iterations=12, answers_per_iteration=128, minibatch_size=64, learning_rate=3e-3, beta=0.0, max_tokens=24,
        rows=128, unended_penalty=0.0, length_controlled=length_controlled,
    )  # fmt: skip
    accelerator = accelerator_for(s)
    policy, reference = load_policy(str(base), CPU), load_policy(str(base), CPU)
    found: list[tuple[float, float]] = []

    def reward_of(rollouts: Sequence[Rollout]) -> torch.Tensor:
        commas = [one.ids.count(COMMA) for one in rollouts]
        tokens = sum(len(one.ids) for one in rollouts)
        found.append((tokens / len(rollouts), sum(commas) / len(rollouts)))
        return -torch.tensor(commas).float()

    record = Record(folder, {}, accelerator, lambda text: None)
    Training(accelerator, s, policy, reference, load_tokenizer(str(base)), reward_of, record).run([ASK])
    return [found[0], found[-1]]


@pytest.mark.slow
def test_a_reward_that_is_freed_of_length_leaves_the_length_alone(tmp_path: Path) -> None:
    """Longer answers have more commas. Without the option the policy learns to say less, with it to say it without."""
    base = make_tiny_model(tmp_path / "base", words=4)
    (length, commas), plain = length_and_commas(base, tmp_path / "plain", length_controlled=False)
    _, freed = length_and_commas(base, tmp_path / "freed", length_controlled=True)
    assert plain[0] < 0.4 * length
    assert 0.7 * length < freed[0] < 1.4 * length
    assert freed[1] < 0.3 * commas


def test_answers_are_those_that_the_sampler_draws(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seeds give the same texts as the hf engine, stop strings included."""
    monkeypatch.setenv("SAMPLER_DTYPE", "float32")
    stop = ("north",)
    batching: Batching = {"way": "continuous", "rows": 6, "why": "a test", "measured_on": "any"}
    engine = hf.ENGINE.load(Spec("tiny", str(base), batching=batching))
    engine.add(Job(uuid.uuid4(), ASK, SamplingParams(n=6, seed=7, max_tokens=12, stop=stop)))
    ended: list[Ended] = []
    while not ended:
        ended = [event for event in engine.step() if isinstance(event, Ended)]
    engine.close()
    wanted = [(one.text.strip(), one.finish_reason) for one in ended[0].drawn]
    tokenizer, model = load_tokenizer(str(base)), load_policy(str(base), CPU)
    sampler = Sampler(model, tokenizer, ChatTemplate(tokenizer), max_tokens=12, temperature=1.0, stop=stop, rows=4)
    got = sampler.draw([ASK] * 6, [7 + n for n in range(6)])
    assert [(one.text, "stop" if one.ended else "length") for one in got] == wanted
    assert {reason for _, reason in wanted} == {"stop", "length"}


def test_left_padding_changes_no_log_probability(base: Path) -> None:
    tokenizer, model = load_tokenizer(str(base)), load_policy(str(base), CPU)
    sampler = Sampler(model, tokenizer, ChatTemplate(tokenizer), max_tokens=8, temperature=1.0, stop=(), rows=8)
    long = [Message(role="user", content="amber basalt cedar delta ember fjord")]
    rollouts = sampler.draw([ASK, long, long], [1, 2, 3])
    together = reference_logprobs(model, Padded(rollouts, 0, CPU), 1.0)
    with torch.no_grad():
        values = Actor(model, 1.0)(Padded(rollouts, 0, CPU))[1]
    assert values.abs().max() == 0  # the head begins at zero
    for row, one in enumerate(rollouts):
        alone = reference_logprobs(model, Padded([one], 0, CPU), 1.0)[0]
        assert together[row, : len(one.ids)].tolist() == pytest.approx(alone.tolist(), abs=1e-5)


@pytest.fixture(scope="module")
def judge(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reward_model(tmp_path_factory.mktemp("judge") / "rm", base)


def test_every_iteration_is_written_down(base: Path, export: Path, judge: Path, tmp_path: Path) -> None:
    facts = ppo.train(export=export, base=base, reward_model=judge, out=tmp_path / "out", settings=QUICK)
    history = rows(facts)
    assert [row["iteration"] for row in history] == [0, 1, 2, 3]
    assert history[0]["kl"] == pytest.approx(0, abs=1e-4)  # the first policy against itself
    assert history[0]["reward_in_deviations"] == pytest.approx(0, abs=1e-4)
    for name in ("kl", "reward", "tokens", "ended", "perplexity"):
        assert all(name in row for row in history)
    lines = (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["iteration"] for line in lines] == [0, 1, 2, 3]
    assert (tmp_path / "out" / "curve.svg").read_text().startswith("<svg")
    card = (tmp_path / "out" / "README.md").read_text()
    assert str(facts["weights_sha256"]) in card
    assert str(facts["export_id"]) in card
    assert json.loads((tmp_path / "out" / "training.json").read_text()) == facts
    assert not list(tmp_path.glob(".*unfinished"))


def test_in_16_bits_answers_are_drawn_from_the_weights_as_they_are(
    base: Path, export: Path, judge: Path, tmp_path: Path
) -> None:
    """A copy of them is drawn from, and renewed in each iteration."""
    half = replace(QUICK, precision="bfloat16", learning_rate=1e-2, iterations=4)
    facts = ppo.train(export=export, base=base, reward_model=judge, out=tmp_path / "out", settings=half)
    history = rows(facts)
    assert history[0]["kl"] == pytest.approx(0, abs=1e-4)
    assert history[-1]["kl"] > 0.5
    assert history[-1]["reward"] > history[0]["reward"]
    weights = load_file(tmp_path / "out" / "model.safetensors")
    assert {one.dtype for one in weights.values()} == {torch.float32}


def test_only_the_upper_layers_learn_where_they_are_named(
    base: Path, export: Path, judge: Path, tmp_path: Path
) -> None:
    s = replace(QUICK, trained_layers=1)
    ppo.train(export=export, base=base, reward_model=judge, out=tmp_path / "out", settings=s)
    before, after = (load_file(folder / "model.safetensors") for folder in (base, tmp_path / "out"))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(".layers.1." in name or name in ("model.norm.weight", "lm_head.weight") for name in changed)
    with pytest.raises(CannotLoad):
        ppo.train(
            export=export, base=base, reward_model=judge, out=tmp_path / "no", settings=replace(s, trained_layers=3)
        )


def test_above_the_ceiling_of_kl_the_weights_before_are_kept(
    base: Path, export: Path, judge: Path, tmp_path: Path
) -> None:
    wild = replace(QUICK, learning_rate=3e-2, iterations=8, max_kl=0.5)
    facts = ppo.train(export=export, base=base, reward_model=judge, out=tmp_path / "out", settings=wild)
    assert facts["stopped_at_max_kl"] is True
    assert number(facts, "kl") <= 0.5
    assert rows(facts)[-1]["kl"] > 0.5
    assert len(rows(facts)) < 9


def test_a_run_that_was_cut_goes_on_and_ends_as_if_it_had_not_been(
    base: Path, export: Path, judge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = replace(QUICK, save_every=1, iterations=3)
    whole = ppo.train(export=export, base=base, reward_model=judge, out=tmp_path / "whole", settings=s)
    improve = Training.improve

    def cut(self: Training, found: Any, iteration: int) -> Any:
        if iteration == 3:
            raise KeyboardInterrupt
        return improve(self, found, iteration)

    monkeypatch.setattr(Training, "improve", cut)
    with pytest.raises(KeyboardInterrupt):
        ppo.train(export=export, base=base, reward_model=judge, out=tmp_path / "cut", settings=s)
    monkeypatch.undo()
    told: list[str] = []
    facts = ppo.train(export=export, base=base, reward_model=judge, out=tmp_path / "cut", settings=s, tell=told.append)
    assert any("goes on after step 2" in line for line in told)
    assert facts["weights_sha256"] == whole["weights_sha256"]
    assert [row["kl"] for row in rows(facts)] == [row["kl"] for row in rows(whole)]


def test_answers_that_people_wrote_can_be_mixed_in(base: Path, export: Path, judge: Path, tmp_path: Path) -> None:
    """PPO-ptx: their loss falls where it rises without."""
    add_demonstrations(export)
    tokenizer = load_tokenizer(str(base))

    def loss(folder: Path) -> float:
        model = load_policy(str(folder), CPU)
        data = sft.read(export, "train", tokenizer, model.config, sft.Settings(source="sft"))
        with torch.no_grad():
            return sft.loss_of(model, data, 0).item() / sum(len(ids) - start for ids, start in data)

    for name, ptx in (("without", ""), ("with", str(export))):
        s = replace(QUICK, ptx=ptx, ptx_coefficient=2.0, iterations=4)
        ppo.train(export=export, base=base, reward_model=judge, out=tmp_path / name, settings=s)
    assert loss(tmp_path / "with") < loss(base) - 0.1
    assert loss(tmp_path / "with") < loss(tmp_path / "without")


@pytest.mark.parametrize(
    "wrong",
    [replace(QUICK, algorithm="rloo"), replace(QUICK, minibatch_size=0), replace(QUICK, answers_per_iteration=0)],
)
def test_numbers_that_do_not_fit_are_refused(
    wrong: Settings, base: Path, export: Path, judge: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadFolder):
        ppo.train(export=export, base=base, reward_model=judge, out=tmp_path / "out", settings=wrong)
