"""The folder is the registry: each module of a package is one choice, named by its file.

`Folder("sampler.engines", "ENGINE").choices()` lists names without importing anything, so that the web
process can offer "hf" as an engine and never import torch; `.load("hf")` imports that file and returns
the object that it calls `ENGINE`. Files whose name starts with an underscore, and `base`, are shared
code and not choices.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType
from typing import Generic, TypeVar

Plugin = TypeVar("Plugin")


class UnknownPlugin(ValueError):
    """No file of that name in the folder; the message lists those that are there."""


class Folder(Generic[Plugin]):
    """The choices of a package that hold a `Plugin` under the name `attribute`; one contract test runs over all."""

    def __init__(self, package: str, attribute: str) -> None:
        self.package, self.attribute = package, attribute

    def choices(self) -> tuple[str, ...]:
        """Names of the plugins, sorted."""
        return choices(self.package)

    def load(self, name: str) -> Plugin:
        """The plugin of the file `name`.

        Raises:
            UnknownPlugin: the folder holds no file of that name.
        """
        plugin: Plugin = getattr(load(self.package, name), self.attribute)
        return plugin


@cache
def choices(package: str) -> tuple[str, ...]:
    """Names of the plugins in `package`, sorted."""
    folder = importlib.import_module(package).__path__
    return tuple(
        sorted(m.name for m in pkgutil.iter_modules(folder) if m.name != "base" and not m.name.startswith("_"))
    )


def load(package: str, name: str) -> ModuleType:
    """Import the plugin `name` of `package`.

    Raises:
        UnknownPlugin: the folder holds no file of that name.
    """
    if name not in choices(package):
        raise UnknownPlugin(f"{name!r} is not one of {', '.join(choices(package))}")
    return importlib.import_module(f"{package}.{name}")
