"""Text that would run if a page let it, in every text column of every row; and a reader that notices when it does."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TypeAlias

from django.apps import apps
from django.db import models

HTML = "\"'><dlx-evil onevil=1>"
EVIL = HTML + "[l](javascript:evil()) <style>dlx{}</style></textarea></title></script><script>evil()</script>{{evil}}"
APPS = ("accounts", "exports", "hub", "insights", "labeling", "managing", "moderation", "sampler", "webhooks")
CODED = {  # what the product writes itself and reads again: hashes, keys, numbers, names of its own things
    "accounts.User": {"password", "email"},
    "accounts.ApiToken": {"prefix", "scopes"},
    "accounts.AuditEntry": {"action", "object_type", "object_id", "fields"},  # append-only: one is added
    "accounts.Notice": {"kind", "key", "address"},
    "accounts.NoticeChoices": {"not_shown", "not_mailed", "language"},
    "exports.ExportRun": {"path", "options", "manifest"},
    "insights.Judgement": {"kind", "prompt_key"},
    "labeling.ImportRun": {"report"},  # JSON
    "labeling.Project": {"task_types", "nightly_configs", "review_rules", "exam", "split_salt", "pseudonym_key"},
    "labeling.Comparison": {"split", "prompt_key", "content_hash", "known_groups"},
    "labeling.Dialogue": {"split", "prompt_key", "content_hash"},
    "labeling.Prompt": {"prompt_key", "content_hash"},
    "labeling.Turn": {"suggestions_shown"},
    "labeling.TurnFeedback": {"earlier"},
    "labeling.Assignment": {"order_shown", "draft"},
    "labeling.Ranking": {"order_shown", "groups", "ratings", "strengths", "submission_hash"},
    "labeling.TurnDraw": {"policy", "eligible", "drawn"},
    "labeling.ReviewItem": {"reasons"},
    "moderation.Verdict": {"filter", "filter_version", "scores"},
    "moderation.Threshold": {"filter"},
    "sampler.ModelVersion": {"engine", "weights_hash", "template_hash"},
    "webhooks.Subscription": {"url"},
    "webhooks.Delivery": {"data"},
}


Column: TypeAlias = "models.Field[object, object]"


class Reader(HTMLParser):
    """Notes whatever of the hostile text became more than text."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: list[str] = []
        self.raw = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.raw = tag if tag in {"script", "style"} else ""
        if tag == "dlx-evil":
            self.alive.append("an element of the text's own")
        for name, value in attrs:
            value = value or ""
            if name == "onevil":
                self.alive.append("an attribute of the text's own")
            if name in {"href", "src", "action", "formaction"} and value.strip().lower().startswith("javascript:"):
                self.alive.append(f"a link that runs: {value[:60]}")
            # Attributes that are code: handlers, styles, and Alpine's, which the admin theme evaluates.
            if "evil" in value and (name == "style" or name.startswith(("on", "x-", "@", ":"))):
                self.alive.append(f"code in the attribute {name}: {value[:80]}")

    def handle_endtag(self, tag: str) -> None:
        self.raw = ""

    def handle_data(self, data: str) -> None:
        if self.raw and "evil" in data:
            self.alive.append(f"code in <{self.raw}>: {data[:80]}")


def found_alive(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader.alive


def make_hostile() -> set[str]:
    """Every text of every row is hostile afterwards; the columns that were changed."""
    changed = set()
    for model in (model for app in APPS for model in apps.get_app_config(app).get_models()):
        columns = [field for field in model._meta.concrete_fields if open_to_text(model, field)]
        for row in model._default_manager.all() if columns else ():
            values = {f.name: hostile(f, getattr(row, f.name)) for f in columns if f.name != "not_rankable"}
            model._default_manager.filter(pk=row.pk).update(**values)
            changed |= {f"{model._meta.label}.{name}" for name in values}
    return changed


def open_to_text(model: type[models.Model], field: Column) -> bool:
    if field.name in CODED.get(model._meta.label, set()) or field.unique or field.primary_key:
        return False
    return isinstance(field, (models.CharField, models.TextField, models.JSONField)) and not field.choices


def hostile(field: Column, value: object) -> object:
    if not isinstance(field, models.JSONField):
        return (EVIL if field.max_length is None or field.max_length >= len(EVIL) else HTML)[: field.max_length]
    if isinstance(value, str):
        return EVIL
    if isinstance(value, list):
        return [hostile(field, item) for item in value]
    if isinstance(value, dict):
        return {key: item if key == "role" else hostile(field, item) for key, item in value.items()}
    return value
