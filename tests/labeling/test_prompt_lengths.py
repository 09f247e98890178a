"""A prompt that the models of the open round cannot read whole is refused, wherever it comes in."""

from __future__ import annotations

import io
import json

import pytest
from django.test import Client

from accounts.models import User
from labeling import projects, prompt_lengths, stock
from labeling.errors import Invalid
from labeling.imports import running
from labeling.models import Comparison, Project
from sampler import registry
from tests import makers

pytestmark = pytest.mark.django_db
LONG = "x" * 5_000
READS = {"context_limit": 1_000}


@pytest.fixture
def small(project: Project) -> Project:
    """Of its two models, one reads a thousand tokens."""
    versions = [makers.make_model("wide", context_limit=9_000), makers.make_model("narrow", **READS)]
    projects.open_round(project=project, policies=[(one, 1.0, {}) for one in versions])
    return project


def add(project: Project, *texts: str) -> None:
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": text}] for text in texts])


def test_the_shortest_context_of_the_open_round_counts_and_none_where_it_is_not_known(small: Project) -> None:
    room = prompt_lengths.room_of(small)
    assert room is not None
    assert (room.model, room.tokens, room.characters) == ("narrow", 1_000, 4_000)
    assert prompt_lengths.room_of(makers.make_project("elsewhere")) is None


def test_a_worker_that_loads_a_model_tells_how_much_it_reads(project: Project) -> None:
    model = project.rounds.get().policies.get().model_version
    assert model.reads_at_most is None
    told = {"weights_hash": "f" * 64, "template_hash": "", "batching": {"way": "fake", "why": ""}}
    registry.mark_loaded(model_version_id=model.pk, context=2_048, **told)  # type: ignore[arg-type]
    registry.mark_loaded(model_version_id=model.pk, **told)  # type: ignore[arg-type]
    model.refresh_from_db()
    assert model.reads_at_most == 2_048
    model.context_limit = 512
    assert model.reads_at_most == 512  # an operator's word goes before


def test_a_pasted_prompt_is_refused_with_both_numbers(small: Project, mona: User, client: Client) -> None:
    add(small, "x" * 4_000)
    with pytest.raises(Invalid, match=r"has 5,000 characters. narrow.* at most 1,000 tokens, about 4,000") as refusal:
        add(small, "Short?", LONG)
    assert refusal.value.field == "prompts.1"
    assert small.prompts.count() == 1
    client.force_login(mona)
    client.cookies["language"] = "de"
    answer = client.post("/manage/projects/demo/prompts/", {"prompts": f"Kurz?\n{LONG}"})
    assert answer.status_code == 422
    assert "Ein Prompt hat 5.000 Zeichen" in answer.content.decode()


def test_an_import_refuses_the_prompt_and_takes_records_that_bring_their_answers(small: Project) -> None:
    lines = [
        {"prompt": "Short?"}, {"prompt": LONG},
        {"messages": [{"role": "user", "content": LONG}, {"role": "assistant", "content": "Yes."}]},
    ]  # fmt: skip
    file = io.BytesIO("\n".join(map(json.dumps, lines[:2])).encode())
    report = running.run(project=small, format="prompts", file=file)
    assert (report.rows, report.rejected) == (2, 1)
    assert "5,000 characters" in report.errors[0]["reason"]
    report = running.run(project=small, format="openai", file=io.BytesIO(json.dumps(lines[2]).encode()))
    assert report.rejected == 0


def test_what_came_in_before_the_model_did_is_marked_and_not_sampled(
    project: Project, mona: User, client: Client
) -> None:
    add(project, LONG, "Short?")
    projects.open_round(project=project, policies=[(makers.make_model("narrow", **READS), 1.0, {})])
    project.stock_target = 5
    project.save()
    stock.keep_stock()
    assert [one.prompt[0]["content"] for one in Comparison.objects.filter(project=project)] == ["Short?"]
    client.force_login(mona)
    page = client.get("/manage/projects/demo/prompts/").content.decode()
    assert page.count("longer than narrow reads") == 1
