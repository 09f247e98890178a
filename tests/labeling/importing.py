"""A file of records imported as the command does it, for the tests of imports."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypedDict, Unpack

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from common.shapes import JsonLike
from labeling import imports
from labeling.importers.base import IMPORTERS, Item, Options, Transforms
from labeling.models import Project
from labeling.tasks import run_import

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Page


class Asked(TypedDict, total=False):
    kind: str
    source: str
    encoding: str
    progress: Callable[[int], None]


def run(project: Project, format: str, data: bytes | Sequence[JsonLike], **more: Unpack[Asked]) -> imports.Report:
    if not isinstance(data, bytes):
        data = "".join(json.dumps(row) + "\n" for row in data).encode()
    return imports.run(project=project, format=format, file=io.BytesIO(data), **more)


def uploaded(client: Client, project: Project, data: bytes, **form: str) -> Page:
    """The import page after a file was uploaded there and a worker has read it; without a run where the form is at
    fault. Its context holds the `run`, the `report` and the `errors` shown."""
    address = f"/admin/labeling/project/{project.pk}/import/"
    page = client.post(address, {"file": SimpleUploadedFile("x.jsonl", data), **form})
    if page.status_code != 302:
        return page
    run_import(page["Location"].rpartition("=")[2])
    return client.get(page["Location"])


PAIR = {"prompt": "Why?", "completion": " Because. END"}


def parsed(
    format: str, record: JsonLike, kind: str = "", *, split_turns: bool = False, keep_preamble: bool = False
) -> tuple[list[Item], list[str]]:
    transforms = Transforms(Options(split_turns=split_turns, keep_preamble=keep_preamble))
    return IMPORTERS.load(format).parse(json.loads(json.dumps(record)), kind, transforms), transforms.names
