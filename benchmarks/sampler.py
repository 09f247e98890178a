"""How fast the sampler is, beside bare transformers code that imports none of ours.

    python -m benchmarks.sampler [--quick] [--model FOLDER] [--rounds N]

The worker path is the real one: rows in a database of its own, `manage.py sampler` in a process of
its own, completions written. The bare ways run in this process, with the same weights, data type
and sampling, turn about with the worker, so that a busy machine is unfair to nobody. Tokens are
counted as they came out, end tokens included. The last line is JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.chdir(ROOT)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # the bare ways get what helps our engine on a busy machine
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
STARTED = time.monotonic()
QUICK_UNTIL = 110.0  # seconds after which --quick begins no further round
SLUG = "benchmark"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="8 prompts only; ends within 4 minutes")
    parser.add_argument("--model", default="", help="folder of the model (default: SmolLM2 under the var folder)")
    parser.add_argument(
        "--rounds", type=int, default=0, help="times each way is measured on 8 prompts (default 3, quick 2); once on 64"
    )
    options = parser.parse_args()
    from common import embedded, environment

    with contextlib.ExitStack() as stack:
        if names := embedded.needed():
            stack.enter_context(embedded.running(environment.var_dir(ROOT), names))
        return measure(options, stack)


def measure(options: argparse.Namespace, stack: contextlib.ExitStack) -> int:
    import django

    django.setup()
    folder = options.model or smollm2()
    url = stack.enter_context(own_database())
    rounds = options.rounds or (2 if options.quick else 3)
    say(f"loading {folder}")
    bare = Bare(folder)
    worker = stack.enter_context(sampler_process(folder, url))
    say(f"worker: {worker.how()}")
    table: list[tuple[str, str, float]] = []
    ratios: dict[str, float] = {}
    for prompts in [QUESTIONS] if options.quick else [QUESTIONS, [f"{q} ({i})" for i in range(8) for q in QUESTIONS]]:
        label = f"{len(prompts)} prompts x {K} x {TOKENS}"
        speeds = turn_about(worker, bare, prompts, rounds if prompts is QUESTIONS else 1, options.quick)
        table += [(label, name, speed) for name, speed in speeds.items()]
        if prompts is QUESTIONS:
            ratios = {
                "worker_over_continuous": speeds["worker path"] / speeds["bare generate_batch"],
                "worker_over_fastest": speeds["worker path"] / max(v for n, v in speeds.items() if n != "worker path"),
                "worker_over_one_at_a_time": speeds["worker path"] / speeds["bare one at a time"],
            }
    k_cost = bare_k_cost(worker)
    waits = worker.first_tokens(times=20)
    print(
        f"\nSmolLM2-like model {folder}, {bare.dtype}, {bare.threads} threads; 8 prompts: median of {rounds} rounds\n"
    )
    for label, name, speed in table:
        print(f"{label:24} {name:24} {speed:8.1f} tokens/s")
    for name, seconds in waits.items():
        print(f"{'interactive':24} {name:24} {seconds:8.3f} s")
    print(f"{'K samples of a prompt':24} {'of K prompts read':24} {k_cost:8.2f}\n")
    print(json.dumps({k: round(v, 4) for k, v in {**ratios, **waits, "k_over_separate": k_cost}.items()}))
    return 0


def turn_about(worker: SamplerProcess, bare: Bare, prompts: list[str], rounds: int, quick: bool) -> dict[str, float]:
    """Median tokens per second of each way, measured in turn."""
    ways = {
        "worker path": worker.throughput,
        "bare generate_batch": bare.generate_batch,
        "bare static generate": bare.static,
        "bare one at a time": bare.one_at_a_time,
    }
    got: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        if number and quick and time.monotonic() - STARTED > QUICK_UNTIL:
            say("no further round: this machine is slow today")
            break
        for name, way in ways.items():
            speed = way(prompts, number)
            got[name].append(speed)
            say(f"round {number + 1}/{rounds}, {len(prompts)} prompts, {name}: {speed:.1f} tokens/s")
    return {name: statistics.median(speeds) for name, speeds in got.items()}


class Bare:
    """transformers as its documentation shows it."""

    def __init__(self, folder: str) -> None:
        import torch
        import transformers
        from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.torch = torch
        self.threads = torch.get_num_threads()
        self.dtype = os.environ.get("SAMPLER_DTYPE") or ("bfloat16" if has_bfloat16() else "float32")
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, self.dtype)).eval()
        common = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "max_new_tokens": TOKENS}
        ids = {"eos_token_id": self.tokenizer.eos_token_id, "pad_token_id": self.tokenizer.pad_token_id}
        self.config = GenerationConfig(**common, **ids)

    def ids(self, prompt: str) -> list[int]:
        messages = [{"role": "system", "content": ""}, {"role": "user", "content": prompt}]
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def made(self, rows) -> int:
        """Tokens up to and with the end token."""
        end, total = self.tokenizer.eos_token_id, 0
        for row in rows:
            row = list(row)
            total += row.index(end) + 1 if end in row else len(row)
        return total

    def generate_batch(self, prompts: list[str], seed: int) -> float:
        from transformers import ContinuousBatchingConfig

        inputs = [self.ids(p) for p in prompts for _ in range(K)]
        blocks = 2 * len(inputs)
        began = time.perf_counter()
        out = self.model.generate_batch(
            inputs, generation_config=self.config, progress_bar=False,
            continuous_batching_config=ContinuousBatchingConfig(num_blocks=blocks, max_batch_tokens=512, seed=seed),
        )  # fmt: skip
        seconds = time.perf_counter() - began
        self.model.set_attn_implementation("sdpa")
        return self.made(r.generated_tokens for r in out.values()) / seconds

    def static(self, prompts: list[str], seed: int) -> float:
        self.torch.manual_seed(seed)
        total, seconds = 0, 0.0
        for start in range(0, len(prompts), 8):
            began = time.perf_counter()
            batch = self.tokenizer.pad(
                {"input_ids": [self.ids(p) for p in prompts[start : start + 8]]}, return_tensors="pt"
            )
            with self.torch.inference_mode():
                out = self.model.generate(**batch, generation_config=self.config, num_return_sequences=K)
            seconds += time.perf_counter() - began
            total += self.made(out[:, batch["input_ids"].shape[1] :].tolist())
        return total / seconds

    def one_at_a_time(self, prompts: list[str], seed: int) -> float:
        """A few are enough: each is like the next."""
        self.torch.manual_seed(seed)
        total, began = 0, time.perf_counter()
        for prompt in prompts[:2]:
            ids = self.torch.tensor([self.ids(prompt)])
            with self.torch.inference_mode():
                out = self.model.generate(ids, attention_mask=self.torch.ones_like(ids), generation_config=self.config)
            total += self.made(out[:, ids.shape[1] :].tolist())
        return total / (time.perf_counter() - began)


class SamplerProcess:
    """`manage.py sampler` on a model version of its own."""

    def __init__(self) -> None:
        from sampler.models import ModelVersion

        self.version = ModelVersion.objects.get(slug=SLUG)

    def ask(self, prompt: str, **fields):
        from sampler import sampling

        messages = [{"role": "system", "content": ""}, {"role": "user", "content": prompt}]
        return sampling.request_completions(model_version=self.version, prompt=messages, **fields)

    def wait_all(self) -> None:
        from sampler.models import SampleRequest

        while SampleRequest.objects.filter(finished_at__isnull=True).exists():
            time.sleep(0.05)

    def throughput(self, prompts: list[str], seed: int) -> float:
        from django.db.models import Max, Min, Sum

        from sampler.models import Completion, SampleRequest

        requests = [self.ask(p, n=K, params={"max_tokens": TOKENS, "seed": 1000 * seed}) for p in prompts]
        self.wait_all()
        rows = SampleRequest.objects.filter(pk__in=[r.pk for r in requests])
        if broken := rows.exclude(state="done").first():
            raise SystemExit(f"a request ended as {broken.state}: {broken.error}")
        span = rows.aggregate(a=Min("created_at"), b=Max("finished_at"))
        tokens = Completion.objects.filter(request__in=rows).aggregate(t=Sum("completion_tokens"))["t"]
        return tokens / (span["b"] - span["a"]).total_seconds()

    def first_token(self) -> float:
        """From asking until the first live token is here; then the trainer stops it."""
        from sampler import sampling, streams

        began = time.perf_counter()
        request = self.ask("Say hello.", priority=0, purpose="reply", params={"max_tokens": 32})
        found = None
        while not found:
            found = streams.client().xread({streams.key(request.pk): "0"}, block=2000, count=1)
        waited = time.perf_counter() - began
        sampling.cancel(request_id=request.pk)
        streams.wait(request.pk)
        return waited

    def first_tokens(self, times: int) -> dict[str, float]:
        from sampler import sampling
        from sampler.models import SampleRequest

        say("time to first token, idle")
        idle = [self.first_token() for _ in range(times)]
        say("time to first token, 1,000 background requests waiting")
        first = self.ask(QUESTIONS[0], n=K, params={"max_tokens": TOKENS})
        SampleRequest.objects.bulk_create(
            SampleRequest(
                model_version=self.version, prompt=[{"role": "user", "content": QUESTIONS[number % 8]}], n=K,
                params=first.params,
            )
            for number in range(1, 1000)
        )  # fmt: skip
        time.sleep(5)
        before = self.steps()
        busy = [self.first_token() for _ in range(times)]
        time.sleep(2.5)
        after = self.steps()
        waiting = SampleRequest.objects.filter(state="queued").count()
        if waiting < 500:
            raise SystemExit(f"only {waiting} background requests were still waiting: the figure would mean nothing")
        for pk in list(SampleRequest.objects.filter(finished_at__isnull=True).values_list("pk", flat=True)):
            sampling.cancel(request_id=pk)
        self.wait_all()
        step = (after[1] - before[1]) / max(1.0, after[0] - before[0])
        return {
            "ttft_idle_s": statistics.median(idle),
            "ttft_busy_s": statistics.median(busy),
            "step_s": step,
        }

    def steps(self) -> tuple[float, float]:
        """Steps so far and the seconds they took, as the worker reports them with its heartbeat."""
        metrics = self.status()["metrics"]
        return tuple(metrics[f"duologue_sampler_step_seconds_{part}"][0][1] for part in ("count", "sum"))

    def status(self) -> dict:
        from sampler import status

        return next(w for w in status.workers() if SLUG in w["serves"])

    def how(self) -> str:
        self.version.refresh_from_db()
        return f"{self.version.batching.get('way')}, {self.version.batching.get('why')}"


def bare_k_cost(worker: SamplerProcess) -> float:
    """Time of K samples of one prompt as a share of K different prompts', one token each: what reading costs."""
    from sampler.models import SampleRequest

    text = " ".join(f"{q} Take your time and be thorough." for q in QUESTIONS)

    def took(requests) -> float:
        worker.wait_all()
        rows = SampleRequest.objects.filter(pk__in=[r.pk for r in requests])
        return sum((r.finished_at - r.started_at).total_seconds() for r in rows)

    shared, separate = [], []
    for number in range(4):
        one = [worker.ask(f"{number}. {text}", n=K, params={"max_tokens": 1})]
        shared.append(took(one))
        several = [worker.ask(f"{number}.{i}. {text}", n=1, params={"max_tokens": 1}) for i in range(K)]
        worker.wait_all()
        rows = SampleRequest.objects.filter(pk__in=[r.pk for r in several])
        separate.append((max(r.finished_at for r in rows) - min(r.started_at for r in rows)).total_seconds())
    return statistics.median(shared) / statistics.median(separate)


