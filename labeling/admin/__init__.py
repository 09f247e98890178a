"""The project admin site of labeling, by noun. Reads here; every write is a domain function."""

from labeling.admin import comparisons, dialogues, guidelines, members, projects, prompts, rankings, reviews, rounds

__all__ = ["comparisons", "dialogues", "guidelines", "members", "projects", "prompts", "rankings", "reviews", "rounds"]
