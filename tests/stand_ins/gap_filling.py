"""A server that fills what a request leaves out from the model's generation_config.json, as vLLM does, with a model.

Its sampling is written here once more, by the books and token by token, so that it is a check on ours.
"""

from __future__ import annotations

import json
from pathlib import Path

import jinja2
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from common.shapes import Json, JsonObject
from tests.stand_ins.model_server import Handler, ModelServer, limit_of

OFF: dict[str, float] = {
    "temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}  # fmt: skip


class GapFillingServer(ModelServer):
    """`vllm serve FOLDER` without `--generation-config vllm`, on a CPU."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.lm = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        path = folder / "generation_config.json"
        shipped: JsonObject = json.loads(path.read_text()) if path.exists() else {}
        self.defaults = {name: value for name, value in shipped.items() if name in OFF and value is not None}
        self._logits: dict[tuple[int, ...], torch.Tensor] = {}
        super().__init__("vllm", context=128)
        self.script = [self.answer]

    def parameter(self, body: JsonObject, name: str) -> float:
        """The request's own, else the model's, else off: what vLLM calls user, server default, OpenAI default."""
        value = body.get(name)
        value = self.defaults.get(name, OFF[name]) if value is None else value
        assert isinstance(value, int | float)
        return float(value)

    def prompt_ids(self, body: JsonObject) -> list[int]:
        if isinstance(prompt := body.get("prompt"), str):
            return list(self.tokenizer(prompt, add_special_tokens=body.get("add_special_tokens", True))["input_ids"])
        messages = [dict(m) for m in json.loads(json.dumps(body["messages"]))]
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def distribution(self, ids: list[int], body: JsonObject, said: list[int]) -> torch.Tensor:
        """Probabilities of the next token."""
        key = (*ids, *said)
        with self.lock:
            if key not in self._logits:
                with torch.inference_mode():
                    self._logits[key] = self.lm(torch.tensor([[*ids, *said]])).logits[0, -1].double()
            logits = self._logits[key]
        return shaped(logits, {name: self.parameter(body, name) for name in OFF}, seen=ids, said=said)

    def answer(self, handler: Handler, body: JsonObject) -> None:
        try:
            ids = self.prompt_ids(body)
        except jinja2.TemplateError as error:
            error_object: JsonObject = {"message": str(error), "type": "BadRequestError", "code": 400}
            handler.say(400, {"error": error_object})
            return
        handler.begin()
        seed, n = body.get("seed"), body.get("n") or 1
        assert isinstance(n, int)
        first: JsonObject = {"choices": []}
        if body.get("return_token_ids"):
            reported: list[Json] = list(ids)
            first["prompt_token_ids"] = reported
        handler.event(first)
        for index in range(n):
            generator = torch.Generator()
            generator.manual_seed(int(seed) + index) if isinstance(seed, int) else generator.seed()
            said: list[int] = []
            finish = "length"
            while len(said) < limit_of(body):
                token = int(torch.multinomial(self.distribution(ids, body, said), 1, generator=generator))
                said.append(token)
                if token == self.tokenizer.eos_token_id:
                    finish = "stop"
                    break
            text = str(self.tokenizer.decode(said, skip_special_tokens=True))
            handler.piece(text, index=index, finish=finish)
        handler.done()


def shaped(logits: torch.Tensor, values: dict[str, float], *, seen: list[int], said: list[int]) -> torch.Tensor:
    """The distribution that the parameters make of the logits: penalties, temperature, then the cuts."""
    logits = logits.clone()
    for token in set(seen) | set(said):
        penalty = values["repetition_penalty"]
        logits[token] = logits[token] / penalty if logits[token] > 0 else logits[token] * penalty
    for token in set(said):
        logits[token] -= values["presence_penalty"] + values["frequency_penalty"] * said.count(token)
    if values["temperature"] == 0:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).double()
    chances = torch.softmax(logits / values["temperature"], -1)
    if (top_k := int(values["top_k"])) > 0:
        chances[chances < chances.topk(min(top_k, len(chances))).values[-1]] = 0
        chances /= chances.sum()
    order = chances.argsort(descending=True)
    before = chances[order].cumsum(0) - chances[order]
    chances[order[before >= values["top_p"]]] = 0
    chances[chances < values["min_p"] * chances.max()] = 0
    return chances / chances.sum()
