"""An operator connects a model server: a slip in the name is told, the next test shows a line, and a round takes it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import User
from labeling import projects
from labeling.models import Project
from tests.journeys.conftest import Visits
from tests.journeys.test_setting_up import check_screen
from tests.sampler.conftest import serving
from tests.stand_ins.model_server import ModelServer

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_a_server_is_tried_connected_and_put_into_a_round(visit: Visits, operator: User, project: Project) -> None:
    server = ModelServer("vllm")
    try:
        with serving():
            page = visit(operator).open(f"/manage/projects/{project.slug}/rounds/")
            page.get_by_role("link", name="Connect a model").click()
            page.get_by_label("Where it is").fill(server.url)
            page.get_by_label("Its name here").fill("served-7b")
            page.get_by_label("Its name at the server (optional)").fill("slip")
            page.get_by_role("button", name="Test it").click()
            expect(page.get_by_text(f"The server has no model slip. It has: {server.model}.")).to_be_visible()
            check_screen(page)
            page.get_by_label("Its name at the server (optional)").fill("")
            page.get_by_role("button", name="Test it again").click()
            expect(page.get_by_role("heading", name="It works")).to_be_visible()
            expect(page.get_by_text("Ready after")).to_be_visible()
            check_screen(page)
            page.get_by_role("button", name="Connect served-7b").click()
            page.get_by_label("Weight of served-7b").fill("1")
            page.get_by_role("button", name="Open the round").click()
            expect(page.get_by_text("is open")).to_be_visible()
    finally:
        server.close()
    opened = projects.current_round(project)
    assert opened is not None
    assert "served-7b" in {part.model_version.slug for part in opened.policies.all()}
