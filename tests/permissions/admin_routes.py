"""Every page of the admin site and who may use it: the table that `test_admin_matrix.py` walks."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.permissions.routes import ELSEWHERE, MANAGER, MANAGES, OPERATOR, REVIEWER, REVIEWS, route

# Managers of other projects get in too, and see the rows of theirs only.
ADMITTED = {REVIEWER, MANAGER, OPERATOR, ELSEWHERE}
ADMIN_SITE = {
    "admin/": route("GET POST", ADMITTED),
    "admin/search/": route("GET POST", ADMITTED),
    "admin/insights/<slug:slug>/": route("GET", REVIEWS, slug="slug"),
    "admin/insights/<slug:slug>/filter/": route("GET", REVIEWS, slug="slug"),
    "admin/insights/<slug:slug>/filter/tables/<slug:name>.csv": route("GET", REVIEWS, slug="slug", name="confusion"),
    "admin/insights/<slug:slug>/loop/": route("GET", set(), slug="slug"),  # a project that is not a run of the loop
    "admin/insights/<slug:slug>/red-team/": route("GET", REVIEWS, slug="slug"),
    "admin/insights/<slug:slug>/red-team/tables/<slug:name>.csv": route("GET", REVIEWS, slug="slug", name="red-team"),
    "admin/insights/<slug:slug>/progress/": route("GET", REVIEWS, slug="slug"),
    "admin/insights/<slug:slug>/rounds/": route("GET", REVIEWS, slug="slug"),
    "admin/insights/<slug:slug>/rounds/tables/<slug:name>.csv": route("GET", REVIEWS, slug="slug", name="rates"),
    "admin/insights/<slug:slug>/tables/<slug:name>.csv": route("GET", REVIEWS, slug="slug", name="trainers"),
    "admin/login/": route("", set()),  # sends everybody to the one sign-in page, or nowhere
    "admin/logout/": route("POST", ADMITTED),
    "admin/password_change/": route("GET POST", ADMITTED),
    "admin/password_change/done/": route("GET", ADMITTED),
    "admin/autocomplete/": route("", set()),  # 403 and 404 without a model that offers it
    "admin/jsi18n/": route("GET", ADMITTED),
    "admin/r/<path:content_type_id>/<path:object_id>/": route("", set(), content_type_id="0", object_id="0"),
    "admin/(?P<url>.*)$": route("", set(), url="nowhere/"),
}


@dataclass(frozen=True)
class Model:
    """Who sees the rows of a project, who changes them, what can be done, and which pages of its own it has."""

    sees: frozenset[str]
    changes: frozenset[str]
    can: str = ""
    pages: dict[str, frozenset[str]] = field(default_factory=dict)


def model(sees: set[str], changes: set[str], can: str = "", **pages: set[str]) -> Model:
    return Model(frozenset(sees), frozenset(changes), can, {name: frozenset(who) for name, who in pages.items()})


ONLY = {OPERATOR}
ADMIN_MODELS = {
    "accounts/user": model(ONLY, ONLY, "change"),
    "accounts/apitoken": model(ONLY, ONLY),
    "accounts/auditentry": model(ONLY, ONLY),
    "labeling/comparison": model(MANAGES, MANAGES, do=MANAGES),
    "labeling/assignment": model(MANAGES, MANAGES),
    "labeling/dialogue": model(REVIEWS, REVIEWS, review=REVIEWS, do=REVIEWS),
    "labeling/turndraw": model(MANAGES, MANAGES),
    "labeling/turnfeedback": model(REVIEWS, MANAGES),
    "labeling/guidelineversion": model(REVIEWS, MANAGES, "add", do=MANAGES),
    "labeling/membership": model(MANAGES, MANAGES, "add change", do=MANAGES),
    "labeling/project": model(REVIEWS, MANAGES, "add change", do=MANAGES, **{"import": MANAGES}),
    "labeling/prompt": model(MANAGES, MANAGES, "add", do=MANAGES),
    "labeling/ranking": model(REVIEWS, REVIEWS, queue=REVIEWS, review=REVIEWS, do=REVIEWS),
    "labeling/review": model(REVIEWS, MANAGES),
    "labeling/round": model(REVIEWS, MANAGES, "add", do=MANAGES),
    "exports/exportrun": model(MANAGES, MANAGES, "add", files=set(), do=MANAGES),  # the files were removed
    "moderation/verdict": model(REVIEWS, REVIEWS, do=REVIEWS),
    "moderation/threshold": model(MANAGES, MANAGES, "add", do=MANAGES),
    "sampler/modelversion": model(MANAGES | {ELSEWHERE}, ONLY, "add"),  # those of all projects
    "sampler/samplerequest": model(ONLY, ONLY),
    "webhooks/subscription": model(MANAGES, MANAGES),
    "webhooks/delivery": model(MANAGES, MANAGES),
}
