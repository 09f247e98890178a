"""The recipes with TRL, each for two steps on the CPU."""
