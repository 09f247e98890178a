"""What is said to the Hub, by huggingface_hub: make a repository, send an export into it, delete it.

The endpoint and the token are the installation's own (`HF_ENDPOINT`, `HF_TOKEN`); a login that the machine may have
kept is never used. Files are read from the exports storage and never held whole, but for small ones, which the Hub
takes within the commit.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Collection
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from django.conf import settings
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

from exports import storage
from exports.models import ExportRun

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import WriteableBuffer

# It warns of files that go by LFS, which is meant: they are read as streams.
logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")
HELD = 64 << 20  # bytes of small files in one commit; more of them become several commits
LAST = (storage.README, storage.SUMS, storage.MANIFEST)  # with the last commit, so that no half passes for a whole


class HubRefused(Exception):
    """The Hub does not do it; the message is a sentence. Asking again does not help where `final`."""

    def __init__(self, sentence: str, *, final: bool = True) -> None:
        super().__init__(sentence)
        self.final = final


class _Counted(io.RawIOBase):
    """A file that tells how far it was read."""

    def __init__(self, file: IO[bytes], told: Callable[[int], None]) -> None:
        self._file, self._told = file, told

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._file.read(len(view))
        view[: len(data)] = data
        self._told(self._file.tell())
        return len(data)


def create(*, name: str, private: bool) -> None:
    """Make a data set of that name; one that is there already is not ours and is left alone.

    Raises:
        HubRefused
    """
    with _sentences(name):
        try:
            _api().create_repo(name, repo_type="dataset", private=private, exist_ok=False)
        except HfHubHTTPError as error:
            if error.response.status_code != 409:
                raise
            raise HubRefused(
                f"{name} is on the Hub already and was not made from here: nothing is written into it."
            ) from None


def delete(*, name: str, known: str) -> None:
    """Delete the data set with its history. One that is not there any more is deleted.

    Raises:
        HubRefused: among others where the commit `known` is not in it.
    """
    with _sentences(name):
        api = _api()
        if api.repo_exists(name, repo_type="dataset"):
            _must_be_ours(api, name, known)
            api.delete_repo(name, repo_type="dataset", missing_ok=True)


def _must_be_ours(api: HfApi, name: str, known: str) -> None:
    """Whoever deleted ours and made another of the same name keeps it."""
    if not known:
        return  # made a moment ago, nothing was pushed into it yet
    try:
        api.repo_info(name, repo_type="dataset", revision=known)
    except RevisionNotFoundError:
        raise HubRefused(f"{name} is not the data set that was made from here: what was pushed is not in it.") from None


def send(*, name: str, run: ExportRun, before: Collection[str], known: str, told: Callable[[int], None]) -> str:
    """Commit the files of an export, in the place of those of an earlier one (`before`); the commit's id.

    `told` is called with the bytes that were read so far, often. `known` is our last commit, empty before the first.

    Raises:
        HubRefused
        FileNotFoundError: the export's files were removed.
    """
    with _sentences(name):
        sending = _Sending(_api(), name, run, told)
        _must_be_ours(sending.api, name, known)
        for path in run.sizes:
            sending.add(path)
        for path in LAST:
            sending.add(path)
        there = set(sending.api.list_repo_files(name, repo_type="dataset")) if before else set()
        return sending.commit(delete=sorted((set(before) - {*run.sizes, *LAST}) & there))


class _Sending:
    """Files of an export that were sent or wait for the next commit."""

    def __init__(self, api: HfApi, name: str, run: ExportRun, told: Callable[[int], None]) -> None:
        self.api, self._name, self._run, self._told = api, name, run, told
        self._operations: list[CommitOperationAdd | CommitOperationDelete] = []
        self._sent = self._held = 0

    def add(self, path: str) -> None:
        """Send a large file, keep a small one for the commit: the Hub says which is which."""
        with storage.open_file(self._run.path, path) as file:
            reader = io.BufferedReader(_Counted(file, lambda place: self._told(self._sent + place)))
            operation = CommitOperationAdd(path, reader)
            self.api.preupload_lfs_files(self._name, additions=[operation], repo_type="dataset")
            size = operation.upload_info.size
            if operation.path_or_fileobj is reader:  # not sent
                reader.seek(0)
                operation = CommitOperationAdd(path, reader.read())
                self._held += size
            self._sent += size
        self._operations.append(operation)
        if self._held > HELD:
            self.commit()

    def commit(self, *, delete: Collection[str] = ()) -> str:
        """Commit what is held; the commit's id."""
        done = self.api.create_commit(
            self._name, [*self._operations, *(CommitOperationDelete(path) for path in delete)], repo_type="dataset",
            commit_message=f"Export of {self._run.cutoff:%Y-%m-%d %H:%M} UTC",
        )  # fmt: skip
        self._operations, self._held = [], 0
        return str(done.oid)


def _api() -> HfApi:
    if not settings.HUB_TOKEN:
        raise HubRefused("This installation has no token of the Hub (HF_TOKEN).")
    return HfApi(endpoint=settings.HUB_ENDPOINT, token=settings.HUB_TOKEN, library_name="duologue")


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    """What the Hub answers, as a sentence for the page."""
    try:
        yield
    except (HubRefused, OSError) as known:
        if isinstance(known, HfHubHTTPError):
            raise _refusal(name, known) from None
        raise
    except RuntimeError as wrapped:  # how huggingface_hub tells of a file that could not be sent
        if isinstance(wrapped.__cause__, HfHubHTTPError):
            raise _refusal(name, wrapped.__cause__) from None
        raise
    except HFValidationError:
        raise HubRefused(f"{name} cannot be the name of a data set on the Hub.") from None


def _refusal(name: str, error: HfHubHTTPError) -> HubRefused:
    status = error.response.status_code if error.response is not None else 0
    if isinstance(error, RepositoryNotFoundError) and status != 401:
        return HubRefused(f"{name} is not on the Hub, or the token may not see it.")
    if status in (401, 403):
        return HubRefused(f"The Hub does not let this installation's token do that in {name.partition('/')[0]}.")
    final = 400 <= status < 500 and status not in (408, 429)
    return HubRefused(f"The Hub answered {status}." if status else "The Hub gave no answer.", final=final)
