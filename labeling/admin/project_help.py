"""A sentence on every setting of a project, for its forms. Text only.

They are marked for translation, since the manager's site shows them too; the site of all data shows them in English.
"""

from django.utils.translation import gettext_noop

HELP = {
    "slug": gettext_noop("Its name in addresses and commands; cannot be changed later."),
    "title": gettext_noop("What trainers see."),
    "description": gettext_noop("One or two sentences on what the data is for."),
    "language": gettext_noop(
        "Language of the texts as a code, for example en or pt-BR; who works in it is offered the tasks."
    ),
    "completions_per_comparison": gettext_noop(
        "How many answers a trainer puts in order, 2 to 9. InstructGPT used 4 to 9."
    ),
    "draws_per_chat": gettext_noop("How many of a submitted chat's model turns are drawn for ranking."),
    "turn_policy": gettext_noop("How turns are drawn; uniform gives every eligible turn the same chance."),
    "one_of_each": gettext_noop(
        "Each comparison holds an answer of every model of the round before any gives a second one."
    ),
    "rank_red_team": gettext_noop(
        "Random turns of red-team chats become comparisons too, up to the first text that is blocked."
    ),
    "include_original": gettext_noop("The drawn turn itself is one of the completions to rank."),
    "keep_truncated": gettext_noop("Answers cut at the token limit may be ranked; otherwise they are sampled again."),
    "resample_limit": gettext_noop("How often duplicates and unusable answers of a comparison are sampled again."),
    "near_duplicate_threshold": gettext_noop("Similarity from 0 to 1 from which two answers count as the same."),
    "max_tokens": gettext_noop("Longest answer that is sampled, in tokens."),
    "suggestions_per_request": gettext_noop("Suggestions shown at once while a demonstration is written."),
    "prompted_share": gettext_noop(
        "Share of a trainer's demonstrations (0 to 1) that answer a prompt of the pool; each is given to "
        "one person. At 1 nobody writes prompts of their own."
    ),
    "stock_target": gettext_noop(
        "Ready comparisons kept ahead of demand, made from the prompts while no chats wait. 0: none."
    ),
    "margin_share": gettext_noop(
        "Share of comparisons (0 to 0.9) that a reward model chooses, those whose order it is least sure "
        "of; the others come at random. An operator keeps it scoring."
    ),
    "margin_model": gettext_noop("A model version with the role reward, trained on this project's rankings."),
    "ask_ratings": gettext_noop("Each answer gets an overall grade from 1 to 7 before the ranking."),
    "criteria": gettext_noop(
        "Graded instead of one overall grade, one a line with its steps (2 to 7), for example honest: 5. "
        "None: the overall grade."
    ),
    "span_categories": gettext_noop(
        "What may be wrong with words that a trainer marks in an answer, one a line. None: no marks."
    ),
    "ask_strength": gettext_noop("Asks how much better, in Llama 2's four levels, between neighbouring places."),
    "ask_ideal_answer": gettext_noop(
        "Trainers may write the answer that they wanted to see; it becomes a demonstration."
    ),
    "show_reasoning": gettext_noop(
        "Shows what a reasoning model thought before it answered, folded, above its answer."
    ),
    "votes_per_comparison": gettext_noop("Independent rankings of every comparison."),
    "overlap_share": gettext_noop(
        "Share of comparisons (0 to 1) that get several votes, so that agreement can be measured."
    ),
    "overlap_votes": gettext_noop("Votes of a comparison in that share."),
    "adaptive_overlap": gettext_noop("Asks for more votes where two rankings disagree."),
    "adaptive_extra_votes": gettext_noop("How many more, once per comparison."),
    "adaptive_tau_bound": gettext_noop(
        "Rankings disagree where their tau-b is under this (-1 to 1), or grades differ by 3 or more."
    ),
    "calibration_share": gettext_noop(
        "Share of tasks (0 to 1) that are hidden items with a known order. 0.1 to 0.2 is usual."
    ),
    "repeat_share": gettext_noop("Share of tasks (0 to 1) that show a trainer's own earlier comparison again."),
    "exclude_own_chats": gettext_noop("Nobody ranks answers to a prompt that they wrote."),
    "lease_minutes": gettext_noop("How long a task stays with an inactive trainer."),
    "undo_minutes": gettext_noop("How long a submission can be taken back."),
    "programs_acknowledge": gettext_noop(
        "The API gives no task either before a new version of the guidelines is acknowledged there "
        "(docs/api.md). Pages always ask whoever joined before it was published."
    ),
    "guest_messages_per_day": gettext_noop(
        "What each guest may send to the model on a day (UTC), with asking again. 0: no limit."
    ),
    "cover": gettext_noop(
        "Which texts are covered on pages until whoever works there reveals them, one by one: by a click or by "
        "the key Z. A covered answer cannot be placed."
    ),
    "exposure_minutes": gettext_noop(
        "Minutes a week in which a person is active on tasks with texts that the content filter flags; "
        "past them they are given only other tasks until the week ends. 0: no limit."
    ),
    "daily_goal": gettext_noop(
        "Tasks that a trainer should submit on a day, shown to them beside what they did. 0: no goal."
    ),
    "rate_per_hour": gettext_noop("What an active hour of a trainer costs, for the page Time. 0: nothing."),
    "rate_per_task": gettext_noop("What a submitted ranking or dialogue costs, for the page Time. 0: nothing."),
    "currency": gettext_noop("Of the rates, for example EUR. It is only written beside sums."),
    "split_by": gettext_noop("What never crosses from train to test."),
    "test_share": gettext_noop("Share of prompts (0 to 1) held out for testing."),
    "licence": gettext_noop("Of the exported data, for its card: an identifier such as cc-by-4.0."),
    "contact": gettext_noop("Whom a reader of the exported data may ask."),
    "exports_kept": gettext_noop("Nightly exports kept; older ones are removed."),
}
