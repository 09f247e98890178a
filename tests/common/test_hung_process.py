"""A real server whose thread does not come back: its client is answered, others are served, the process ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from common.serving.deadline import STATUS
from tests.workers import free_port

BASE = Path(__file__).resolve().parents[2]
SERVER = """
import asyncio, sys, time, uvicorn
from concurrent.futures import ThreadPoolExecutor
from common.serving.deadline import Deadline, Watchdog

dog, threads = Watchdog(hung=2.0, last=1.0), ThreadPoolExecutor(2)

def work(path):
    with dog.at_work():
        time.sleep(60 if path == "/hang" else 0)

async def application(scope, receive, send):
    await receive()
    await asyncio.get_running_loop().run_in_executor(threads, work, scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"well"})

uvicorn.run(Deadline(application, seconds=0.7), port=int(sys.argv[1]), lifespan="off", log_level="error")
"""


def answered(url: str, process: subprocess.Popen[bytes]) -> int:
    until = time.monotonic() + 30
    while True:
        try:
            return httpx.get(url, timeout=20, trust_env=False).status_code
        except httpx.TransportError:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)


@pytest.mark.slow
def test_a_process_with_a_hung_thread_answers_serves_the_others_and_ends() -> None:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(port)], cwd=BASE)
    try:
        url = f"http://127.0.0.1:{port}"
        assert answered(f"{url}/", process) == 200
        assert answered(f"{url}/hang", process) == 503
        assert answered(f"{url}/", process) == 200
        assert process.wait(timeout=20) in (STATUS, -signal.SIGTERM), "it is not left running, whichever way it went"
    finally:
        process.kill()
        process.wait()
