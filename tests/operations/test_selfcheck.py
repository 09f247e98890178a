"""What the self-check asks of an export. The check as a whole, through running services: test_start.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.models import User
from exports import runs
from exports.models import ExportRun
from labeling.models import Project
from operations.selfcheck import EXPORTED
from tests.exports.makers import given, rows
from tests.exports.test_as_sampled import ranked

pytestmark = pytest.mark.django_db


def test_answers_that_were_cut_make_pairs_in_a_check(project: Project, alice: User, tmp_path: Path) -> None:
    ranked(project, alice, cut=4)
    asked = runs.request(project=project, trigger=ExportRun.Trigger.API, options=EXPORTED)
    runs.execute(run=given(runs.claim(run_id=str(asked.pk))), target=tmp_path / "out")
    assert len(rows(tmp_path / "out", "preferences")) == 6
