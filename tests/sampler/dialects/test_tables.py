"""Every dialect's table: what is sent, what is recorded, and what refusals mean. Words as servers were seen to say."""

from __future__ import annotations

import json

import pytest

from sampler.dialects import DIALECTS
from sampler.dialects.base import OFF, SHAPING, UNKNOWN, Dialect, Meaning, Seeds
from sampler.refusals import understand

ALL_OFF: dict[str, object] = {"temperature": 1.0, **OFF, "logit_bias": {}}


@pytest.fixture(params=DIALECTS.choices())
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS.load(request.param)


def sent(dialect: Dialect, values: dict[str, object]) -> dict[str, object]:
    """What shapes the draw, wherever in the body it stands."""
    body: dict[str, object] = {**dialect.sampling(values)}
    if dialect.wrapped_in:
        body |= json.loads(str(body.pop(dialect.wrapped_in)))
    return body


def test_a_table_is_named_by_its_file_and_knows_only_our_parameters(dialect: Dialect) -> None:
    assert DIALECTS.load(dialect.name) is dialect
    assert set(dialect.spellings) <= set(SHAPING)
    assert all(spelling.if_missing for spelling in dialect.spellings.values())
    assert dialect.title


def test_what_shapes_the_draw_is_sent_also_when_it_is_off(dialect: Dialect) -> None:
    body = sent(dialect, ALL_OFF)
    for name, spelling in dialect.spellings.items():
        if name == "logit_bias":
            assert spelling.key not in body
        elif spelling.off is not None:
            assert body[spelling.key] == spelling.off
        else:
            assert body[spelling.key] == ALL_OFF[name]


def test_a_value_that_is_on_is_sent_as_it_is(dialect: Dialect) -> None:
    values = ALL_OFF | {"temperature": 0.7, "top_p": 0.9, "top_k": 20}
    body = sent(dialect, values)
    for name in ("temperature", "top_p", "top_k"):
        if name in dialect.spellings:
            assert body[dialect.spellings[name].key] == values[name]


def test_what_has_no_spelling_is_recorded_as_unknown_and_never_as_off(dialect: Dialect) -> None:
    used = dialect.record(ALL_OFF | {"n": 1, "seed": 5})
    for name in OFF:
        assert used[name] == (OFF[name] if name in dialect.spellings else UNKNOWN)
    assert used["n"] == 1
    assert used["seed"] == 5


def test_a_policy_that_names_what_cannot_be_said_lacks_it(dialect: Dialect) -> None:
    lacking = [name for name in SHAPING if name not in dialect.spellings]
    assert dialect.lacks({name: OFF.get(name, {"5": 1.0}) for name in lacking}) == tuple(lacking)
    assert dialect.lacks({"temperature": 0.7, "top_p": 1.0}) == ()


def test_logit_bias_is_spelt_by_token(dialect: Dialect) -> None:
    assert sent(dialect, ALL_OFF | {"logit_bias": {"17": -100}})["logit_bias"] == {"17": -100.0}


def test_greedy_and_sampled_are_told_apart_where_a_switch_says_which() -> None:
    serve = DIALECTS.load("transformers_serve")
    assert sent(serve, ALL_OFF)["do_sample"] is True
    greedy = sent(serve, ALL_OFF | {"temperature": 0})
    assert greedy["do_sample"] is False
    assert "temperature" not in greedy


def test_seeds_of_several_samples_are_known_where_a_server_says_how_it_makes_them() -> None:
    assert DIALECTS.load("vllm").seeds == Seeds.INDEXED
    assert DIALECTS.load("vllm").many
    assert DIALECTS.load("sglang").seeds == Seeds.PER_REQUEST
    assert DIALECTS.load("openai").seeds == Seeds.UNSURE


