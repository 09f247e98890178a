"""Which web server: requests a second and processor time of a trivial view of ours under each.

    python -m benchmarks.servers --seconds 5

`/healthz` looks at nothing, so that what is measured is the server, its way into Django, and Django's middleware. Each
server has two processes of sixteen threads, in turn, as often as asked; a server whose package is not there is left
out (granian is none of our requirements). The streams need ASGI: WSGI is here for comparison.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import threading
import time
from importlib.util import find_spec
from urllib.parse import urlsplit

from benchmarks import services
from benchmarks.tasks.serving import processor_seconds

CLIENTS, PROCESSES, THREADS = 8, "2", "16"
GRANIAN = ("--port", "{port}", "--workers", PROCESSES, "--log-level", "error", "--no-ws")
SERVERS: dict[str, tuple[str, ...]] = {
    "uvicorn, ASGI": (
        "uvicorn", "config.asgi:application", *services.UVICORN, "--port", "{port}", "--workers", PROCESSES,
    ),
    "granian, ASGI": ("granian", "config.asgi:application", "--interface", "asginl", *GRANIAN),
    "granian, WSGI": (
        "granian", "config.wsgi:application", "--interface", "wsgi", "--blocking-threads", THREADS, *GRANIAN,
    ),
    "gunicorn gthread, WSGI": (
        "gunicorn", "config.wsgi:application", "--bind", "127.0.0.1:{port}", "--workers", PROCESSES,
        "--worker-class", "gthread", "--threads", THREADS, "--keep-alive", "60", "--log-level", "error",
        "--no-control-socket",
    ),
}  # fmt: skip


def asked(address: str, *, seconds: float) -> int:
    """How many answers eight clients in a closed loop get."""
    host, counts, until = urlsplit(address).netloc, [0] * CLIENTS, time.monotonic() + seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection(host, timeout=10)
        while time.monotonic() < until:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            if answer.status != 200 or answer.read() != b"ok\n":
                raise RuntimeError(f"The server answered {answer.status}.")
            counts[number] += 1

    threads = [threading.Thread(target=client, args=[number]) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    there = {name: command for name, command in SERVERS.items() if find_spec(command[0])}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in there}
    with services.servers():
        for _ in range(options.runs):
            for name, command in there.items():
                with services.served(*command) as (address, pid):
                    asked(address, seconds=1.0)  # warm
                    before = processor_seconds(pid)
                    answers = asked(address, seconds=options.seconds)
                    used = processor_seconds(pid) - before
                    found[name].append((answers / options.seconds, 1000 * used / answers))
    for name, runs in found.items():
        rates, costs = zip(*runs, strict=True)
        print(
            f"  {name:24} {statistics.median(rates):8.0f} requests/s {statistics.median(costs):6.2f} ms processor each"
        )


if __name__ == "__main__":
    main()
