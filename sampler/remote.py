"""What is checked of a model version behind a model server: its server is asked, and its parameters must be sayable.

Pure but for the questions to the server; what is stored of the answers is written by `sampler/registry.py`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from sampler.dialects import DIALECTS
from sampler.dialects.base import SHAPING, Dialect
from sampler.engines._probe import Capabilities, probe, table_for
from sampler.engines._request import LIMITS

OURS = {"model", "messages", "prompt", "stream", "stream_options", "n", "seed", "stop", *LIMITS, *SHAPING}


def check_settings(*, dialect: str, template_arguments: Mapping[str, object], extra_body: Mapping[str, object]) -> None:
    """Refuse settings that no server is spoken to with.

    Raises:
        ValueError: which, as a sentence.
    """
    if dialect and dialect not in DIALECTS.choices():
        raise ValueError(f"There is no dialect {dialect!r}: it is one of {', '.join(DIALECTS.choices())}.")
    for name, value in (("template_arguments", template_arguments), ("extra_body", extra_body)):
        if not isinstance(value, Mapping):
            raise ValueError(f"{name} must be an object of names and values.")
    spelt = {spelling.key for table in map(DIALECTS.load, DIALECTS.choices()) for spelling in table.spellings.values()}
    if taken := sorted(set(extra_body) & (OURS | spelt)):
        raise ValueError(f"extra_body may not hold {', '.join(taken)}: what shapes the text is a sampling parameter.")


def ask(*, location: str, model: str, dialect: str = "", api_key_env: str = "") -> Capabilities:
    """What the server is and can do. One that does not answer is not an error."""
    headers = {}
    if api_key_env:
        key = os.environ.get(api_key_env)
        if not key:
            return {"trouble": f"{api_key_env} is not set in this process: the first worker asks the server."}
        headers["Authorization"] = f"Bearer {key}"
    return probe(base=location, model=model, dialect=dialect, headers=headers)


def check_params(capabilities: Mapping[str, object], dialect: str, params: Mapping[str, object]) -> None:
    """Refuse parameters that somebody named and that the server cannot be told, or takes and does not honour.

    Raises:
        ValueError: which, as a sentence.
    """
    known = dialect or capabilities.get("dialect")
    if not known:
        return
    table: Dialect = table_for({**capabilities, "dialect": known})
    refused = capabilities.get("refused")
    lacking = [*table.lacks(params), *(n for n in (refused if isinstance(refused, list) else []) if n in params)]
    if lacking:
        names = ", ".join(dict.fromkeys(lacking))
        raise ValueError(
            f"The server ({table.title}) cannot be told {names}: it would draw with a setting of its own. Leave it out "
            "of the parameters, and it is recorded as unknown; or serve the model with vLLM."
        )
