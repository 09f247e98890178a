"""Every pair of writes on one ranking or one dialogue, by two threads at once, against the two orders one after the
other: what two people do at the same moment must end as if one of them had been first. The slow tier runs
each pair 20 times; `DUOLOGUE_RACES=100 ./bin/test --no-checks tests/races -m slow` a hundred times.
"""
