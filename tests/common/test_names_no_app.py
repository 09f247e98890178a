"""`common/` knows no app: neither by an import nor by a name in a string, such as `get_model("labeling", …)`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

COMMON = Path(settings.BASE_DIR) / "common"
OURS = sorted(config.label for config in apps.get_app_configs() if Path(config.path).parent == COMMON.parent)
NAMED = re.compile(rf"^({'|'.join(OURS)})(?:$|[./]\w)")


def documentation(tree: ast.AST) -> set[int]:
    """Strings that stand for themselves: they explain, and nothing reads them."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def apps_named(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    explains = documentation(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in OURS)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
            yield str(node.module)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explains:
            yield from NAMED.findall(node.value)
        elif isinstance(node, ast.Attribute) and node.attr == "memberships":
            yield "labeling, by the user's memberships"


def test_there_are_apps_to_look_for() -> None:
    assert {"accounts", "labeling", "exports"} <= set(OURS)


@pytest.mark.parametrize(
    "source",
    ["import labeling.models", "from accounts import audit", 'get_model("labeling", "Project")', "user.memberships",
     'import_string("accounts.audit.record")'],
)  # fmt: skip
def test_each_way_to_know_an_app_is_seen(source: str) -> None:
    assert list(apps_named(source))


@pytest.mark.parametrize("path", sorted(COMMON.rglob("*.py")), ids=lambda path: str(path.relative_to(COMMON)))
def test_no_module_of_common_names_an_app(path: Path) -> None:
    assert list(apps_named(path.read_text(encoding="utf-8"))) == []
