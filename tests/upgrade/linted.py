"""Settings for the linter of migrations (`manage.py lintmigrations --settings=tests.upgrade.linted`), a check of
bin/test: what may not run while people work, or breaks the release that still runs, is found before it is applied."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]
OURS = ["accounts", "exports", "hub", "insights", "labeling", "managing", "moderation", "sampler", "webhooks"]
# Of the first releases, applied where people could wait. A new migration does not go in here: a column is added with
# `db_default`, an index concurrently in a migration of its own, a constraint as NOT VALID and validated after.
KNOWN = [
    "0002_the_ledger_knows_what_is_unreported",
    "0003_shared_texts_of_judgements",
    "0002_undone_copies_and_pool_prompts",
    "0004_data_keys_and_dates_for_exports",
    "0005_quality_review_items_and_extra_votes",
    "0009_imported_ratings_and_context_turns",
    "0002_request_losses_and_strikes",
    "0004_model_servers",
    "0005_ends_and_reasoning_of_completions",
    "0006_system_turn_of_model_versions",
]
MIGRATION_LINTER_OPTIONS = {
    "no_cache": True, "include_apps": OURS, "ignore_name": KNOWN, "quiet": ["ok", "ignore"],
    "sql_analyser": "postgresql",  # the name of our own backend says it to nobody
}  # fmt: skip
