from collections.abc import Callable, Iterable
from typing import TypeVar

_Shown = TypeVar("_Shown", bound=Callable[..., object])

def display(
    *,
    boolean: bool | None = None,
    image: bool | None = None,
    ordering: str | None = None,
    description: str | None = None,
    empty_value: str | None = None,
    dropdown: bool | None = None,
    label: bool | str | dict[str, str] | None = None,
    header: bool | None = None,
) -> Callable[[_Shown], _Shown]: ...
def action(
    *, permissions: Iterable[str] | None = None, description: str | None = None
) -> Callable[[_Shown], _Shown]: ...
