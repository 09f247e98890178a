"""Model versions behind model servers: what registration asks, stores and refuses."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from labeling import projects
from labeling.errors import Invalid
from labeling.models import Project
from sampler import registry
from sampler.models import ModelVersion
from tests.stand_ins.model_server import ModelServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Iterator[ModelServer]:
    made = ModelServer("vllm")
    yield made
    made.close()


def register(server: ModelServer, *arguments: str) -> str:
    out = StringIO()
    call_command("register_model", "remote", "--engine", "openai", "--location", server.url, *arguments, stdout=out)
    return out.getvalue()


def test_what_the_server_can_do_is_stored(server: ModelServer) -> None:
    said = register(server, "--concurrency", "32", "--template-arguments", '{"enable_thinking": false}')
    version = ModelVersion.objects.get(slug="remote")
    assert version.capabilities["dialect"] == "vllm"
    assert version.capabilities["seeds"]
    assert version.concurrency == 32
    assert version.template_arguments == {"enable_thinking": False}
    assert "the server speaks as vllm" in said


def test_a_server_that_is_away_is_registered_all_the_same(server: ModelServer) -> None:
    server.close()
    assert "does not answer" in register(server)
    assert "dialect" not in ModelVersion.objects.get(slug="remote").capabilities


@pytest.mark.parametrize("name", ["top_k", "min_p", "repetition_penalty"])
@pytest.mark.parametrize("dialect", ["", "openai"])
def test_a_policy_that_names_what_the_server_cannot_be_told_is_refused(
    server: ModelServer, name: str, dialect: str
) -> None:
    """Also where it wants it off: the server's own default is not known."""
    server.dialect, server.owner = "openai", "somebody"
    off = {"top_k": 0, "min_p": 0, "repetition_penalty": 1}[name]
    chosen = ["--dialect", dialect] if dialect else []
    with pytest.raises(CommandError, match=f"cannot be told {name}"):
        register(server, "--params", f'{{"{name}": {off}}}', *chosen)
    assert not ModelVersion.objects.exists()
    register(server, "--params", '{"temperature": 0.7}', *chosen)


def test_a_parameter_that_is_taken_and_not_honoured_is_refused(server: ModelServer) -> None:
    """The stand-in draws its words without looking at top_k."""
    with pytest.raises(CommandError, match="cannot be told top_k"):
        register(server, "--params", '{"top_k": 20}')


def test_a_parameter_that_the_server_refuses_is_refused(server: ModelServer) -> None:
    server.misbehave("top-k-refused")
    with pytest.raises(CommandError, match="cannot be told top_k"):
        register(server, "--params", '{"top_k": 20}')


@pytest.mark.parametrize("body", ['{"top_k": 20}', '{"repeat_penalty": 1.3}', '{"messages": []}', '{"seed": 1}'])
def test_a_body_cannot_carry_what_is_recorded_elsewhere(server: ModelServer, body: str) -> None:
    with pytest.raises(CommandError, match="extra_body may not hold"):
        register(server, "--extra-body", body)


def test_a_dialect_that_is_not_there_is_named(server: ModelServer) -> None:
    with pytest.raises(CommandError, match="There is no dialect 'klingon'"):
        register(server, "--dialect", "klingon")


def test_the_first_worker_asks_a_server_that_was_away(server: ModelServer) -> None:
    version, _ = registry.register_model(slug="remote", engine="openai", location=server.url, ask=False)
    assert version.capabilities == {}
    registry.ask_server(model_version=version)
    version.refresh_from_db()
    assert version.capabilities["dialect"] == "vllm"


def test_a_version_whose_server_cannot_be_told_its_parameters_has_failed(server: ModelServer) -> None:
    server.dialect, server.owner = "openai", "somebody"
    version, _ = registry.register_model(
        slug="remote", engine="openai", location=server.url, default_params={"min_p": 0.1}, ask=False
    )
    with pytest.raises(ValueError, match="min_p"):
        registry.ask_server(model_version=version)
    version.refresh_from_db()
    assert version.state == "failed"
    assert "min_p" in version.state_reason


def test_a_round_cannot_name_what_the_server_cannot_be_told(server: ModelServer, project: Project) -> None:
    server.dialect, server.owner = "openai", "somebody"
    version, _ = registry.register_model(slug="remote", engine="openai", location=server.url)
    with pytest.raises(Invalid, match="cannot be told top_k"):
        projects.open_round(project=project, policies=[(version, 1.0, {"top_k": 0})])
    projects.open_round(project=project, policies=[(version, 1.0, {"temperature": 0.5})])
