"""Every write on repositories and pushes: ask, claim, send, take back.

The row is the work: a push is claimed by compare-and-set, held by a lease that is renewed as bytes go out, and
`attempts` fences off a worker that lost it. Nothing is written into a repository that was not made from here.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.audit import record
from common import redis_client
from common.transitions import advance
from exports.models import ExportRun
from hub import client
from hub.client import HubRefused
from hub.models import Push, Repository
from labeling.errors import Invalid

if TYPE_CHECKING:
    from accounts.models import User
    from labeling.models import Project

log = logging.getLogger(__name__)
State = Push.State
LEASE = timedelta(minutes=5)  # the Hub may be asked again for a minute before bytes go out
MAX_ATTEMPTS = 3
REMOVED = "The export's files were removed meanwhile: push another export."


class LostLease(Exception):
    """Another worker has the push."""


@dataclass
class _Progress:
    """Tells the row how far it is, once a second; raises LostLease in the end if the row went to another worker."""

    push: Push
    lost: bool = False
    told: float = 0.0

    def __call__(self, sent: int) -> None:
        if time.monotonic() - self.told < 1:
            return
        self.told = time.monotonic()
        mine = Push.objects.filter(pk=self.push.pk, attempts=self.push.attempts, state=State.RUNNING)
        self.lost = not mine.update(bytes_sent=sent, lease_expires_at=timezone.now() + LEASE)


def namespaces_of(project: Project) -> list[str]:
    """Where this project may push to, as the operator allows it; empty without a token."""
    if not settings.HUB_TOKEN:
        return []
    return [name for name, slugs in settings.HUB_NAMESPACES.items() if not slugs or project.slug in slugs]


@transaction.atomic
def request(*, run: ExportRun, by: User, repository: Repository | None = None, name: str = "", private: bool = True,
            ring: bool = True) -> Push:  # fmt: skip
    """Ask for an export to be pushed: into one of the project's repositories, or into a new one of that name.

    Raises:
        Invalid: with a sentence.
    """
    if run.state != ExportRun.State.FINISHED or run.trigger == ExportRun.Trigger.COMMAND:
        raise Invalid("This export has no files here that could be pushed.")
    repository = _new(run.project, name, private, by) if repository is None else _locked(repository)
    if repository.project_id != run.project_id or repository.state not in (
        Repository.State.NEW, Repository.State.MADE,
    ):  # fmt: skip
        raise Invalid(f"{repository.name} is not a data set of this project.")
    _check_namespace(run.project, repository.name)
    if repository.pushes.filter(state__in=(State.QUEUED, State.RUNNING)).exists():
        raise Invalid(f"Something is on its way into {repository.name} already: wait until it is there.")
    push = Push.objects.create(repository=repository, export=run, requested_by=by, bytes_all=sum(run.sizes.values()))
    record(actor=by, action="hub.push_requested", obj=push, project_id=run.project_id, fields=["export", "repository"])
    if ring:
        _ring(push.pk)
    return push


def _new(project: Project, name: str, private: bool, by: User) -> Repository:
    namespace, _, base = name.partition("/")
    if not client.NAME.fullmatch(base) or "--" in base or ".." in base or base.endswith(".git"):
        raise Invalid("A name on the Hub is of letters, digits, dots, hyphens and underscores, and begins with none "
                      "of the last three.")  # fmt: skip
    _check_namespace(project, name)
    try:
        with transaction.atomic():
            return Repository.objects.create(project=project, name=f"{namespace}/{base}", private=private, made_by=by)
    except IntegrityError:
        raise Invalid(f"{name} is taken: another push has made it, or is about to.") from None


def _locked(repository: Repository) -> Repository:
    """As it is now, until the transaction ends: who asks for a push or takes back meanwhile waits, and sees this."""
    return Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)


def _check_namespace(project: Project, name: str) -> None:
    if name.partition("/")[0] not in namespaces_of(project):
        raise Invalid("The operator has not allowed this project to push there.")


def claim(*, pk: UUID) -> Push | None:
    """Take a push that waits, or one whose worker is gone; None where there is nothing to take."""
    now = timezone.now()
    free = Push.objects.filter(pk=pk, attempts__lt=MAX_ATTEMPTS).filter(
        Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_expires_at__lt=now)
    )
    taken = advance(
        free, to=State.RUNNING, table=Push.TRANSITIONS, attempts=F("attempts") + 1, lease_expires_at=now + LEASE,
        bytes_sent=0, error="",
    )  # fmt: skip
    rows = Push.objects.select_related("repository__project", "export", "requested_by")
    return rows.get(pk=pk) if taken else None


def execute(*, push: Push) -> str:
    """Send a claimed push, and end it or put it back; its state.

    Raises:
        LostLease
    """
    progress = _Progress(push)
    try:
        commit = _send(push, progress)
    except LostLease:
        raise
    except HubRefused as refusal:
        return _fail(push, str(refusal), final=refusal.final)
    except Invalid as refusal:
        return _fail(push, str(refusal), final=True)
    except FileNotFoundError:
        return _fail(push, REMOVED, final=True)
    except Exception as error:  # a network that breaks off in the middle, whatever it is called
        if progress.lost:
            raise LostLease from None
        log.warning("push %s: %r", push.pk, error, exc_info=True)
        return _fail(push, f"The Hub could not be reached, or broke off ({type(error).__name__}).", final=False)
    with transaction.atomic():
        _end(push, State.FINISHED, commit=commit, bytes_sent=push.bytes_all, finished_at=timezone.now())
        record(actor=push.requested_by, action="hub.pushed", obj=push, project_id=push.export.project_id)
    return State.FINISHED


def _send(push: Push, progress: _Progress) -> str:
    repository = push.repository
    _check_namespace(repository.project, repository.name)  # the operator may have changed their mind
    if repository.state == Repository.State.NEW:
        client.create(name=repository.name, private=repository.private)
        advance(repository, to=Repository.State.MADE, table=Repository.TRANSITIONS)
        record(actor=push.requested_by, action="hub.repository_made", obj=repository)
    last = last_pushed(repository)
    return client.send(
        name=repository.name, run=push.export, told=progress, known=last.commit if last else "",
        before=last.export.sizes if last else (),
    )  # fmt: skip


def last_pushed(repository: Repository) -> Push | None:
    rows = repository.pushes.filter(state=State.FINISHED).select_related("export")
    return rows.order_by("-finished_at").first()


def _fail(push: Push, error: str, *, final: bool) -> str:
    over = final or push.attempts >= MAX_ATTEMPTS
    with transaction.atomic():
        _end(push, State.FAILED if over else State.QUEUED, error=error)
        if over and push.repository.state == Repository.State.NEW:  # its name is free again
            advance(push.repository, to=Repository.State.GONE, table=Repository.TRANSITIONS, left_at=timezone.now())
    return State.FAILED if over else State.QUEUED


def _end(push: Push, state: str, **columns: object) -> None:
    mine = Push.objects.filter(pk=push.pk, attempts=push.attempts, state=State.RUNNING)
    if not advance(mine, to=state, table=Push.TRANSITIONS, lease_expires_at=None, **columns):
        raise LostLease


@transaction.atomic
def take_back(*, repository: Repository, by: User, ring: bool = True) -> bool:
    """Have a repository deleted with its history; a worker does it."""
    _locked(repository)
    if repository.pushes.filter(state__in=(State.QUEUED, State.RUNNING)).exists():
        return False
    if not advance(repository, to=Repository.State.LEAVING, table=Repository.TRANSITIONS, left_by=by, error=""):
        return False
    record(actor=by, action="hub.take_back_requested", obj=repository)
    if ring:
        _ring_for(repository.pk)
    return True


def delete(*, pk: int) -> str:
    """Delete a repository that is to leave; its state."""
    rows = Repository.objects.filter(pk=pk, state=Repository.State.LEAVING).select_related("left_by")
    if (repository := rows.first()) is None:
        return "nothing to do"
    last = last_pushed(repository)
    try:
        client.delete(name=repository.name, known=last.commit if last else "")
    except HubRefused as refusal:
        if refusal.final:
            advance(repository, to=Repository.State.MADE, table=Repository.TRANSITIONS, error=str(refusal))
        return "refused"
    except Exception as error:  # the network; beat asks again
        log.warning("repository %s: %r", repository.pk, error)
        return "could not be reached"
    with transaction.atomic():
        if advance(repository, to=Repository.State.GONE, table=Repository.TRANSITIONS, left_at=timezone.now()):
            record(actor=repository.left_by, action="hub.taken_back", obj=repository)
    return "gone"


def resume() -> int:
    """Ring again for what waits, and for pushes whose worker is gone; give up on hopeless ones."""
    gone = Q(state=State.RUNNING, lease_expires_at__lt=timezone.now())
    for push in Push.objects.filter(gone, attempts__gte=MAX_ATTEMPTS).select_related("repository"):
        try:
            _fail(push, "The worker that pushed it ended before it was done.", final=True)
        except LostLease:
            continue
    waiting = list(Push.objects.filter(Q(state=State.QUEUED) | gone).values_list("pk", flat=True))
    leaving = list(Repository.objects.filter(state=Repository.State.LEAVING).values_list("pk", flat=True))
    for pk in waiting:
        _ring(pk)
    for number in leaving:
        _ring_for(number)
    return len(waiting) + len(leaving)


def _ring(pk: UUID) -> None:
    from hub.tasks import push

    redis_client.send_on_commit(push.delay, str(pk))


def _ring_for(pk: int) -> None:
    from hub.tasks import take_back

    redis_client.send_on_commit(take_back.delay, str(pk))
