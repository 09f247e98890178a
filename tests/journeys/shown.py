"""A ranking, a demonstration and a chat as a project has them: what the docs show."""

from __future__ import annotations

from accounts.models import User
from labeling import chats, comparisons, dialogues, projects, turns
from labeling.suggestions import request_suggestions
from tests import makers

BASIL = "How do I keep basil alive on a windowsill in winter?"
ANSWERS = (
    "Basil needs light more than anything else.\n\n1. Put it on the **brightest** windowsill you have.\n"
    "2. Keep it away from the cold pane at night.\n3. Water from below, and only when the top of the soil is dry.",
    "Water it every day and put it next to the radiator, where it is warm. Cut it back to the ground in December.",
    "You cannot. Basil is an annual plant: buy a new pot in spring, and freeze leaves in oil until then.",
    "Give it at least six hours of light (a cheap LED lamp will do), 18 to 24 °C, and little water. Pinch off the "
    "flowers and take leaves from the top, so that it grows bushy instead of tall.",
)
BAKERY = "Suggest a name for a small bakery by the sea, and say why in a sentence."


def pages(alice: User) -> dict[str, str]:
    """Their addresses, in a project of their own."""
    project = makers.make_project("kitchen")
    project.title = "Kitchen and garden"
    project.span_categories = ["wrong", "made up"]
    project.save()
    projects.set_membership(project=project, user=alice, role="trainer")
    comparison, _ = comparisons.bring(
        project=project,
        prompt=[{"role": "user", "content": BASIL}],
        completions=[{"text": text} for text in ANSWERS],
    )
    task = makers.make_lease(comparison, alice)
    demonstration = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=demonstration, role="user", text=BASIL)
    request = request_suggestions(dialogue=demonstration, role="assistant")[0]
    makers.answer(request, *ANSWERS[:3])
    composer = {"role": "assistant", "text": "Light matters most: ", "requests": [str(request.pk)]}
    turns.save_composer(dialogue=demonstration, composer=composer)
    chat = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    makers.answer(
        chats.send_message(dialogue=chat, text=BAKERY),
        "**Salt & Crumb**: the salt is the sea, the crumb is the bread, and both are easy to remember.",
    )
    chats.store_reply(dialogue=chat)
    return {
        "ranking, as the docs show it": f"/ranking/{task.pk}/",
        "demonstration, as the docs show it": f"/dialogues/{demonstration.pk}/",
        "chat, as the docs show it": f"/dialogues/{chat.pk}/",
    }