@contextlib.contextmanager
def own_database():
    """A database of this run's own on the same server, so that nothing of yours is touched."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    name = f"duologue_benchmark_{os.getpid()}"
    admin = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0)
        facts = connection.settings_dict
        user = f"{quote(facts['USER'] or '')}:{quote(facts['PASSWORD'] or '')}@"
        yield f"postgresql://{user}/{name}?host={quote(facts['HOST'] or '')}" + (
            f"&port={facts['PORT']}" if facts["PORT"] else ""
        )
    finally:
        connection.close()
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = admin
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.close()


@contextlib.contextmanager
def sampler_process(folder: str, database_url: str):
    from django.conf import settings

    from sampler import registry

    registry.register_model(slug=SLUG, engine="hf", location=folder)
    log = ROOT / "var" / "log" / "benchmark-sampler.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": settings.REDIS_URL}
    with log.open("w") as out:
        child = subprocess.Popen(
            [sys.executable, "manage.py", "sampler", "--model", SLUG], env=environment, stdout=out, stderr=out
        )
        try:
            process = SamplerProcess()
            say("starting the worker; it measures how to batch this model")
            process.ask("Warm up.", n=2, params={"max_tokens": 4})
            while child.poll() is None and process.version.state != "serving":
                time.sleep(0.2)
                process.version.refresh_from_db()
                if process.version.state == "failed":
                    raise SystemExit(process.version.state_reason)
            if child.poll() is not None:
                raise SystemExit(f"the worker ended; see {log}")
            process.wait_all()
            yield process
        finally:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(30)
            child.kill()


def has_bfloat16() -> bool:
    import torch

    tests = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(test() for test in tests if test)


def smollm2() -> str:
    """The demo's model, converted once under the var folder."""
    from django.conf import settings

    from sampler.engines import _convert

    return str(_convert.convert(_convert.packaged(), settings.MODEL_ROOT / "smollm2-135m-instruct"))


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
