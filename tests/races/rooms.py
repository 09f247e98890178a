"""The modules that hold the situations of the table of pairs."""

from __future__ import annotations

from tests.races import (
    dialogues,
    guests,
    judges,
    notices,
    people,
    projects,
    questions,
    rankings,
    red_team,
    requests,
    runs,
    webhooks,
)

ROOMS = (rankings, judges, dialogues, red_team, guests, notices, people, questions, runs, webhooks, requests, projects)
