"""The whole tree keeps its bounds: sizes of modules and functions, and how often types are switched off."""

from __future__ import annotations

import pytest

from tests.structure.measure import Figure, figures, figures_of_exports, modules_of, report

MODULES = modules_of()


@pytest.mark.parametrize("figure", [*figures(MODULES), *figures_of_exports(MODULES)], ids=lambda figure: figure.name)
def test_the_tree_keeps_its_bound(figure: Figure) -> None:
    assert figure.holds, f"{figure}\n\n{report(MODULES)}"
