"""A beginning that is put back is the beginning: in every table, whatever was written meanwhile."""

from __future__ import annotations

import pytest

from tests.races import dialogues, rankings
from tests.races.cast import Cast
from tests.races.pairs import said
from tests.races.snapshot import Snapshot, everything


@pytest.mark.django_db(transaction=True)
def test_what_is_put_back_is_what_stood_in_every_table() -> None:
    cast = Cast.make()
    work = dialogues.chat_handed_in(cast)
    beginning = Snapshot("beginning")
    beginning.take()
    stood = everything()
    try:
        for write in ("bob leases", "thumb up", "accept", "withdraw"):
            situation = next(one for one in dialogues.SITUATIONS if one.name == "chat handed in")
            assert said(situation.writes[write], work) == "done"
            assert everything() != stood
            rankings.submitted(cast) if write == "accept" else None
            beginning.put_back()
            assert everything() == stood
    finally:
        beginning.drop()
