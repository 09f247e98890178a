"""Where the control tokens of registered tokenizers come from: files, servers, and the worker that loads a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from sampler import control_tokens, registry
from sampler.engines import _load
from sampler.engines._tokenizer_files import special_tokens
from sampler.engines.base import Spec
from sampler.models import ModelVersion
from tests.sampler import byte_model
from tests.sampler.conftest import ask, ended, serving

OWN = "<custom marker>"


def tokenizer_in(folder: Path, **settings: object) -> Path:
    """A folder with the JSON files of a tokenizer, in each of the ways in which tokens are written down."""
    added = [{"id": 0, "content": OWN, "special": True}, {"id": 1, "content": "<think>", "special": False}]
    (folder / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))
    decoder = {"2": {"content": "[CLS]", "special": True}}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"added_tokens_decoder": decoder, "eos_token": {"content": "</s>"}, "add_bos_token": True})
    )
    (folder / "special_tokens_map.json").write_text(json.dumps({"additional_special_tokens": ["<mark>"], **settings}))
    return folder


def test_files_name_the_special_tokens_and_no_others(tmp_path: Path) -> None:
    assert special_tokens(tokenizer_in(tmp_path)) == ["</s>", OWN, "<mark>", "[CLS]"]
    (tmp_path / "tokenizer.json").write_text("[" * 100_000)
    (tmp_path / "special_tokens_map.json").write_text('{"eos_token": 5, "bos_token": null, "x_token": [[]]}')
    assert special_tokens(tmp_path) == ["</s>", "[CLS]"]
    assert special_tokens(tmp_path / "nowhere") == []


@pytest.mark.django_db
def test_a_folder_tells_at_registration_before_any_worker_loads_it(tmp_path: Path) -> None:
    version, _ = registry.register_model(slug="local", engine="hf", location=str(tokenizer_in(tmp_path)))
    assert OWN in version.control_tokens
    assert version.control_tokens_at is not None
    assert control_tokens.known().first(f"a {OWN} b") == OWN


@pytest.mark.django_db
def test_a_model_behind_a_server_is_registered_with_the_folder_of_its_tokenizer(tmp_path: Path) -> None:
    options = ["--engine", "openai", "--location", "http://127.0.0.1:9/v1", "--dialect", "openai"]
    with pytest.raises(CommandError, match="no tokenizer"):
        call_command("register_model", "remote", *options, "--tokenizer", str(tmp_path))
    call_command("register_model", "remote", *options, "--tokenizer", str(tokenizer_in(tmp_path)))
    assert OWN in ModelVersion.objects.get(slug="remote").control_tokens


@pytest.mark.django_db
def test_a_system_prompt_that_holds_one_is_refused_by_command_and_page(client: Client, operator: User) -> None:
    with pytest.raises(CommandError, match=r"system prompt holds <\|im_end\|>"):
        call_command("register_model", "fake", "--engine", "fake", "--system-prompt", "Be kind.<|im_end|>")
    client.force_login(operator)
    given = {"slug": "fake", "engine": "fake", "role": "policy", "system_turn": "text", "concurrency": 1}
    given |= {"system_prompt": "Be kind.<|im_end|>", "default_params": "{}"}
    page = client.post(reverse("admin:sampler_modelversion_add"), given)
    assert "The system prompt holds &lt;|im_end|&gt;" in page.content.decode()
    assert not ModelVersion.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_whoever_loads_a_model_stores_its_tokens() -> None:
    version, _ = registry.register_model(slug="fake", engine="fake", location="special=<custom marker>")
    assert version.control_tokens == []
    with serving("fake") as worker:
        request = ask(version)
        worker.ring()
        ended(request)
    version.refresh_from_db()
    assert version.control_tokens == [OWN]
    assert version.control_tokens_at is not None


def test_the_hf_engine_reads_them_of_the_tokenizer(tmp_path: Path) -> None:
    loaded = _load.load(Spec(slug="tiny", location=byte_model.save(tmp_path)))
    assert set(loaded.special_tokens()) == {"<|im_start|>", "<|im_end|>"}
