"""A server that judges texts, on loopback: `/v1/moderations`, and three guard models at `/v1/chat/completions`.

It finds one thing harmful: a text with HARMFUL in it. `mode` says how it misbehaves.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common.shapes import Json, JsonObject

HARMFUL = "kill"
KEY = "a key"
NAMES = ("hate", "hate/threatening", "harassment", "self-harm", "sexual", "sexual/minors", "violence", "illicit")


@dataclass
class State:
    mode: str = ""
    seconds: float = 0.0  # before each answer
    busy: int = 0  # answers of 503 before the first good one
    knows_probabilities: bool = True
    asked: list[JsonObject] = field(default_factory=list)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    state: State

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone, as they may."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the console."""

    def do_POST(self) -> None:
        state = self.server.state
        body: JsonObject = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        state.asked.append(body)
        time.sleep(state.seconds)
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self.say(401, {"error": "no such key"})
        elif state.busy > 0:
            state.busy -= 1
            self.say(503, {"error": "busy"})
        elif state.mode in ODD:
            ODD[state.mode](self)
        elif "logprobs" in body and not state.knows_probabilities:
            self.say(400, {"error": "logprobs are not supported"})
        elif self.path == "/v1/moderations":
            self.say(200, moderations(body, state.mode))
        elif self.path == "/v1/chat/completions":
            self.say(200, verdict(body, state.mode))
        else:
            self.say(404, {})

    def say(self, status: int, body: Json, **headers: str) -> None:
        self.send(status, json.dumps(body).encode(), **headers)

    def send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def break_off(self) -> None:
        self.close_connection = True
        self.connection.close()

    def drip(self) -> None:
        """An answer that ends after more than a minute and a half, if at all."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        for _ in range(2000):
            try:
                self.wfile.write(b" ")
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)


ODD: dict[str, Callable[[Handler], None]] = {
    "broken": lambda to: to.say(500, {}),
    "breaks off": Handler.break_off,
    "drips": Handler.drip,
    "moved": lambda to: to.say(302, {}, Location="http://127.0.0.1:1/v1"),
    "not json": lambda to: to.send(200, b"<html>Sign in</html>"),
    "a list": lambda to: to.say(200, []),
    "an empty object": lambda to: to.say(200, {}),
    "too long": lambda to: to.send(200, b'"' + b"x" * (2 << 20) + b'"'),
    "refuses": lambda to: to.say(422, {"error": "no"}),
}


def moderations(body: JsonObject, mode: str) -> JsonObject:
    texts = body["input"]
    assert isinstance(texts, list)
    results = [result(str(text), mode) for text in texts]
    if mode == "one too few":
        results = results[1:]
    return {"id": "modr-1", "model": body["model"], "results": results}


def result(text: str, mode: str) -> Json:
    bad = HARMFUL in text
    scores: JsonObject = {name: 0.98 if bad and name == "violence" else 0.01 for name in NAMES}
    flags: JsonObject = {name: bad and name == "violence" for name in NAMES}
    if mode == "score above one":
        scores["violence"] = 7.5
    elif mode == "score is a word":
        scores["violence"] = "high"
    elif mode == "score is true":
        scores["violence"] = True
    elif mode == "no scores":
        scores = {}
    elif mode == "flag is a word":
        flags["violence"] = "no"
    elif mode == "flagged is missing its meaning":
        return {"flagged": "maybe", "categories": flags, "category_scores": scores}
    elif mode == "a result is null":
        return None
    return {"flagged": bad, "categories": flags, "category_scores": scores}


def verdict(body: JsonObject, mode: str) -> JsonObject:
    messages = body["messages"]
    assert isinstance(messages, list)
    (message,) = messages
    assert isinstance(message, dict)
    text, harmful = said(str(body["model"]), str(message["content"]), body.get("chat_template_kwargs"))
    lies = {"chats": "Sure! Here is a poem.", "empty": "", "both": "safe or unsafe, yes and no", "null": None}
    content = lies.get(mode, text)
    choice: JsonObject = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    if "logprobs" in body:
        choice["logprobs"] = {"content": [chances(text, harmful)]}
    return {"choices": [] if mode == "no choice" else [choice]}


def said(model: str, text: str, template: Json) -> tuple[str, bool]:
    """(what the model says, whether it finds harm), in the model's own form."""
    bad = HARMFUL in text
    if model == "llama_guard":
        return ("\n\nunsafe\nS1" if bad else "\n\nsafe"), bad
    assert isinstance(template, dict)
    if model == "shield_gemma":
        bad = bad and "No Harassment" in str(template["guideline"])
        return ("Yes" if bad else "No"), bad
    config = template["guardian_config"]
    assert isinstance(config, dict)
    bad = bad and config["risk_name"] == "violence"
    return ("<score> yes </score>" if bad else "<score> no </score>"), bad


def chances(text: str, harmful: bool) -> JsonObject:
    pair = ("unsafe", "safe") if "safe" in text else ("yes", "no")
    top: list[Json] = [
        {"token": word, "logprob": -0.05 if (word == pair[0]) is harmful else -3.0} for word in pair
    ]  # fmt: skip
    return {"token": pair[0] if harmful else pair[1], "logprob": -0.05, "top_logprobs": top}


@contextmanager
def running(state: State) -> Iterator[str]:
    """The base URL of a server in this state."""
    server = Server(("127.0.0.1", 0), Handler)
    server.state = state
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
