"""One of two workers on one device: prints what its engine says to each prompt, as JSON."""

from __future__ import annotations

import json
import sys

import pytest

from tests.gpu import engines


def main(folder: str, device: str) -> None:
    engines.DEVICE = device
    with pytest.MonkeyPatch.context() as patch:
        engine = engines.load(folder, "float32", patch)
        jobs = [engines.job(text, temperature=0, n=2) for text in engines.PROMPTS]
        print(json.dumps([samples[0].text for samples in engines.drawn(engine, jobs)]))
        engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
