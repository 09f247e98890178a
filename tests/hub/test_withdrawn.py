"""Where a person is withdrawn, it is told which data sets on the Hub may hold their words."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from exports.models import ExportRun
from hub import pushes, withdrawn
from hub.models import Repository
from labeling.models import Project
from tests.hub.test_pushes import NAME, pushed
from tests.stand_ins.hub import HubServer

pytestmark = pytest.mark.django_db
OVERVIEW = "/manage/projects/demo/"


def test_the_command_and_the_overview_name_what_was_pushed(
    hub: HubServer, run: ExportRun, project: Project, mona: User, rita: User, bob: User, client: Client,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    Repository.objects.create(project=project, name="acme/never-there", state="new")
    assert pushed(run, mona).state == "finished"
    client.force_login(mona)
    assert NAME not in client.get(OVERVIEW).content.decode()
    call_command("withdraw", "demo", "alice", "--yes")
    told = capsys.readouterr().out
    assert f"{NAME} on the Hugging Face Hub" in told
    assert "never-there" not in told
    assert NAME in client.get(OVERVIEW).content.decode()
    client.force_login(rita)
    assert NAME not in client.get(OVERVIEW).content.decode(), "a reviewer cannot take it back"
    pushes.take_back(repository=Repository.objects.get(name=NAME), by=mona, ring=False)
    assert not withdrawn.to_take_back(project).exists()
    call_command("withdraw", "demo", "bob", "--yes")
    assert NAME in capsys.readouterr().out, "it is leaving, and not gone"


def test_what_was_pushed_after_a_withdrawal_asks_for_nothing(
    hub: HubServer, project: Project, run: ExportRun, mona: User, bob: User
) -> None:
    from tests.hub.conftest import exported

    call_command("withdraw", "demo", "bob", "--yes")
    assert pushed(exported(project), mona).state == "finished"
    assert not withdrawn.to_take_back(project).exists()
