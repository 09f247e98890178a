"""A large project, made by copying rows in SQL. Imported once Django is set up (`services.django_on`)."""

from __future__ import annotations

import uuid
from importlib import import_module
from typing import TypedDict

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.urls import reverse

from accounts.models import User
from labeling import chats, dialogues, turns
from labeling.models import Assignment, Candidate, Comparison, Project, Ranking, Review, ReviewItem
from sampler.models import Completion
from tests import makers

TEXT = """A sentence of **ordinary** length that a model might have written about some subject or other. It goes on
for a while, as they do, and then comes to the point.

- First, what everybody says.
- Then what `nobody` expected.

A last paragraph sums up what was said, in case that somebody had not been listening all the time. """
BENCH = "CREATE TEMP TABLE bench (n int, i int, completion uuid, comparison uuid)"  # a row for each copy
RANKED = 20  # one comparison in so many is ranked


class Made(TypedDict):
    """Where the measured pages are."""

    slug: str
    session: str
    stream: str
    chat: str
    demonstration: str
    manager: str  # the session of a manager, who reviews too
    managed: dict[str, str]  # a manager's and a reviewer's pages


def prepare(count: int) -> Made:
    """A project, a trainer with work behind and before them, a chat with a reply that nobody writes."""
    project = makers.make_project("bench")
    alice = makers.make_member(project, "alice")
    fill(project, alice, count=count)
    chat = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    request = chats.send_message(dialogue=chat, text="Nobody answers this.")
    talk = makers.make_chat(project, alice, turns=5)
    written = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    for number in range(5):
        turns.add_turn(dialogue=written, role="user", text=f"Question {number}: what then?")
        turns.add_turn(dialogue=written, role="assistant", text=f"{number}. {TEXT}")
    mona = makers.make_member(project, "mona", role="manager")
    return {
        "manager": session_of(mona),
        "managed": _managed(project, alice, mona),
        "slug": project.slug,
        "session": session_of(alice),
        "stream": f"/dialogues/{chat.pk}/stream/?r={request.pk}@0",
        "chat": f"/dialogues/{talk.pk}/",
        "demonstration": f"/dialogues/{written.pk}/",
    }


