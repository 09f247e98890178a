"""Settings, all from the environment; every variable is listed in docs/settings.md.

A wrong value stops the start with one sentence (`common.environment.SettingError`), never a traceback.
"""

from __future__ import annotations

import os
from pathlib import Path

from celery.schedules import crontab

from common import environment, processes
from config import account_forms, unfold

BASE_DIR = Path(__file__).resolve().parent.parent
processes.keep_private()
env = environment.read(BASE_DIR)

VAR_DIR: Path = env.var_dir
DEBUG = env.debug
SECRET_KEY = env.secret_key
PUBLIC_URL = env.public_url  # "https://label.example.org", or "" for this machine only
# "/label" where the proxy has other things at the root of its host; it passes the path on and Django takes it off.
FORCE_SCRIPT_NAME = env.public_path or None
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{env.public_path}/"
ALLOWED_HOSTS = env.allowed_hosts
CSRF_TRUSTED_ORIGINS = env.csrf_trusted_origins

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "config.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "accounts",
    "sampler",
    "labeling",
    "moderation",
    "insights",
    "exports",
    "webhooks",
    "hub",
    "managing",
    "operations",
]

MIDDLEWARE = [
    *(["common.own_cookies.OwnCookies"] if env.public_path else []),
    "common.middleware.RequestNoted",
    "common.middleware.KeptFromCaches",
    "common.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "common.api_path.ApiPath",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "common.middleware.SignInInPlace",
    "common.middleware.TimeZoneOfTheReader",
    "common.middleware.LanguageOfTheReader",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "common.middleware.NoVisit",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "common.translated.PerLanguage",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "builtins": ["common.translated", "common.addresses"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.administration",
                "config.context.mail",
                "config.context.notices",
            ],
        },
    },
]

FORM_RENDERER = "common.form_renderer.Renderer"

DATABASES = {"default": env.database}
WEB_THREADS = env.web_threads  # requests at work at once in a web process, each with a database connection
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.redis_url
CACHES = {"default": {"BACKEND": "common.cache.SharedOrOwn", "LOCATION": REDIS_URL, "KEY_PREFIX": "cache"}}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_FORMS, MFA_FORMS = account_forms.ACCOUNT_FORMS, account_forms.MFA_FORMS
SOCIALACCOUNT_FORMS = account_forms.SOCIALACCOUNT_FORMS
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # nobody signs up without an invitation or the operator's sign-on
ACCOUNT_ADAPTER = "labeling.signup.AccountAdapter"  # sign-up only with an invitation
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "20/m/ip,5/5m/key", "reset_password": "20/m/ip,5/m/key"}
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PUBLIC_URL.startswith("https://") else "http"
SOCIALACCOUNT_ADAPTER = "labeling.signup.SocialAccountAdapter"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": env.sign_on}}
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # an address that a provider claims opens nobody's account
MFA_ADAPTER = "accounts.mfa.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Duologue"
MFA_TOTP_TOLERANCE = 1
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PUBLIC_URL.startswith("https://")  # http://localhost is a secure context
USERSESSIONS_TRACK_ACTIVITY = False  # it would write a row at every page load: a GET never writes

REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["common.auth.Denied"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.tokens.BearerAuthentication"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.shallow_json.ShallowJsonParser"],
    "DEFAULT_THROTTLE_CLASSES": [
        "common.throttling.Rate",
        "rest_framework.throttling.AnonRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"user": env.api_rate, "anon": "120/min"},
    "NUM_PROXIES": 0,  # the client's address is REMOTE_ADDR, which uvicorn sets from FORWARDED_ALLOW_IPS alone
    "EXCEPTION_HANDLER": "labeling.api.problems.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Duologue API",
    "VERSION": "1",
    "DESCRIPTION": "Everything that the pages do, for programs. Errors are problem details (RFC 9457) with a `detail`.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "WebhookEvent": "webhooks.models.Event",
        "MessageRole": ["system", "user", "assistant"],
        "SuggestedRole": ["user", "assistant"],
        "ProjectRole": "labeling.models.Membership.Role",
        "ModelRole": "sampler.models.ModelVersion.Role",
    },
    "PREPROCESSING_HOOKS": ["config.api_schema.without_page"],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "config.api_schema.add_problems"],
}

USE_TZ = True
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español")]  # of the pages; the admin site is in English
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGE_CODE = "en"

STATIC_URL = f"{env.public_path}/static/"
WHITENOISE_STATIC_PREFIX = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # serves static files also where collectstatic was not run
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700  # of static files too
MEDIA_ROOT = VAR_DIR / "media"
EXPORT_ROOT = VAR_DIR / "exports"
EXPORT_FORMATS = "exports.formats"  # the package whose files are the configurations of an export
# Exports go through the storage named "exports": a folder here, or any other of Django's storages
# (docs/formats.md shows an S3-compatible one).
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "exports": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": EXPORT_ROOT}},
}
MODEL_ROOT = VAR_DIR / "models"

SESSION_ENGINE = "common.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# A public https address turns on everything that needs TLS; the proxy in front says which requests came by it
# (uvicorn believes X-Forwarded-Proto only from FORWARDED_ALLOW_IPS, this machine by default).
HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz", r"^readyz", r"^metrics"]  # asked by the machine itself, over http
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS and not DEBUG else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS and env.hsts_subdomains
# The two HSTS warnings are about other names of the domain, which is the operator's decision: DUOLOGUE_HSTS_SUBDOMAINS.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
CSP_FORM_ACTION = env.sign_on_hosts  # browsers apply form-action to the redirect to the sign-on server too
DATA_UPLOAD_MAX_MEMORY_SIZE = env.max_upload_bytes
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
WEBHOOKS_TO_PRIVATE_ADDRESSES = env.webhooks_to_private_addresses

