"""Trainers at work while things break: what was acknowledged must be there afterwards, once and unchanged.

    python -m benchmarks.soak --trainers 100 --minutes 10 --faults 30

Starts a Duologue of its own with the fake engine (`site.py`) on a free loopback port and, as root on Linux, on a file
system of its own; lets trainers rank, chat and write through the API and the pages (`trainers.py`); breaks something
every few seconds (`faults.py`); compares the trainers' ledger with the database and an export (`ledger.py`). It ends
by itself, and ends only what it started.
"""
