"""The modules that hold the situations of the table of pairs."""

from __future__ import annotations

from tests.races import dialogues, judges, notices, people, projects, questions, rankings, requests, runs, webhooks

ROOMS = (rankings, judges, dialogues, notices, people, questions, runs, webhooks, requests, projects)
