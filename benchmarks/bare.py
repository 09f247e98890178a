"""transformers as its documentation shows it, for `benchmarks/sampler.py`: imports none of our code.

Tokens are counted as they came out, end tokens included.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import torch

QUESTIONS = [
    "Tell me a story about a fox who could not sleep.",
    "Explain why the sky is blue to a child.",
    "Write a short poem about the sea in spring.",
    "How do I bake bread without an oven?",
    "Name three colours and what they remind you of.",
    "What is the difference between a noun and a verb?",
    "Describe a market on a rainy morning.",
    "Why do cats purr, and should I worry when mine does not?",
]
K, TOKENS = 4, 64


class Bare:
    """transformers as its documentation shows it."""

    def __init__(self, folder: str, device: str = "cpu") -> None:
        library: Any = import_module("transformers")
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
        self.threads = torch.get_num_threads()
        self.dtype = os.environ.get("SAMPLER_DTYPE") or ("bfloat16" if has_bfloat16() else "float32")
        self.device = device
        self.tokenizer = library.AutoTokenizer.from_pretrained(folder, padding_side="left")
        model = library.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, self.dtype))
        self.model = model.to(device).eval()
        common = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "max_new_tokens": TOKENS}
        ids = {"eos_token_id": self.tokenizer.eos_token_id, "pad_token_id": self.tokenizer.pad_token_id}
        self.batching = library.ContinuousBatchingConfig
        self.config = library.GenerationConfig(**common, **ids)

    def ids(self, prompt: str) -> list[int]:
        messages = [{"role": "system", "content": ""}, {"role": "user", "content": prompt}]
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def made(self, rows: Iterable[Iterable[int]]) -> int:
        """Tokens up to and with the end token."""
        end: int = self.tokenizer.eos_token_id
        total = 0
        for row in map(list, rows):
            total += row.index(end) + 1 if end in row else len(row)
        return total

    def generate_batch(self, prompts: list[str], seed: int) -> float:
        inputs = [self.ids(p) for p in prompts for _ in range(K)]
        blocks, at_once = 2 * len(inputs), 512 if self.device == "cpu" else 4096
        began = time.perf_counter()
        out = self.model.generate_batch(
            inputs, generation_config=self.config, progress_bar=False,
            continuous_batching_config=self.batching(num_blocks=blocks, max_batch_tokens=at_once, seed=seed),
        )  # fmt: skip
        seconds = time.perf_counter() - began
        self.model.set_attn_implementation("sdpa")
        return self.made(r.generated_tokens for r in out.values()) / seconds

    def static(self, prompts: list[str], seed: int, *, at_once: int = 8, cache: str | None = None) -> float:
        """`cache`: a kind that `generate` names; on a GPU it compiles the decoding step for "static"."""
        torch.manual_seed(seed)
        options = {"cache_implementation": cache} if cache else {}
        total, seconds = 0, 0.0
        for start in range(0, len(prompts), at_once):
            began = time.perf_counter()
            batch = self.tokenizer.pad(
                {"input_ids": [self.ids(p) for p in prompts[start : start + at_once]]}, return_tensors="pt"
            ).to(self.device)
            with torch.inference_mode():
                out = self.model.generate(**batch, generation_config=self.config, num_return_sequences=K, **options)
            rows = out[:, batch["input_ids"].shape[1] :].tolist()
            seconds += time.perf_counter() - began
            total += self.made(rows)
        return total / seconds

    def one_at_a_time(self, prompts: list[str], seed: int) -> float:
        """A few are enough: each is like the next."""
        torch.manual_seed(seed)
        total, began = 0, time.perf_counter()
        for prompt in prompts[:2]:
            ids = torch.tensor([self.ids(prompt)], device=self.device)
            with torch.inference_mode():
                out = self.model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=self.config)
            total += self.made(out[:, ids.shape[1] :].tolist())
        return total / (time.perf_counter() - began)


def has_bfloat16() -> bool:
    tests = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(test() for test in tests if test)
