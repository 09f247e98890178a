"""A model server as vLLM, SGLang and others were recorded to behave, without a model: words drawn from seed and prompt.

It answers as its dialect does, and misbehaves by name: `server.misbehave("choices-null")`. What the names do stands in
`misbehaviours.py`. A server with a real (tiny) model behind it is `gap_filling.py`.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common.shapes import Json, JsonObject

Answer = Callable[["Handler", JsonObject], None]
WORDS = ["a", "river", "finds", "its", "way", "to", "the", "sea", "by", "slope", "of", "land", "and", "so", "we", "do"]
TEMPLATE = "<|{role}|>{content}<|end|>\n"


class Handler(BaseHTTPRequestHandler):
    """One request: what it asks is kept, and the answer is the behaviour that is in force."""

    server: ModelServer

    def do_GET(self) -> None:
        server = self.server
        if self.path == "/v1/models":
            if server.greeting != 200:
                return self.say(server.greeting, {"error": {"message": "who are you?"}})
            card = {"id": server.model, "object": "model", "owned_by": server.owner, "max_model_len": server.context}
            return self.say(200, {"object": "list", "data": [card]})
        if self.path == "/version" and server.dialect == "vllm":
            return self.say(200, {"version": "0.12.0"})
        if self.path == "/get_model_info" and server.dialect == "sglang":
            return self.say(200, {"model_path": server.model, "is_generation": True})
        return self.say(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        body: JsonObject = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append((time.monotonic(), self.path, body))
            answer = self.server.next_answer(self.path)
        if self.path == "/tokenize":
            return self._tokenize(body)
        if self.path == "/detokenize":
            ids = body["tokens"]
            assert isinstance(ids, list)
            return self.say(200, {"prompt": bytes(int(str(i)) for i in ids).decode()})
        return answer(self, body)

    def _tokenize(self, body: JsonObject) -> None:
        """A token is a byte: what vLLM does with messages, SGLang refuses."""
        if self.server.dialect != "vllm":
            return self.say(400, {"error": {"message": "Field required: prompt"}})
        ids = list(rendered(body).encode())
        return self.say(200, {"tokens": ids, "count": len(ids), "max_model_len": self.server.context})

    # How to answer

    def say(self, status: int, body: object, **headers: str) -> None:
        """A whole body, JSON unless it is text."""
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Type" not in headers:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def begin(self, **headers: str) -> None:
        """A stream that ends when the connection does."""
        self.send_response(200)
        self.send_header("Content-Type", headers.pop("Content_Type", "text/event-stream; charset=utf-8"))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def event(self, value: object) -> None:
        self.raw(f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n".encode())

    def piece(self, text: Json, *, index: int = 0, finish: Json = None, **delta: Json) -> None:
        """A chunk of the endpoint that was asked."""
        choice: JsonObject = {"index": index, "finish_reason": finish}
        if self.path.endswith("/chat/completions"):
            choice["delta"] = {"content": text, **delta}
        else:
            choice["text"] = text
        self.event({"object": "chunk", "choices": [choice]})

    def done(self) -> None:
        self.event("[DONE]")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests read what was asked."""


class ModelServer(ThreadingHTTPServer):
    """Listens on a free port of the loopback until `close`."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, dialect: str = "vllm", *, port: int = 0, model: str = "remote", context: int = 4096) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.dialect, self.model, self.context = dialect, model, context
        self.owner = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llamacpp"}.get(dialect, "somebody")
        self.lock = threading.Lock()
        self.asked: list[tuple[float, str, JsonObject]] = []
        self.greeting = 200
        self.script: list[Answer] = [answer_well]  # the last one is given again and again
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def next_answer(self, path: str) -> Answer:
        if not path.startswith("/v1/"):
            return answer_well
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def misbehave(self, *names: str) -> None:
        """The next answers, by name; the last of them is given from then on."""
        from tests.stand_ins.misbehaviours import MISBEHAVIOURS

        self.script = [answer_well if name == "well" else MISBEHAVIOURS[name] for name in names]

    def bodies(self, ending: str = "completions") -> list[JsonObject]:
        """What was asked of the generating endpoints, in order."""
        with self.lock:
            return [body for _, path, body in self.asked if path.endswith(ending)]

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(5)


def rendered(body: JsonObject) -> str:
    """The prompt under this server's template."""
    if isinstance(prompt := body.get("prompt"), str):
        return prompt
    messages = body["messages"]
    assert isinstance(messages, list)
    text = ""
    for message in messages:
        assert isinstance(message, dict)
        text += TEMPLATE.format(role=message["role"], content=message["content"])
    return text + ("<|assistant|>" if body.get("add_generation_prompt", True) else "")


def words_for(body: JsonObject, index: int) -> list[str]:
    """What the model says: the same for the same prompt, seed and sample, as vLLM makes seeds (seed + index)."""
    seed = body.get("seed")
    key = f"{rendered(body)}|{int(seed) + index if isinstance(seed, int) else random.random()}"
    rng = random.Random(hashlib.sha256(key.encode()).hexdigest() if body.get("temperature") else rendered(body))
    return [rng.choice(WORDS) for _ in range(rng.randint(4, 12))]


def limit_of(body: JsonObject) -> int:
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or 16
    assert isinstance(limit, int)
    return limit


def texts_of(body: JsonObject) -> Iterator[tuple[int, list[str], str]]:
    """Index, words as they are streamed, and the reason of the end, of each sample."""
    n = body.get("n") or 1
    assert isinstance(n, int)
    for index in range(n):
        words = words_for(body, index)
        kept = words[: limit_of(body)]
        yield index, [w if i == 0 else f" {w}" for i, w in enumerate(kept)], "stop" if kept == words else "length"


def answer_well(handler: Handler, body: JsonObject) -> None:
    """As the dialect's server does: role first, words, an end with its reason, usage, [DONE]."""
    handler.begin(server="uvicorn")
    chat = handler.path.endswith("/chat/completions")
    prompt_ids: list[Json] = list(rendered(body).encode())
    reports = bool(body.get("return_token_ids") or body.get("return_prompt_token_ids"))
    if chat:
        first: JsonObject = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
        handler.event({**first, "prompt_token_ids": prompt_ids} if reports else first)
    total = 0
    for index, words, reason in texts_of(body):
        for at, word in enumerate(words):
            choice: JsonObject = {"index": index, "finish_reason": reason if at == len(words) - 1 else None}
            if chat:
                choice["delta"] = {"content": word}
                if body.get("logprobs"):
                    choice["logprobs"] = {"content": [{"token": word, "logprob": -0.5}]}
            else:
                choice["text"] = word
                choice["logprobs"] = {"token_logprobs": [-0.5]} if body.get("logprobs") is not None else None
                if reports and at == 0:
                    choice["prompt_token_ids"] = prompt_ids
            handler.event({"choices": [choice]})
            total += 1
    options = body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        usage = {"prompt_tokens": len(prompt_ids), "completion_tokens": total, "total_tokens": len(prompt_ids) + total}
        handler.event({"choices": [], "usage": usage})
    handler.done()
