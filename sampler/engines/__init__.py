"""Engines: each file is one, by its name; `base.py` says what an engine is. Importing this package imports no torch."""

import os

# Threads of torch's CPU kernels wait for one another many hundred times a step. Waiting awake, as is
# their default, costs the very cores they wait for as soon as anything else runs on the machine: a
# step of SmolLM2 on two busy cores took 1.5 s so, and 0.13 s asleep. It is read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