def _managed(project: Project, alice: User, mona: User) -> dict[str, str]:
    """Every ranking was picked for review, and half of them are decided."""
    rankings = list(Ranking.objects.filter(comparison__project=project).order_by("submitted_at"))
    ReviewItem.objects.bulk_create(
        [ReviewItem(project=project, ranking=ranking, reasons=["random"]) for ranking in rankings],
        batch_size=1000,
        ignore_conflicts=True,  # those of a new trainer are in the queue already
    )
    decided = rankings[: len(rankings) // 2]
    Review.objects.bulk_create(
        [Review(ranking=ranking, reviewer=mona, decision="accepted") for ranking in decided], batch_size=1000
    )
    done = makers.make_demonstration(project, alice)
    ReviewItem.objects.get_or_create(project=project, dialogue=done, defaults={"reasons": ["random"]})
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {Review._meta.db_table}, {ReviewItem._meta.db_table}")
    first, site = rankings[-1], f"/manage/projects/{project.slug}/"
    pages = ("people", "rounds", "guidelines", "prompts", "exports", "settings")
    return {
        "review queue": f"/projects/{project.slug}/review/",
        "review": f"/review/rankings/{first.pk}/",
        "review, order shown": f"/review/rankings/{first.pk}/?order=1",
        "review of a dialogue": f"/review/dialogues/{done.pk}/",
        "all orders": f"/review/comparisons/{first.comparison_id}/",
        "projects": "/manage/",
        "project": site,
        "progress": reverse("insights:progress", args=[project.slug]),
        "insights": reverse("insights:project", args=[project.slug]),
        **{name: f"{site}{name}/" for name in pages},
    }


def session_of(user: User) -> str:
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def fill(project: Project, trainer: User, *, count: int, votes: int = 1) -> None:
    """`count` comparisons of four completions each, a twentieth of them ranked by `trainer`; with several `votes`
    those are still open to others."""
    ranking = makers.make_ranking(makers.make_comparison(project, votes=votes), trainer)
    done = count // RANKED
    fill_open(project, count=count - done, votes=votes)
    with connection.cursor() as cursor:
        _copy_ranked(cursor, ranking, done)
        # As a project that grew over weeks has it: rows vacuumed and on the disk, not a flood of pages still to be
        # written while the first requests wait for their commits. Only these tables: a bare VACUUM takes the shared
        # catalogues too, and waits for whoever has them locked.
        tables = (model._meta.db_table for model in (Completion, Comparison, Candidate, Assignment, Ranking))
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")
        cursor.execute("CHECKPOINT")


def fill_open(project: Project, *, count: int, votes: int = 1) -> None:
    """`count` more open comparisons of four completions, older than all that are there."""
    prompt = f"Question {uuid.uuid4()}?"  # a kept database has those of other runs
    pattern = makers.make_comparison(project, votes=votes, prompt=prompt)
    candidate = pattern.candidates.get(index=0)
    Completion.objects.filter(pk=candidate.completion_id).update(text=TEXT)
    with connection.cursor() as cursor:
        cursor.execute(BENCH)
        cursor.execute(
            """INSERT INTO bench SELECT n, i, gen_random_uuid(), md5(%s || n)::uuid
            FROM generate_series(1, %s) n CROSS JOIN generate_series(0, 3) i""",
            [str(pattern.pk), count],
        )
        text = "t.text || E'\\n\\n' || md5((b.n * 4 + b.i)::text)"
        _copy(cursor, candidate.completion, id="b.completion", text=text)
        opened = "t.opened_at - (b.n || ' milliseconds')::interval"
        _copy(cursor, pattern, where="b.i = 0", id="b.comparison", content_hash="''", opened_at=opened)
        _copy(
            cursor, candidate, id="gen_random_uuid()", comparison_id="b.comparison", completion_id="b.completion",
            index="b.i",
        )  # fmt: skip
        cursor.execute("DROP TABLE bench")


def _copy_ranked(cursor: CursorWrapper, ranking: Ranking, count: int) -> None:
    assignment, comparison = ranking.assignment, ranking.comparison
    if assignment is None:
        raise ValueError("A ranking to copy belongs to an assignment.")
    cursor.execute(BENCH)
    cursor.execute(
        "INSERT INTO bench SELECT n, 0, NULL, md5('ranked' || n)::uuid FROM generate_series(1, %s) n", [count]
    )
    comparison.refresh_from_db()
    assignment.refresh_from_db()

    def ago(column: str) -> str:
        return f"(t.{column} - (b.n * 5 || ' minutes')::interval)"

    _copy(
        cursor, comparison, id="b.comparison", content_hash="''", opened_at=ago("opened_at"),
        closed_at=ago("closed_at"),
    )  # fmt: skip
    for candidate in comparison.candidates.all():
        _copy(cursor, candidate, id="gen_random_uuid()", comparison_id="b.comparison")
    of_assignment = "md5('assignment' || b.n)::uuid"
    _copy(
        cursor, assignment, id=of_assignment, comparison_id="b.comparison", created_at=ago("created_at"),
        ended_at=ago("ended_at"),
    )  # fmt: skip
    _copy(
        cursor, ranking, id="gen_random_uuid()", comparison_id="b.comparison", assignment_id=of_assignment,
        submitted_at=ago("submitted_at"),
    )  # fmt: skip
    cursor.execute("DROP TABLE bench")


def _copy(cursor: CursorWrapper, source: Model, *, where: str = "true", **columns: str) -> None:
    """A copy of the row for each row of `bench`, but for `columns`: a column added later needs no change here."""
    table = source._meta.db_table
    names = [str(field.column) for field in source._meta.concrete_fields]
    values = ", ".join(columns.get(name, f't."{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    cursor.execute(
        f'INSERT INTO "{table}" ({quoted}) SELECT {values} '
        f"FROM \"{table}\" t CROSS JOIN bench b WHERE t.id = '{source.pk}' AND {where}"
    )