globals().update(env.email)  # EMAIL_BACKEND and its friends, from EMAIL_URL

# Celery. The row is the work and the message a doorbell: nothing here has to survive a flush of Redis.
CELERY_BROKER_URL = env.celery_broker_url
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "sampler: ring for waiting requests, take back expired leases": {
        "task": "sampler.tasks.ring",
        "schedule": 5.0,
    },
    "labeling: settle comparisons, expire leases, keep the stock": {
        "task": "labeling.tasks.tend",
        "schedule": 5.0,
    },
    "labeling: replies that have ended become turns": {"task": "labeling.tasks.store_replies", "schedule": 0.5},
    "exports: every active project, once a night": {
        "task": "exports.tasks.nightly",
        "schedule": crontab(hour=str(env.nightly_at.hour), minute=str(env.nightly_at.minute)),
    },
    "labeling: resume imports that a killed worker left": {"task": "labeling.tasks.resume_imports", "schedule": 30.0},
    "moderation: verdicts on new texts": {"task": "moderation.tasks.screen", "schedule": 30.0},
    "insights: keep the reports fresh": {"task": "insights.tasks.refresh", "schedule": 120.0},
    "webhooks: send what is due": {"task": "webhooks.tasks.deliver", "schedule": 5.0},
    "webhooks: forget old deliveries": {"task": "webhooks.tasks.tidy", "schedule": crontab(hour="4", minute="20")},
    "accounts: mail what people were not told yet": {"task": "accounts.tasks.mail_notices", "schedule": 60.0},
    "accounts: forget old replies": {"task": "accounts.tasks.tidy", "schedule": crontab(hour="4", minute="10")},
    "operations: warn of a disk that fills up": {"task": "operations.tasks.watch_disk", "schedule": 60.0},
    "exports: resume what a killed worker left": {"task": "exports.tasks.resume", "schedule": 30.0},
    "hub: resume what a killed worker left": {"task": "hub.tasks.resume", "schedule": 30.0},
}
DISK_LOW = env.disk_low  # bytes free below which the operator is warned; None: a share of the disk
BACKUPS = env.backups  # a folder, or "" for none
if BACKUPS:
    CELERY_BEAT_SCHEDULE["operations: a backup, old ones removed"] = {
        "task": "operations.tasks.back_up",
        "schedule": crontab(hour="1", minute="30"),
    }
    CELERY_BEAT_SCHEDULE["operations: whether the newest backup can be restored"] = {
        "task": "operations.tasks.rehearse",
        "schedule": crontab(hour="3", minute="50", day_of_week="sun"),
    }
CELERY_BEAT_SCHEDULER = "common.celery_beat:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "run" / "beat-schedule")

SAMPLER_SCREENS = "moderation.in_samplers.screen"  # called by sampler workers, for filters that load a model
SAMPLER_ENDED_TASK = "labeling.tasks.store_replies"  # sent when a request has ended that somebody waits for
SAMPLER_LEASE_SECONDS = env.sampler_lease  # a worker that is silent for so long has lost its requests
FILTERS = env.filters  # what the content filters need that ask a model or a server
FILTER_CLASSIFIERS = "sampler.classifiers"  # the package whose files load classifiers
METRICS_TOKEN = environment.secret("METRICS_TOKEN")  # bearer of /metrics; without it there are none
HUB_TOKEN = environment.secret("HF_TOKEN")  # without it nothing is pushed to the Hugging Face Hub
HUB_ENDPOINT = env.hub_endpoint
HUB_NAMESPACES = env.hub_namespaces  # each with the projects that may push there; an empty set: all of them
MAIL_IS_SET_UP = bool(os.environ.get("EMAIL_URL"))
SAMPLER_MAX_ATTEMPTS = 3  # tries that failed by the request itself
SAMPLER_RETRY_SECONDS = 1.0  # before the second try; doubles with each
SAMPLER_GRACE_SECONDS = env.sampler_grace  # a stopped worker finishes what it can within this, and hands back the rest
SAMPLER_MEMORY_LIMIT = env.sampler_memory_limit  # bytes of model weights per worker; None: 80 % of the device

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "common.serving.request_id.Filter"}},
    "formatters": {
        "text": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "common.serving.json_log.JsonFormatter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": env.log_format.lower(),
            "filters": ["request"],
        }
    },
    "loggers": {
        "httpx": {"level": "WARNING"},  # it tells of every request
        "httpx2": {"level": "WARNING"},  # and so does that of huggingface_hub
        "common.serving.access": {"level": "INFO" if env.log_format == "JSON" else "WARNING"},
        "celery.beat": {"level": "WARNING"},  # it tells of every task that it sends
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
    "root": {"handlers": ["stderr"], "level": env.log_level},
}

# What `common/` asks of the apps, which it does not import.
AUDIT_RECORD = "accounts.audit.record"
AUDIT_ENTRIES = "accounts.audit.entries_of"
PROJECT_ROLES = "labeling.roles.projects_by_role"
UNFOLD = unfold.UNFOLD
