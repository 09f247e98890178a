"""What a rendering is: the rows of a configuration as another program reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from common.plugins import Folder
from exports.formats.base import Output
from exports.options import RENDERINGS as PACKAGE
from exports.writing.files import Row

Row_contra = TypeVar("Row_contra", bound=Row, contravariant=True)


class LeftOut(Exception):
    """The format cannot say this row; the message is the reason that the manifest counts."""


class Rendering(Output, Protocol[Row_contra]):
    """A rendering."""

    of: str  # the configuration that it is made of

    def render(self, row: Row_contra) -> Iterable[Row]:
        """The rows made of one.

        Raises:
            LeftOut
        """
        ...


RENDERINGS = Folder[Rendering[Row]](PACKAGE, "RENDERING")
