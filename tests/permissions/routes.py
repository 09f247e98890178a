"""Every route of the product and who may use it: the table that `test_matrix.py` walks. The admin site's is in
admin_routes.py.

A route is written as the URLconf writes it. Each gives a rule, the methods that it has, and (where
its address takes something) which row is put in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ANONYMOUS, STRANGER, GUEST, OWNER, TRAINER, REVIEWER, MANAGER, OPERATOR, ELSEWHERE = PEOPLE = (
    "anonymous",
    "stranger",  # signed in, member of nothing
    "guest",
    "owner",  # a trainer whose work the addressed row is
    "trainer",  # another trainer of the project
    "reviewer",
    "manager",
    "operator",
    "elsewhere",  # manager of another project
)
SIGNED_IN = set(PEOPLE) - {ANONYMOUS}
MEMBERS = {GUEST, OWNER, TRAINER, REVIEWER, MANAGER}
RANKERS = {OWNER, TRAINER, REVIEWER, MANAGER}


@dataclass(frozen=True)
class Route:
    methods: str
    may: frozenset[str] = frozenset()
    rows: dict[str, str] = field(default_factory=dict)
    may_write: frozenset[str] | None = None  # where it differs from reading

    def allowed(self, method: str) -> frozenset[str]:
        return self.may if method == "GET" or self.may_write is None else self.may_write


def route(methods: str, may: set[str], may_write: set[str] | None = None, /, **rows: str) -> Route:
    return Route(methods, frozenset(may), rows, None if may_write is None else frozenset(may_write))


EVERYBODY = set(PEOPLE)
MANAGES = {MANAGER, OPERATOR}
REVIEWS = {REVIEWER, MANAGER, OPERATOR}

# -- allauth (an empty set: nobody in the cast has a second factor or came by sign-on) ---
ACCOUNTS = {
    "login/": route("GET POST", EVERYBODY),
    "logout/": route("GET POST", EVERYBODY),
    "inactive/": route("GET", EVERYBODY),
    "signup/": route("GET POST", EVERYBODY),
    "reauthenticate/": route("GET POST", SIGNED_IN),
    "email/": route("GET POST", SIGNED_IN),
    "confirm-email/": route("GET", EVERYBODY),
    "password/change/": route("GET POST", SIGNED_IN),
    "password/set/": route("GET POST", SIGNED_IN),
    "password/reset/": route("GET POST", EVERYBODY),
    "login/code/confirm/": route("GET POST", EVERYBODY),
    r"^confirm-email/(?P<key>[-:\w]+)/$": route("GET", EVERYBODY, key="nokey"),
    "password/reset/key/done/": route("GET", EVERYBODY),
    r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": route(
        "GET POST", EVERYBODY, uidb36="1", key="nokey"
    ),
    "password/reset/done/": route("GET", EVERYBODY),
    "2fa/": route("GET", SIGNED_IN),
    "2fa/authenticate/": route("GET POST", EVERYBODY),
    "2fa/reauthenticate/": route("GET POST", SIGNED_IN),
    "2fa/totp/activate/": route("GET POST", SIGNED_IN),
    "2fa/totp/deactivate/": route("GET POST", set()),
    "2fa/recovery-codes/": route("GET", set()),
    "2fa/recovery-codes/generate/": route("GET POST", SIGNED_IN),
    "2fa/recovery-codes/download/": route("GET", set()),
    "2fa/webauthn/": route("GET", SIGNED_IN),
    "2fa/webauthn/add/": route("GET POST", SIGNED_IN),
    "2fa/webauthn/reauthenticate/": route("GET POST", SIGNED_IN),
    "2fa/webauthn/keys/<int:pk>/remove/": route("GET POST", SIGNED_IN, pk="0"),  # asks for the password first
    "2fa/webauthn/keys/<int:pk>/edit/": route("GET POST", SIGNED_IN, pk="0"),
    "2fa/webauthn/login/": route("GET POST", EVERYBODY),
    "3rdparty/login/cancelled/": route("GET", EVERYBODY),
    "3rdparty/login/error/": route("GET", set()),
    "3rdparty/signup/": route("GET POST", EVERYBODY),
    "3rdparty/": route("GET POST", SIGNED_IN),
    "social/login/cancelled/": route("GET POST", SIGNED_IN),
    "social/login/error/": route("GET POST", SIGNED_IN),
    "social/signup/": route("GET POST", SIGNED_IN),
    "social/connections/": route("GET POST", SIGNED_IN),
    r"oidc/^(?P<provider_id>[^/]+)/login/": route("GET POST", set(), provider_id="none"),
    r"oidc/^(?P<provider_id>[^/]+)/login/callback/": route("GET", set(), provider_id="none"),
    "sessions/": route("GET POST", SIGNED_IN),
}

# -- pages ------------------------------------------------------------------------------------------
OWN_TASK = {"pk": "assignment"}
OWN_DRAFT = {"pk": "demonstration"}
OWN_TURN = {"pk": "demonstration", "turn_pk": "turn"}
OWN_CHAT = {"pk": "chat"}
# The manager's site: a project's pages, and those of the whole site, which managers of other projects see too.
PROJECT = "manage/projects/<slug:slug>/"
MANAGED = {
    "manage/": route("GET", REVIEWS | {ELSEWHERE}),
    "manage/new/": route("GET POST", MANAGES | {ELSEWHERE}),
    "manage/search/": route("GET", REVIEWS | {ELSEWHERE}),
    "manage/models/": route("GET", MANAGES | {ELSEWHERE}),
    "manage/models/connect/": route("GET POST", {OPERATOR}),
    "manage/models/connect/<int:number>/": route("GET POST", {OPERATOR}, number="trial"),
    "manage/models/connect/<int:number>/register/": route("POST", {OPERATOR}, number="trial"),
    PROJECT: route("GET", REVIEWS, slug="slug"),
    f"{PROJECT}archive/": route("POST", MANAGES, slug="slug"),
    f"{PROJECT}people/": route("GET POST", MANAGES, slug="slug"),
    f"{PROJECT}people/<str:username>/": route("POST", MANAGES, slug="slug", username="owner"),
    f"{PROJECT}invitations/<uuid:pk>/withdraw/": route("POST", MANAGES, slug="slug", pk="invitation"),
    f"{PROJECT}questions/": route("GET", REVIEWS, slug="slug"),
    f"{PROJECT}questions/<slug:name>/": route("GET POST", REVIEWS, slug="slug", name="question_name"),
    f"{PROJECT}feedback/": route("GET", REVIEWS, slug="slug"),
    f"{PROJECT}feedback/feedback.csv": route("GET", REVIEWS, slug="slug"),
    f"{PROJECT}rounds/": route("GET", MANAGES, slug="slug"),
    f"{PROJECT}rounds/new/": route("GET POST", MANAGES, slug="slug"),
    f"{PROJECT}rounds/close/": route("POST", MANAGES, slug="slug"),
    f"{PROJECT}rounds/<int:number>/": route("GET POST", MANAGES, slug="slug", number="round"),
    f"{PROJECT}guidelines/": route("GET POST", MANAGES, slug="slug"),
    f"{PROJECT}terms/": route("GET POST", MANAGES, slug="slug"),
    f"{PROJECT}warning/": route("GET POST", MANAGES, slug="slug"),
    f"{PROJECT}prompts/": route("GET POST", MANAGES, slug="slug"),
    f"{PROJECT}prompts/retire/": route("POST", MANAGES, slug="slug"),
    f"{PROJECT}ai-judges/": route("GET POST", MANAGES, slug="slug"),
    f"{PROJECT}ai-judges/<int:number>/dismiss/": route("POST", MANAGES, slug="slug", number="ai_judge"),
    f"{PROJECT}red-team/": route("GET POST", MANAGES, slug="slug"),
    f"{PROJECT}red-team/<int:number>/end/": route("POST", MANAGES, slug="slug", number="rule"),
    f"{PROJECT}exports/": route("GET POST", MANAGES, slug="slug"),
    f"{PROJECT}exports/<slug:export>/": route("GET", MANAGES, slug="slug", export="export_name"),
    f"{PROJECT}exports/<slug:export>/do/<slug:what>/": route(
        "POST", MANAGES, slug="slug", export="export_name", what="remove"
    ),
    # the files of this one were removed: nobody gets them (tests/managing/test_exports.py takes one home)
    f"{PROJECT}exports/<slug:export>/zip/": route("GET", set(), slug="slug", export="export_name"),
    f"{PROJECT}exports/<slug:export>/files/<path:name>": route(
        "GET", set(), slug="slug", export="export_name", name="file"
    ),
    f"{PROJECT}time/": route("GET", MANAGES, slug="slug"),
    f"{PROJECT}time/days.csv": route("GET", MANAGES, slug="slug"),
    f"{PROJECT}imports/": route("GET POST", MANAGES, slug="slug"),
    f"{PROJECT}imports/<slug:upload>/": route("GET", MANAGES, slug="slug", upload="upload"),
    f"{PROJECT}imports/<slug:upload>/do/<slug:what>/": route(
        "POST", MANAGES, slug="slug", upload="upload", what="import"
    ),
    # of one that was only tried: nothing came in (tests/managing/test_imports.py)
    f"{PROJECT}imports/<slug:upload>/records/": route("GET", set(), slug="slug", upload="upload"),
    f"{PROJECT}hub/": route("GET", MANAGES, slug="slug"),  # no namespace is allowed: nobody posts
    f"{PROJECT}hub/<int:number>/take-back/": route("POST", MANAGES, slug="slug", number="repository"),
    f"{PROJECT}settings/": route("GET POST", MANAGES, slug="slug"),
}
# On pages a member whose role does not include a kind of work reads so in a sentence (422).
PAGES = {
    "": route("GET", SIGNED_IN),
    "history/": route("GET", SIGNED_IN),
    "numbers/": route("GET", SIGNED_IN),
    "numbers/time.csv": route("GET", SIGNED_IN),
    "notices/": route("GET POST", SIGNED_IN),
    "notices/<int:pk>/open/": route("GET POST", {OWNER}, pk="notice"),
    "notices/read/": route("POST", SIGNED_IN),
    "session/": route("GET", SIGNED_IN),
    "session/again/": route("GET", EVERYBODY),
    "session/messages/": route("GET", EVERYBODY),
    "theme/": route("POST", SIGNED_IN),
    "work-languages/": route("GET POST", SIGNED_IN),
    "opted-out/": route("GET POST", SIGNED_IN),
    "language/": route("POST", EVERYBODY),
    "healthz": route("GET", EVERYBODY),
    "readyz": route("GET", EVERYBODY),
    "metrics": route("GET", set()),  # only with a token of its own
    "invitations/<str:token>/": route("GET POST", EVERYBODY, token="token"),
    **MANAGED,
    "projects/<slug:slug>/guidelines/": route("GET", RANKERS | {OPERATOR}, slug="slug"),
    "projects/<slug:slug>/terms/": route("GET", MEMBERS | {OPERATOR}, slug="slug"),
    "projects/<slug:slug>/kept/": route("GET", MEMBERS | {OPERATOR}, slug="slug"),
    "projects/<slug:slug>/kept/withdraw/": route("POST", {GUEST}, slug="slug"),
    "projects/<slug:slug>/questions/": route("GET POST", RANKERS | {OPERATOR}, slug="slug"),
    "questions/<uuid:pk>/take-back/": route("POST", {OWNER}, pk="question"),
    "projects/<slug:slug>/agree/": route("GET POST", MEMBERS | {OPERATOR}, slug="slug"),
    "projects/<slug:slug>/rank/": route("POST", RANKERS | {OPERATOR}, slug="slug"),
    "projects/<slug:slug>/nothing/": route("GET", RANKERS | {OPERATOR}, slug="slug"),
    "projects/<slug:slug>/start/<slug:kind>/": route("POST", MEMBERS | {OPERATOR}, slug="slug", kind="kind"),
    "projects/<slug:slug>/practice/": route("GET", RANKERS | {OPERATOR}, slug="slug"),
    "projects/<slug:slug>/practice/next/": route("POST", RANKERS | {OPERATOR}, slug="slug"),
    "review/": route("GET", SIGNED_IN),  # lists the person's own projects
    "projects/<slug:slug>/review/": route("GET", REVIEWS, slug="slug"),
    "projects/<slug:slug>/review/accept/": route("POST", REVIEWS, slug="slug"),
    "projects/<slug:slug>/review/undo/": route("POST", REVIEWS, slug="slug"),
    "review/rankings/<uuid:pk>/": route("GET POST", REVIEWS, pk="returned"),
    "review/rankings/<uuid:pk>/blind/": route("POST", REVIEWS, pk="returned"),
    "review/rankings/<uuid:pk>/questions/": route("GET POST", REVIEWS, pk="returned"),
    "review/dialogues/<uuid:pk>/": route("GET POST", REVIEWS, pk="chat"),
    "review/comparisons/<uuid:pk>/": route("GET POST", REVIEWS, pk="ranked"),
    "returned/<uuid:pk>/": route("GET POST", {OWNER}, pk="returned"),
    "dialogues/<uuid:pk>/mend/": route("POST", {OWNER}, **OWN_DRAFT),
    "ranking/<uuid:pk>/": route("GET POST", {OWNER}, **OWN_TASK),
    "ranking/<uuid:pk>/draft/": route("POST", {OWNER}, **OWN_TASK),
    "ranking/<uuid:pk>/heartbeat/": route("POST", {OWNER}, **OWN_TASK),
    "ranking/<uuid:pk>/skip/": route("POST", {OWNER}, **OWN_TASK),
    "ranking/<uuid:pk>/undo/": route("POST", {OWNER}, **OWN_TASK),
    "ranking/<uuid:pk>/marks/": route("GET", {OWNER}, **OWN_TASK),
    "ranking/<uuid:pk>/keys/": route("GET", {OWNER}, **OWN_TASK),
    "ranking/<uuid:pk>/compare/": route("GET", {OWNER}, **OWN_TASK),
    "ranking/<uuid:pk>/questions/": route("GET POST", {OWNER}, **OWN_TASK),
    "dialogues/<uuid:pk>/questions/": route("GET POST", {OWNER, REVIEWER, MANAGER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/": route("GET", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/composer/": route("POST", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/turns/": route("POST", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/turns/<uuid:turn_pk>/edit/": route("POST", {OWNER}, **OWN_TURN),
    "dialogues/<uuid:pk>/turns/<uuid:turn_pk>/delete/": route("POST", {OWNER}, **OWN_TURN),
    "dialogues/<uuid:pk>/turns/<uuid:turn_pk>/feedback/": route("POST", {OWNER}, pk="chat", turn_pk="model_turn"),
    "content/<uuid:pk>/": route("POST", {OWNER} | REVIEWS, pk="verdict"),
    "dialogues/<uuid:pk>/turns/<uuid:turn_pk>/report/": route("GET POST", {OWNER}, pk="chat", turn_pk="model_turn"),
    "content/<uuid:pk>/decide/": route("POST", REVIEWS, pk="mark"),
    "projects/<slug:slug>/content/thresholds/": route("GET POST", MANAGES, slug="slug"),
    "projects/<slug:slug>/review/content/": route("GET", REVIEWS, slug="slug"),
    "content/ranking/<uuid:pk>/": route("GET POST", {OWNER}, **OWN_TASK),
    "content/review/<uuid:pk>/": route("GET POST", REVIEWS, pk="returned"),
    "content/dialogues/<uuid:pk>/": route("GET POST", {OWNER} | REVIEWS, pk="chat"),
    "dialogues/<uuid:pk>/attempt/": route("POST", {OWNER}, pk="tried"),
    "dialogues/<uuid:pk>/submit/": route("POST", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/undo/": route("POST", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/exchange/": route("POST", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/discard/": route("POST", {OWNER}, **OWN_DRAFT),
    # only a guest's own (tests/labeling/test_guests.py)
    "dialogues/<uuid:pk>/withdraw/": route("POST", set(), **OWN_CHAT),
    "dialogues/<uuid:pk>/send/": route("POST", {OWNER}, **OWN_CHAT),
    "dialogues/<uuid:pk>/stop/": route("POST", {OWNER}, **OWN_CHAT),
    "dialogues/<uuid:pk>/retry/": route("POST", {OWNER}, **OWN_CHAT),
    "dialogues/<uuid:pk>/reply/": route("POST", {OWNER}, **OWN_CHAT),
    "dialogues/<uuid:pk>/suggest/": route("POST", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/suggestions/": route("GET", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/stream/": route("GET", set(), **OWN_CHAT),  # nothing is being written for anybody
}

# -- API --------------------------------------------------------------------------------------------
IN_PROJECT = {"slug": "slug"}
API = {
    "opt-outs/": route("GET PUT", SIGNED_IN),
    "projects/": route("GET", SIGNED_IN),
    "projects/<slug:slug>/": route("GET", MEMBERS | {OPERATOR}, **IN_PROJECT),
    "projects/<slug:slug>/progress/": route("GET", REVIEWS, **IN_PROJECT),
    "projects/<slug:slug>/insights/": route("GET", REVIEWS, **IN_PROJECT),
    "projects/<slug:slug>/insights/filter/": route("GET", REVIEWS, **IN_PROJECT),
    "projects/<slug:slug>/insights/red-team/": route("GET", REVIEWS, **IN_PROJECT),
    "projects/<slug:slug>/rounds/": route("GET POST", REVIEWS, MANAGES, **IN_PROJECT),
    "projects/<slug:slug>/rounds/<int:number>/goals/": route("GET", REVIEWS, number="round", **IN_PROJECT),
    "projects/<slug:slug>/prompts/": route("POST", MANAGES, **IN_PROJECT),
    "projects/<slug:slug>/members/": route("GET", MANAGES, **IN_PROJECT),
    "projects/<slug:slug>/members/<str:username>/": route("PUT DELETE", MANAGES, slug="slug", username="owner"),
    "projects/<slug:slug>/invitations/": route("POST", MANAGES, **IN_PROJECT),
    "projects/<slug:slug>/agreements/": route("GET POST", MEMBERS, **IN_PROJECT),
    "projects/<slug:slug>/assignments/": route("POST", RANKERS, **IN_PROJECT),
    "projects/<slug:slug>/comparisons/": route("GET POST", REVIEWS, MANAGES, **IN_PROJECT),
    "projects/<slug:slug>/dialogues/": route("GET POST", MEMBERS | {OPERATOR}, MEMBERS, **IN_PROJECT),
    "projects/<slug:slug>/webhooks/": route("GET POST", MANAGES, **IN_PROJECT),
    "projects/<slug:slug>/questions/": route("GET POST", RANKERS | {OPERATOR}, RANKERS, **IN_PROJECT),
    "projects/<slug:slug>/rules/": route("GET POST", RANKERS | {OPERATOR}, MANAGES, **IN_PROJECT),
    "projects/<slug:slug>/rules/<int:number>/": route("DELETE", MANAGES, number="rule", **IN_PROJECT),
    "dialogues/<uuid:pk>/attempt/": route("GET PUT", {OWNER} | REVIEWS, {OWNER}, pk="tried"),
    "questions/<uuid:pk>/": route("GET DELETE", {OWNER} | REVIEWS, {OWNER}, pk="question"),
    "questions/<uuid:pk>/answer/": route("PUT", MANAGES, pk="question"),
    "assignments/<uuid:pk>/": route("GET", {OWNER}, **OWN_TASK),
    "assignments/<uuid:pk>/ranking/": route("PUT", {OWNER}, **OWN_TASK),
    "assignments/<uuid:pk>/draft/": route("GET PATCH", {OWNER}, **OWN_TASK),
    "assignments/<uuid:pk>/skip/": route("POST", {OWNER}, **OWN_TASK),
    "assignments/<uuid:pk>/heartbeat/": route("POST", {OWNER}, **OWN_TASK),
    "assignments/<uuid:pk>/undo/": route("POST", {OWNER}, **OWN_TASK),
    "comparisons/<uuid:pk>/": route("GET", REVIEWS, pk="comparison"),
    "dialogues/<uuid:pk>/": route("GET DELETE", {OWNER} | REVIEWS, {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/turns/": route("POST", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/suggestions/": route("POST", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/suggestions/<str:key>/": route("GET", {OWNER}, pk="demonstration", key="suggestions"),
    "dialogues/<uuid:pk>/submit/": route("POST", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/undo/": route("POST", {OWNER}, **OWN_DRAFT),
    "dialogues/<uuid:pk>/stop/": route("POST", {OWNER}, **OWN_CHAT),
    "dialogues/<uuid:pk>/retry/": route("POST", {OWNER}, **OWN_CHAT),
    "turns/<uuid:pk>/": route("PATCH DELETE", {OWNER}, pk="turn"),
    "turns/<uuid:pk>/feedback/": route("PUT", {OWNER} | REVIEWS, pk="model_turn"),
    "turns/<uuid:pk>/report/": route("PUT DELETE", {OWNER} | REVIEWS, pk="model_turn"),
    "projects/<slug:slug>/feedback/": route("GET", REVIEWS, **IN_PROJECT),
    "model-versions/": route("GET POST", {MANAGER, ELSEWHERE, OPERATOR}, {OPERATOR}),
    "webhooks/<uuid:pk>/": route("GET DELETE", MANAGES, pk="webhook"),
    "webhooks/<uuid:pk>/secret/": route("POST", MANAGES, pk="webhook"),
    "webhooks/<uuid:pk>/deliveries/": route("GET", MANAGES, pk="webhook"),
    "webhooks/<uuid:pk>/deliveries/<int:number>/again/": route("POST", MANAGES, pk="webhook", number="delivery"),
    "exports/": route("GET POST", SIGNED_IN),  # the project is in the body: test_exports.py
    "exports/<uuid:pk>/": route("GET", MANAGES, pk="export"),
    "exports/<uuid:pk>/files/<path:path>": route("GET", MANAGES, pk="export", path="file"),
    "projects/<slug:slug>/pushes/": route("GET POST", MANAGES, **IN_PROJECT),
    "projects/<slug:slug>/pushes/<uuid:pk>/": route("GET", MANAGES, pk="push", **IN_PROJECT),
    "schema/": route("GET", EVERYBODY),
    "docs/": route("GET", EVERYBODY),
    "^(?P<rest>.*)$": route("", set(), rest="nowhere/"),
}

ROUTES = {
    **{f"accounts/{name}": rule for name, rule in ACCOUNTS.items()},
    **{f"api/v1/{name}": rule for name, rule in API.items()},
    **PAGES,
}
