"""The prompts of `demo_loop`, all written for it: seven questions about each of forty topics. Pure.

Whole topics are held out, so that nothing of them is in any training data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.shapes import Message

SHORTLY = "Answer in one sentence."
STOPS = ["\n", ". "]  # so that an answer ends with its first sentence
TOPICS = (
    "keeping bees", "baking bread", "repairing a bicycle", "growing tomatoes", "sailing a small boat",
    "playing the violin", "training a puppy", "painting a room", "brewing tea", "climbing a mountain",
    "writing a diary", "restoring old furniture", "watching birds", "making cheese", "running a market stall",
    "building a stone wall", "learning to swim", "taking photographs", "knitting a scarf", "planning a garden",
    "walking at night", "collecting stamps", "cooking for a crowd", "riding a horse", "cleaning a chimney",
    "teaching children to read", "folding paper cranes", "catching the early train", "sharpening knives",
    "moving to a new city", "hosting guests", "storing apples", "forecasting the weather", "singing in a choir",
    "mending shoes", "keeping chickens", "drawing maps", "opening a small shop", "caring for a cat",
    "travelling with a tent",
)  # fmt: skip
QUESTIONS = (
    "What is the best thing about {}?",
    "Which things does one need for {}?",
    "What do people often get wrong about {}?",
    "How would you describe {} to a friend?",
    "Who enjoys {}, and why?",
    "Which mistakes should one avoid when {}?",
    "Why would somebody begin with {} in winter?",
)
HELD_OUT_OF_FORTY = 10


def prompts_of(topic: str, questions: int) -> list[list[Message]]:
    """The first so many questions about a topic, as prompts."""
    return [[Message(role="user", content=f"{one.format(topic)} {SHORTLY}")] for one in QUESTIONS[:questions]]


def topic_of(prompt: Sequence[Mapping[str, object]]) -> str:
    """Which topic a prompt is about; intervals resample whole topics."""
    text = str(prompt[-1]["content"])
    return next((topic for topic in TOPICS if f" {topic}" in text), "")
