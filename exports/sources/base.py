"""What a source of records is, and what all records have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from common.shapes import Message
from exports.options import Options
from exports.selection.rules import Instant, Selection

IMPORTED = "imported"


def at(column: str) -> str:
    """SQL for a column as `snapshot.instant` writes it."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def gone(user: str, moment: str) -> str:
    """SQL for whether that person withdrew what is of that moment; of whoever came back only what is older counts."""
    return f"({moment} < (%(withdrawn)s::jsonb ->> {user}::text)::timestamptz) IS TRUE"


def report_of(completion: str) -> str:
    """SQL for what is known of how a completion's prompt was read: its system turn, and turns merged for the template.
    `completion` is the alias of `sampler_completion`."""
    return (
        "(SELECT json_build_object('system_turn', q.prompt_report->'system_turn',"
        f" 'messages', q.prompt_report->'messages') FROM sampler_samplerequest q WHERE q.id = {completion}.request_id"
        " AND q.prompt_report ?| array['system_turn', 'messages'])"
    )


def in_order(ids: str, assembled: str) -> str:
    """SQL that reads the ids of `ids` in its order and assembles each into one JSON text by `assembled`, a subquery
    over `ids.id`. As a subquery in the list of columns it runs once a row, after the sort, whatever the planner knows
    of the tables: what is sorted are ids, never texts."""
    return f"SELECT ({assembled})::text FROM ({ids}) ids"


@dataclass(slots=True, kw_only=True)
class Record:
    """What every record says of itself. It carries the dates of everything that may change its standing (undo,
    review, correction), never the standing itself, which a source's rules decide for any instant."""

    id: str
    split: str
    source: str
    author: int | None
    dialogue: str | None
    withdrawn: bool = False  # it rests on a text that somebody withdrew

    @property
    def messages_before(self) -> list[Message]:
        """The prompt."""
        raise NotImplementedError

    @property
    def origin(self) -> str:
        """`imported`, or what kind of work of ours it is."""
        raise NotImplementedError

    @property
    def screened_as(self) -> str:
        """The id of the prompt, dialogue, turn or comparison with all its texts, for the content filter."""
        return self.id

    @property
    def mixed_as(self) -> str:
        """The id of the dialogue or comparison that is mixed in, or left out, as a whole."""
        return self.dialogue or self.id


R = TypeVar("R", bound=Record)


class Source(Protocol[R]):
    """One kind of record. The parameters of its SQL: `exports/selection/project.py`."""

    name: str
    counted: str  # what follows FROM where its records are counted, without judging any
    trained_on: bool = True  # false: nothing is mixed, and test may hold what train does

    def query(self, options: Options) -> str:
        """SQL for one JSON text a record, in the order of time and then id."""
        ...

    def parse(self, text: str) -> R:
        """The record that PostgreSQL assembled."""
        ...

    def standing(self, record: R, at: Instant, selection: Selection) -> str:
        """Why the record is not in an export that describes `at`; "" where it is."""
        ...

    def changed(self, record: R, since: str, until: str) -> bool:
        """Whether a record that stood at both instants said something else at the first."""
        return False

    def combine(self, records: Iterable[R], options: Options) -> Iterator[tuple[R, str]]:
        """What is made of the standing records before rows are: each with "" or the reason to leave it out."""
        return ((record, "") for record in records)

    def judge(self, record: R) -> int | None:
        """Whoever judged, for the number of judges."""
        return None

    def completions(self, record: R) -> int:
        """How many completions were put in order; 0 where there is no order."""
        return 0
