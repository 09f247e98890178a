"""Classifiers: each file is one, by its name; `base.py` says what one is. Importing this package imports no torch."""

import generation as generation  # sets what torch has to find when it is loaded
