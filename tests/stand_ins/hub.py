"""The Hugging Face Hub's API on loopback, as far as data sets go: what huggingface_hub and `datasets` ask of it.

Repositories are kept as commits, each the whole tree of its files. Large files come by LFS, as the Hub's own batch
answers say; `server.large` is the size from which on a file is one. Xet is not spoken.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from common.shapes import JsonObject

TOKEN = "hf_" + "stand" + "in" * 8  # in parts, so that no scanner takes it for a real one
Tree = dict[str, bytes]


@dataclass
class Repo:
    name: str
    private: bool
    commits: list[tuple[str, Tree]] = field(default_factory=list)  # oldest first

    def __post_init__(self) -> None:
        self.commit({".gitattributes": b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"})

    def commit(self, tree: Tree) -> str:
        oid = hashlib.sha1(f"{self.name}{len(self.commits)}".encode()).hexdigest()
        self.commits.append((oid, tree))
        return oid

    def at(self, revision: str) -> tuple[str, Tree] | None:
        if revision in ("main", "HEAD"):
            return self.commits[-1]
        return next((one for one in self.commits if one[0] == revision), None)


class Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the console."""

    def say(self, status: int, body: object = b"", **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", headers.pop("Content_Length", str(len(content))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def no(self, status: int, code: str) -> None:
        self.say(status, {"error": code}, X_Error_Code=code, X_Error_Message=code)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().strip() or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self) -> None:
        sent, path = self.body(), unquote(urlsplit(self.path).path)
        server = self.server
        server.asked.append((self.command, path))
        for what, status in list(server.trouble.items()):
            if re.search(what, path):
                return self.say(status, {"error": "trouble"})
        if not path.startswith("/lfs/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.no(401, "RepoNotFound")
        for pattern, method in ROUTES:
            if found := re.fullmatch(pattern, f"{self.command} {path}"):
                return method(self, sent, **found.groupdict())
        return self.no(404, "EntryNotFound")

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    # ---- repositories

    def create(self, sent: bytes) -> None:
        asked = json.loads(sent)
        name = f"{asked['organization']}/{asked['name']}"
        if asked["organization"] not in self.server.namespaces:
            return self.no(403, "Forbidden")
        if name in self.server.repos:
            return self.say(409, {"error": "You already created this dataset repo"})
        self.server.repos[name] = Repo(name, private=asked.get("visibility") == "private")
        return self.say(200, {"url": f"{self.server.url}/datasets/{name}", "name": name})

    def delete(self, sent: bytes) -> None:
        asked = json.loads(sent)
        if self.server.repos.pop(f"{asked['organization']}/{asked['name']}", None) is None:
            return self.no(404, "RepoNotFound")
        return self.say(200, b"OK")

    def valid(self, sent: bytes) -> None:
        self.say(200, {"errors": [], "warnings": []})

    def info(self, sent: bytes, repo: str, revision: str = "main") -> None:
        if (found := self.server.repos.get(repo)) is None:
            return self.no(404, "RepoNotFound")
        if (at := found.at(revision)) is None:
            return self.no(404, "RevisionNotFound")
        oid, tree = at
        said: JsonObject = {
            "id": repo, "sha": oid, "private": found.private, "tags": [], "downloads": 0, "likes": 0,
            "siblings": [{"rfilename": path} for path in sorted(tree)],
        }  # fmt: skip
        return self.say(200, said)

    def tree(self, sent: bytes, repo: str, revision: str, under: str | None = None) -> None:
        found = self.server.repos.get(repo)
        if found is None or (at := found.at(revision)) is None:
            return self.no(404, "RepoNotFound" if found is None else "RevisionNotFound")
        under = f"{(under or '').strip('/')}/".lstrip("/")
        rows = [_entry(path, content) for path, content in sorted(at[1].items()) if path.startswith(under)]
        if under and not rows:
            return self.no(404, "EntryNotFound")
        folders = {path.rpartition("/")[0] for path in at[1] if "/" in path.removeprefix(under)}
        rows += [{"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in sorted(folders)]
        return self.say(200, rows)

    def paths(self, sent: bytes, repo: str, revision: str) -> None:
        found = self.server.repos.get(repo)
        if found is None or (at := found.at(revision)) is None:
            return self.no(404, "RepoNotFound")
        asked = json.loads(sent)["paths"] if sent.startswith(b"{") else []
        return self.say(200, [_entry(path, at[1][path]) for path in asked if path in at[1]])

    def file(self, sent: bytes, repo: str, revision: str, path: str) -> None:
        found = self.server.repos.get(repo)
        if found is None or (at := found.at(revision)) is None:
            return self.no(404, "RepoNotFound")
        if path not in at[1]:
            return self.no(404, "EntryNotFound")
        content = at[1][path]
        return self.say(200, content, ETag=f'"{_sha(content)}"', X_Repo_Commit=at[0],
                        Content_Type="application/octet-stream", Accept_Ranges="bytes",
                        Content_Length=str(len(content)))  # fmt: skip

    # ---- files that come in

    def preupload(self, sent: bytes, repo: str) -> None:
        if repo not in self.server.repos:
            return self.no(404, "RepoNotFound")
        files = json.loads(sent)["files"]
        large = self.server.large
        return self.say(200, {"files": [
            {"path": one["path"], "uploadMode": "lfs" if one["size"] >= large else "regular", "shouldIgnore": False}
            for one in files
        ]})  # fmt: skip

    def batch(self, sent: bytes, repo: str) -> None:
        wanted = json.loads(sent)["objects"]
        objects = [
            {**one, "authenticated": True, "actions": {"upload": {"href": f"{self.server.url}/lfs/{one['oid']}"}}}
            for one in wanted
        ]
        self.say(200, {"transfer": "basic", "objects": objects})

    def large(self, sent: bytes, oid: str) -> None:
        if hashlib.sha256(sent).hexdigest() != oid:
            return self.say(400, {"error": "another file"})
        self.server.objects[oid] = sent
        return self.say(200)

    def commit(self, sent: bytes, repo: str) -> None:
        found = self.server.repos[repo]
        tree = dict(found.commits[-1][1])
        for line in sent.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                tree[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                tree[value["path"]] = self.server.objects[value["oid"]]
            elif item["key"] == "deletedFile":
                del tree[value["path"]]
        oid = found.commit(tree)
        self.say(
            200, {"success": True, "commitOid": oid, "commitUrl": f"{self.server.url}/datasets/{repo}/commit/{oid}"}
        )


def _sha(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def _entry(path: str, content: bytes) -> JsonObject:
    return {"type": "file", "path": path, "size": len(content), "oid": _sha(content)}


REPO, REVISION = r"(?P<repo>[^/ ]+/[^/ ]+)", r"(?P<revision>[^/ ]+)"
ROUTES: list[tuple[str, Callable[..., None]]] = [
    (r"POST /api/repos/create", Handler.create),
    (r"DELETE /api/repos/delete", Handler.delete),
    (r"POST /api/validate-yaml", Handler.valid),
    (rf"POST /api/datasets/{REPO}/preupload/main", Handler.preupload),
    (rf"POST /datasets/{REPO}\.git/info/lfs/objects/batch", Handler.batch),
    (r"PUT /lfs/(?P<oid>[0-9a-f]{64})", Handler.large),
    (rf"POST /api/datasets/{REPO}/commit/main", Handler.commit),
    (rf"POST /api/datasets/{REPO}/paths-info/{REVISION}", Handler.paths),
    (rf"GET /api/datasets/{REPO}/tree/{REVISION}(?P<under>/.*)?", Handler.tree),
    (rf"GET /api/datasets/{REPO}/revision/{REVISION}", Handler.info),
    (rf"GET /api/datasets/{REPO}", Handler.info),
    (rf"(?:GET|HEAD) /datasets/{REPO}/resolve/{REVISION}/(?P<path>.+)", Handler.file),
]


class HubServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.namespaces = {"acme"}
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.trouble: dict[str, int] = {}  # part of an address: the status that it is answered with
        self.large = 2_000

    def files(self, name: str) -> Tree:
        return self.repos[name].commits[-1][1]


@contextmanager
def hub_server() -> Iterator[HubServer]:
    server = HubServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
