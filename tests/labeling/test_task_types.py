"""Every file of labeling/task_types keeps the same contract."""

import pytest
from django.test import Client

from accounts.models import User
from common import plugins
from labeling import projects
from labeling.models import Membership, Project
from labeling.pages import home as home_page
from labeling.red_team import published
from labeling.task_types.base import TaskType
from tests import makers

NAMES = plugins.choices("labeling.task_types")


def test_the_three_kinds_of_the_loop_are_found() -> None:
    assert set(NAMES) >= {"chat", "demonstration", "ranking"}


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_of_work_says_what_it_is_and_where_it_begins(
    name: str, project: Project, client: Client, alice: User
) -> None:
    projects.change_settings(project=project, task_types=list(NAMES))
    published.publish_rule(project=project, name="Threats", sentence="Never threaten anybody.")
    task = home_page.task_types()[name]
    assert isinstance(task, TaskType)
    assert task.title
    assert task.about.endswith(".")
    assert task.roles <= set(Membership.Role.values)
    client.force_login(alice)
    assert client.get(task.begin(project)).status_code == 405  # a GET begins nothing
    assert client.post(task.begin(project)).status_code == 302


def test_home_offers_what_role_and_project_allow_and_says_why_something_waits(
    project: Project, alice: User, guest: User
) -> None:
    offered = {task.type.title: task for task in home_page.places(alice)[0].tasks}
    assert [task.type.place for task in offered.values()] == [1, 2, 3]
    assert not offered["Rank completions"].ready
    makers.make_comparison(project)
    assert all(task.ready for task in home_page.places(alice)[0].tasks)
    round_ = projects.current_round(project)
    assert round_ is not None
    projects.close_round(round=round_)
    assert not {t.type.title: t for t in home_page.places(alice)[0].tasks}["Chat with the model"].ready
    assert [task.type.title for task in home_page.places(guest)[0].tasks] == ["Chat with the model"]
