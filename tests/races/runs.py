"""What workers and managers may write on one export, push or import: asked for, claimed, lost, ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from unittest import mock

from django.core.files.base import ContentFile
from django.db.models import Model
from django.test import override_settings
from django.utils import timezone

from accounts.models import User
from exports import runs as export_runs
from exports.models import ExportRun
from hub import client, pushes
from hub.models import Push, Repository
from labeling import given_prompts, leases, projects
from labeling.imports import runs as import_runs
from labeling.models import Assignment, Comparison, Dialogue, ImportRun, Project, Prompt, Ranking
from labeling.quality import adjudication
from tests import makers
from tests.races.cast import Cast
from tests.races.pairs import Situation, taken
from tests.races.standing import Standing, rows

MINUTE = timedelta(minutes=1)
LINE = b'{"prompt": "Why is the sea salty?"}\n'
MANIFEST = {"files": [{"path": "dpo/train.jsonl", "bytes": 12, "rows": 1}]}


@dataclass
class Work:
    """One row of a run, and who writes on it."""

    project: Project
    people: dict[str, User]
    run: uuid.UUID = field(default_factory=uuid.uuid4)
    number: int = 0


def facts(*models: type[Model], without: Sequence[str] = ()) -> Callable[[object], Standing]:
    return lambda work: rows(*models, without=without)


# --- exports


def export_asked(cast: Cast) -> Work:
    run = export_runs.request(project=cast.project, trigger="admin", ring=False)
    return Work(cast.project, cast.people, run.pk)


def export_lost(cast: Cast) -> Work:
    """Its worker is gone."""
    work = export_asked(cast)
    export_runs.claim(run_id=str(work.run), worker="first")
    ExportRun.objects.filter(pk=work.run).update(lease_expires_at=timezone.now() - MINUTE)
    return work


def export_failed(cast: Cast) -> Work:
    work = export_asked(cast)
    export_runs.claim(run_id=str(work.run), worker="first")
    export_runs.fail(run=_export(work), error="It broke.", final=True)
    return work


def export_finished(cast: Cast) -> Work:
    work = export_asked(cast)
    ExportRun.objects.filter(pk=work.run).update(
        state="finished", finished_at=timezone.now(), manifest=MANIFEST, path=f"{cast.project.slug}/2026-01-01-0"
    )
    return work


def _export(work: Work) -> ExportRun:
    return ExportRun.objects.select_related("project").get(pk=work.run)


def claim_export(work: Work) -> object:
    return taken(export_runs.claim(run_id=str(work.run), worker="another"))


def fail_export(work: Work) -> object:
    """As the worker that had it first says, however late."""
    run = _export(work)
    run.attempts = 1
    export_runs.fail(run=run, error="It broke again.")
    return None


def nights(work: Work) -> object:
    return export_runs.start_night(night=timezone.now().date(), ring=False)


# --- the Hub


def pushed(cast: Cast) -> Work:
    """A repository into which an export was pushed."""
    work = export_finished(cast)
    made = Repository.objects.create(project=cast.project, name="acme/poems", state="made")
    work.number = made.pk
    Push.objects.create(repository=made, export=_export(work), state="finished", finished_at=timezone.now())
    return work


def push_asked(cast: Cast) -> Work:
    """For the first time, into a repository that is to be made."""
    work = export_finished(cast)
    asked = pushes.request(run=_export(work), by=cast.people["rita"], name="acme/poems", ring=False)
    work.number = asked.repository.pk
    return work


def push_lost(cast: Cast) -> Work:
    """At its last try, by a worker that is gone."""
    work = push_asked(cast)
    Push.objects.update(state="running", attempts=pushes.MAX_ATTEMPTS, lease_expires_at=timezone.now() - MINUTE)
    return work


def leaving(cast: Cast) -> Work:
    work = pushed(cast)
    pushes.take_back(repository=_repository(work), by=cast.people["rita"], ring=False)
    return work


def _repository(work: Work) -> Repository:
    return Repository.objects.select_related("project").get(pk=work.number)


def push(work: Work) -> object:
    by = work.people["rita"]
    return pushes.request(run=_export(work), by=by, repository=_repository(work), ring=False)


def push_new(work: Work) -> object:
    return pushes.request(run=_export(work), by=work.people["ron"], name="acme/poems", ring=False)


def take_back_repository(work: Work) -> object:
    return taken(pushes.take_back(repository=_repository(work), by=work.people["ron"], ring=False))


def send(work: Work) -> object:
    """What a worker does with a push."""
    waiting = Push.objects.filter(repository=work.number).order_by("created_at").values_list("pk", flat=True)
    return pushes.execute(push=taken(pushes.claim(pk=waiting[0])))


def delete(work: Work) -> object:
    return pushes.delete(pk=work.number)


@contextmanager
def a_hub() -> Iterator[None]:
    """One that takes everything; the doorbells ring nowhere."""
    allowed = {"acme": frozenset[str]()}
    with (
        override_settings(HUB_TOKEN="t", HUB_NAMESPACES=allowed),
        mock.patch.object(client, "create"),
        mock.patch.object(client, "delete"),
        mock.patch.object(client, "send", return_value="c1"),
    ):
        yield


# --- imports


def import_asked(cast: Cast) -> Work:
    asked = import_runs.Asked(format="prompts", kind="prompts", source="a.jsonl", encoding="utf-8")
    file = ContentFile(LINE, name="a.jsonl")
    run = import_runs.request(project=cast.project, by=cast.people["rita"], file=file, asked=asked, dry_run=False)
    return Work(cast.project, cast.people, run.pk)


def previewed(cast: Cast) -> Work:
    """Tried two days ago; its file waits to be imported, or to be forgotten."""
    work = import_asked(cast)
    asked = {"format": "prompts", "kind": "prompts", "source": "a.jsonl", "encoding": "utf-8", "keep": True}
    ImportRun.objects.filter(pk=work.run).update(
        state="finished", dry_run=True, asked=asked, finished_at=timezone.now() - timedelta(days=2)
    )
    return work


def brought(cast: Cast) -> Work:
    """An import whose comparison and prompt anybody may take up."""
    work = import_asked(cast)
    projects.add_prompts(
        project=cast.project, prompts=[[{"role": "user", "content": "Why is the sea salty?"}]], source="a.jsonl"
    )
    makers.make_comparison(
        cast.project, k=2, prompt="Why is the sky blue?", source="a.jsonl", source_row={"id": 1}, state="open"
    )
    ImportRun.objects.filter(pk=work.run).update(state="finished", finished_at=timezone.now(), report="{}")
    return work


def going_back(cast: Cast) -> Work:
    work = brought(cast)
    take_back_import(work)
    return work


def _import(work: Work) -> ImportRun:
    return ImportRun.objects.select_related("project").get(pk=work.run)


def run_import(work: Work) -> object:
    return import_runs.execute(run=taken(import_runs.claim(pk=work.run)))


def carry_out(work: Work) -> object:
    return taken(import_runs.carry_out(preview=_import(work), by=work.people["rita"]))


def take_back_import(work: Work) -> object:
    return taken(import_runs.take_back(run=_import(work), by=work.people["ron"]))


def remove_import(work: Work) -> object:
    return taken(import_runs.remove(pk=work.run))


def lease(work: Work) -> object:
    return taken(leases.lease_next(project=work.project, trainer=work.people["bob"]))


def begin_given(work: Work) -> object:
    return given_prompts.begin_given(project=work.project, author=work.people["bob"])


def adjudicate(work: Work) -> object:
    comparison = Comparison.objects.select_related("project").filter(project=work.project, source="a.jsonl").first()
    order = [[str(one.completion_id)] for one in taken(comparison).candidates.order_by("index")]
    shown = [pk for group in order for pk in group]
    return adjudication.adjudicate(
        comparison=taken(comparison), reviewer=work.people["rita"], order_shown=shown, groups=order, note="gold"
    )


class Files:
    """A storage that holds one file under every name, and knows which it was told to delete."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def save(self, name: str, file: object) -> str:
        return name

    def open(self, name: str, mode: str = "rb") -> ContentFile[bytes]:
        return ContentFile(LINE)

    def delete(self, name: str) -> None:
        self.deleted.append(name)


