"""Red-team work: `published.py` has the rules that trainers try to make a model break, `attempts.py` the tries."""