TOO_LONG = [
    (
        "vllm",
        "This model's maximum context length is 8192 tokens. However, you requested 8203 tokens (7691 in the messages, "
        "512 in the completion). Please reduce the length of the messages or completion.",
        8192,
        7691,
    ),
    (
        "vllm",
        "This model's maximum context length is 163840 tokens. However, you requested 65536 output tokens and your "
        "prompt contains at least 98305 input tokens, for a total of at least 163841 tokens. Please reduce the length "
        "of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=98305)",
        163840,
        98305,
    ),
    (
        "vllm",
        "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum context length is 8192 tokens "
        "and your request has 7691 input tokens (512 > 8192 - 7691).",
        8192,
        7691,
    ),
    ("vllm", "The decoder prompt (length 9000) is longer than the maximum model length of 8192.", 8192, 9000),
    ("sglang", "The input (61709 tokens) is longer than the model's context length (40960 tokens).", 40960, 61709),
    (
        "sglang",
        "Requested token count exceeds the model's maximum context length of 2048 tokens. You requested a total of "
        "2100 tokens: 2000 tokens from the input messages and 100 tokens for the completion. Please reduce the number "
        "of tokens in the input messages or the completion to fit within the limit.",
        2048,
        2000,
    ),
    (
        "llamacpp",
        "This model's maximum context length is 512 tokens. However, you requested 700 tokens (600 in the messages, "
        "100 in the completion). Please reduce the length of the messages or completion.",
        512,
        600,
    ),
    ("openai", "This model's maximum context length is 4097 tokens. However, your messages resulted in 6164 tokens.",
     4097, 6164),
]  # fmt: skip


@pytest.mark.parametrize(("name", "words", "limit", "prompt"), TOO_LONG)
def test_too_long_gives_its_numbers(name: str, words: str, limit: int, prompt: int) -> None:
    for body in (
        json.dumps({"error": {"message": words, "type": "BadRequestError", "code": 400}}),
        json.dumps({"object": "error", "message": words, "type": "BadRequestError", "code": 400}),
    ):
        found = understand(DIALECTS.load(name), 400, body)
        assert found.meaning == Meaning.TOO_LONG
        assert (found.limit, found.prompt) == (limit, prompt)
        assert found.said == words


def test_llama_server_gives_its_numbers_in_fields_of_their_own() -> None:
    error = {
        "code": 400, "message": "the request exceeds the available context size, try increasing it",
        "type": "exceed_context_size_error", "n_prompt_tokens": 900, "n_ctx": 512,
    }  # fmt: skip
    found = understand(DIALECTS.load("llamacpp"), 400, json.dumps({"error": error}))
    assert (found.meaning, found.limit, found.prompt) == (Meaning.TOO_LONG, 512, 900)


@pytest.mark.parametrize(
    ("status", "words", "meaning"),
    [
        (400, "System role not supported", Meaning.NO_SYSTEM),
        (500, "Jinja Exception: System role not supported", Meaning.NO_SYSTEM),
        (400, "Only user and assistant roles are supported!", Meaning.NO_SYSTEM),
        (400, "Conversation roles must alternate user/assistant/user/assistant/...", Meaning.ALTERNATE),
        (
            400,
            "After the optional system message, conversation roles must \nalternate user/assistant/user/assistant/...",
            Meaning.ALTERNATE,
        ),
        (400, "System role is not supported in this context", Meaning.NO_SYSTEM),
        (413, "Request Entity Too Large", Meaning.TOO_LONG),
        (401, "Incorrect API key provided", Meaning.KEY),
        (404, "The model `remote` does not exist.", Meaning.NO_MODEL),
        (400, "context must be a list", Meaning.OTHER),
        (
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead.",
            Meaning.LIMIT_NAME,
        ),
    ],
)
def test_refusals_that_any_server_passes_on(dialect: Dialect, status: int, words: str, meaning: Meaning) -> None:
    assert understand(dialect, status, json.dumps({"error": {"message": words}})).meaning == meaning


def test_a_parameter_that_is_refused_is_named() -> None:
    serve, service = DIALECTS.load("transformers_serve"), DIALECTS.load("openai")
    refused = understand(serve, 422, json.dumps({"detail": "Unexpected fields in the request: {'top_k'}"}))
    assert (refused.meaning, refused.name) == (Meaning.PARAMETER, "top_k")
    error = {"message": "Unsupported value: 'temperature' does not support 0.7 with this model.",
             "code": "unsupported_value"}  # fmt: skip
    refused = understand(service, 400, json.dumps({"error": error}))
    assert (refused.meaning, refused.name) == (Meaning.PARAMETER, "temperature")


@pytest.mark.parametrize("body", ["", "<html>Bad gateway</html>", "[]", '"no"', "null", '{"error": null}', "{"])
def test_a_body_of_any_shape_is_understood_as_something(dialect: Dialect, body: str) -> None:
    assert understand(dialect, 400, body).meaning == Meaning.OTHER
