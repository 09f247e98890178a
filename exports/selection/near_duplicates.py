"""No prompt in two splits: which test prompts have an equal or nearly equal one in train.

Splits are stored with each dialogue and comparison and never change; where they part two prompts that say nearly the
same, the test rows are left out and counted. The first user turns are compared by `common/stats/minhash.py`. The
sketches of test are held (about 350 bytes each), those of train stream past.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import orjson

from common.stats.minhash import Index, Numbers, sketch
from exports.snapshot import Snapshot

_BATCH = 500

_FIRST = "left(jsonb_path_query_first({column}, '$[*] ? (@.role == \"user\").content') #>> '{{}}', 1000)"
_PROMPTS = f"""
    SELECT json_build_array(key, text)::text FROM (
        SELECT c.prompt_key AS key, {_FIRST.format(column="c.prompt")} AS text FROM labeling_comparison c
        WHERE c.project_id = %(project)s AND c.created_at <= %(cutoff)s AND c.split = %(split)s
            AND (c.state <> 'discarded' OR c.discarded_at > %(cutoff)s)
        UNION ALL
        SELECT d.prompt_key, (SELECT left(t.text, 1000) FROM labeling_turn t
                              WHERE t.dialogue_id = d.id AND t.role = 'user' ORDER BY t.position LIMIT 1)
        FROM labeling_dialogue d
        WHERE d.project_id = %(project)s AND d.submitted_at <= %(cutoff)s AND d.split = %(split)s
            AND (d.undone_at IS NULL OR d.undone_at > %(cutoff)s)
    ) prompts WHERE text IS NOT NULL
"""


def found(view: Snapshot, parameters: Mapping[str, object]) -> frozenset[str]:
    """Keys of the test prompts to leave out."""
    keys: list[str] = []
    index = Index()
    for some, sketches in _sketches(view, {**parameters, "split": "test"}):
        keys += some
        index.add(sketches)
    if not keys:
        return frozenset()
    index.close()
    near: set[str] = set()
    equal = set(keys)
    for some, sketches in _sketches(view, {**parameters, "split": "train"}):
        near |= equal.intersection(some)
        near |= {keys[i] for i in index.near(sketches)}
    return frozenset(near)


def _sketches(view: Snapshot, parameters: Mapping[str, object]) -> Iterator[tuple[list[str], Numbers]]:
    rows = map(orjson.loads, view.read(_PROMPTS, parameters))
    while batch := list(islice(rows, _BATCH)):
        yield [key for key, _ in batch], sketch([text for _, text in batch])