files = Files()


def files_here() -> AbstractContextManager[object]:
    return mock.patch.object(import_runs, "default_storage", files)


def file_there(work: Work) -> Standing:
    """The rows, and whether the files that are still to be read were deleted."""
    waiting = set(ImportRun.objects.filter(state="queued").values_list("stored_as", flat=True))
    lost = bool(waiting & set(files.deleted))
    files.deleted.clear()
    return (*rows(ImportRun, Prompt, without=["report", "content_hash"]), ("lost", lost))


EXPORTS, HUB = facts(ExportRun, without=["worker", "night", "path"]), facts(Repository, Push, ExportRun)
TEXTS = ["content_hash", "prompt_key", "split", "order_shown", "groups", "order_seed"]
BROUGHT = facts(ImportRun, Comparison, Prompt, Assignment, Ranking, Dialogue, without=[*TEXTS, "report", "saved_at"])

SITUATIONS: Sequence[Situation[Work]] = (
    Situation(
        "export asked", export_asked,
        {"claim": claim_export, "resume": lambda work: export_runs.resume(), "fail": fail_export, "nights": nights},
        EXPORTS,
    ),
    Situation(
        "export lost", export_lost,
        {"claim": claim_export, "resume": lambda work: export_runs.resume(), "fail": fail_export}, EXPORTS,
    ),
    Situation(
        "export failed", export_failed,
        {"retry": lambda work: export_runs.retry(run=_export(work), ring=False), "claim": claim_export}, EXPORTS,
    ),
    Situation(
        "export finished", export_finished,
        {"remove": lambda work: export_runs.remove(run=_export(work)), "push new": push_new}, HUB, a_hub,
    ),
    Situation(
        "pushed", pushed,
        {"push": push, "push new": push_new, "take back": take_back_repository, "delete": delete}, HUB, a_hub,
    ),
    Situation(
        "push asked", push_asked,
        {"push": push, "push new": push_new, "send": send, "take back": take_back_repository,
         "resume": lambda work: pushes.resume()},
        HUB, a_hub,
    ),
    Situation(
        "push lost", push_lost,
        {"push": push, "push new": push_new, "send": send, "take back": take_back_repository,
         "resume": lambda work: pushes.resume()},
        HUB, a_hub,
    ),
    Situation(
        "leaving", leaving,
        {"push": push, "push new": push_new, "take back": take_back_repository, "delete": delete}, HUB, a_hub,
    ),
    Situation("import asked", import_asked, {"run": run_import, "resume": lambda work: import_runs.resume()},
              file_there, files_here),
    Situation("previewed", previewed, {"carry out": carry_out, "resume": lambda work: import_runs.resume()},
              file_there, files_here),
    Situation("brought", brought, {"take back": take_back_import, "lease": lease, "begin": begin_given},
              BROUGHT, files_here),
    Situation(
        "going back", going_back,
        {"remove": remove_import, "lease": lease, "begin": begin_given, "gold": adjudicate}, BROUGHT, files_here,
    ),
)  # fmt: skip
