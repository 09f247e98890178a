"""Engines: each file is one, by its name; `base.py` says what an engine is. Importing this package imports no torch."""

import generation as generation  # sets what torch has to find when it is loaded
