"""The notice of what is kept of what a guest writes: its sentences, and the version of them. Acceptances:
`labeling/terms.py`. What a project wants to say beside it stands in its terms."""

from __future__ import annotations

from django.utils.translation import gettext_noop

NUMBER = 1  # the next one where the sentences come to say something else: every guest is asked again
SENTENCES: tuple[tuple[str, str], ...] = (
    (
        gettext_noop("What is stored"),
        gettext_noop(
            "Your user name, and your e-mail address if you gave one. Everything that you write to the model and what "
            "it answers, with the time; messages that the content filter blocked; your thumbs, reports and comments."
        ),
    ),
    (
        gettext_noop("For how long"),
        gettext_noop(
            "Until you withdraw it, or until the project is deleted. Backups of the database hold it until they are "
            "deleted in their turn."
        ),
    ),
    (
        gettext_noop("Who reads it"),
        gettext_noop(
            "Reviewers and managers of the project, who see your user name, and whoever runs this site. Trainers may "
            "be shown a part of a chat to compare answers to it, without your name."
        ),
    ),
    (
        gettext_noop("What it is used for"),
        gettext_noop(
            "To train and to judge models and content filters. For that, submitted chats and what you say of answers "
            "are exported as datasets, in which a number stands in the place of your name. So write nothing about "
            "yourself or others that should not be read."
        ),
    ),
    (
        gettext_noop("How you withdraw it"),
        gettext_noop(
            "On the page of this notice, at any time: one chat, or everything of yours in the project. The texts are "
            "then removed here, and no later export holds them; the next one names what has gone. Exports that were "
            "made before, and models trained on them, cannot be changed from here."
        ),
    ),
)


COMING_BACK = gettext_noop(
    "You withdrew everything of yours from this project. It stays withdrawn: the texts are gone, and no export holds "
    "them. What you write from now on is stored, read by reviewers and managers, and exported again, until you "
    "withdraw it in its turn. Where you do not accept, you are given no tasks here, and nothing of yours is exported."
)  # whoever comes back is asked once


def as_markdown() -> str:
    """In English, for the API."""
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in SENTENCES)
