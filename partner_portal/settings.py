"""What an operator can set about the portal; read and declared as in `ledger.settings`."""

import logging
from collections.abc import Callable
from typing import Any

from limits import parse_many

from batch.settings import PUBLIC_URL as PUBLIC_URL
from batch.settings import REDIS_URL
from ledger.data_folder import Unusable
from ledger.settings import Secret, Setting, declared

BIND = Setting("BIND", "127.0.0.1:8765", "Where the portal listens, host:port or unix:path.")
WEB_PROCESSES = Setting("WEB_PROCESSES", 2, "Processes that serve the portal; twice the number of cores is plenty.")
WEB_THREADS = Setting("WEB_THREADS", 4, "Requests each of them works at at once.")
TRUSTED_PROXIES = Setting(
    "TRUSTED_PROXIES", 0, "How many proxies of ours stand in front and set X-Forwarded-For, -Proto and -Host."
)
SECRET_KEY = Secret("SECRET_KEY", "Signs form tokens and the mark of a known device; made once if not set.")
ENCRYPTION_KEY = Secret(
    "ENCRYPTION_KEY", "Encrypts what people prove themselves with, at rest; made once if not set, and never lost."
)
OLD_ENCRYPTION_KEYS = Setting(
    "OLD_ENCRYPTION_KEYS",
    "",
    "Earlier values of ATOUTS_ENCRYPTION_KEY, by commas: still read, no longer written.",
    secret=True,
)
DEVELOPMENT = Setting("DEVELOPMENT", False, "A developer's machine: readable logs, and the page of visual components.")
LOG_LEVEL = Setting("LOG_LEVEL", "INFO", "The least serious log line that is written: DEBUG, INFO, WARNING or ERROR.")
METRICS_TOKEN = Setting(
    "METRICS_TOKEN",
    "",
    "What a Prometheus server presents as bearer token at /metrics; without it there is no /metrics.",
    secret=True,
)

SESSION_IDLE_MINUTES = Setting("SESSION_IDLE_MINUTES", 60, "Minutes without a request after which one is signed out.")
SESSION_HOURS = Setting("SESSION_HOURS", 10, "Hours after which one signs in again, however busy.")
STEP_UP_MINUTES = Setting(
    "STEP_UP_MINUTES",
    5,
    "Minutes for which a password or code typed again covers operations on money and bank details.",
)

LOOKUP_TOKEN_HOURS = Setting(
    "LOOKUP_TOKEN_HOURS", 8, "Hours for which a till may sell to a student whose card it has looked up."
)

MAX_BODY_KILOBYTES = Setting("MAX_BODY_KILOBYTES", 256, "Largest body of an API request, in thousands of bytes.")
MAX_UPLOAD_MEGABYTES = Setting("MAX_UPLOAD_MEGABYTES", 10, "Largest file sent through a page, in millions of bytes.")
RATE_LIMIT = Setting("RATE_LIMIT", "600 per minute", "Requests a till, or a signed-in person, may make.")
RATE_LIMIT_UNKNOWN = Setting(
    "RATE_LIMIT_UNKNOWN", "300 per minute", "Requests an address may make without having signed in; schools share one."
)

OIDC_ISSUER = Setting(
    "OIDC_ISSUER", "", "The OpenID Connect provider of students and school staff, by its issuer URL; none if empty."
)
OIDC_NAME = Setting("OIDC_NAME", "mon établissement", "What the button says: “Se connecter avec …”.")
OIDC_CLIENT_ID = Setting("OIDC_CLIENT_ID", "", "Our name at that provider.")
OIDC_CLIENT_SECRET = Setting("OIDC_CLIENT_SECRET", "", "Our secret at that provider.", secret=True)
OIDC_SCOPE = Setting("OIDC_SCOPE", "openid email profile", "What we ask the provider to tell.")
OIDC_STUDENT_CLAIM = Setting(
    "OIDC_STUDENT_CLAIM", "national_id", "The claim that holds a student's national number (INE), as in the roster."
)


def _is_rate(value: str) -> bool:
    try:
        return len(parse_many(value)) == 1
    except ValueError:
        return False


_SENSE: dict[str, tuple[Callable[[Any], bool], str]] = {
    REDIS_URL.name: (
        lambda value: value.startswith(("redis://", "rediss://", "unix://")) or not value,
        "redis://host:6379/0, or unix:// with a path,",
    ),
    PUBLIC_URL.name: (lambda value: value.startswith(("http://", "https://")), "an address that begins with https://"),
    WEB_PROCESSES.name: (lambda value: value >= 1, "1 or more"),
    WEB_THREADS.name: (lambda value: value >= 1, "1 or more"),
    LOG_LEVEL.name: (lambda value: value in logging.getLevelNamesMapping(), "DEBUG, INFO, WARNING or ERROR"),
    RATE_LIMIT.name: (_is_rate, "a rate such as “600 per minute”"),
    RATE_LIMIT_UNKNOWN.name: (_is_rate, "a rate such as “600 per minute”"),
}


def require_sense() -> None:
    """Read every setting of every room. Raises `Unusable` for the first whose value is none that it could have."""
    for one in declared():
        if isinstance(one, Secret):
            continue
        value = one.value
        makes_sense, expected = _SENSE.get(one.name, (lambda _: True, ""))
        if not makes_sense(value):
            shown = "what is set" if one.secret else repr(value)
            raise Unusable(f"{one.variable}: {shown} makes no sense, {expected} is expected.")
        if isinstance(value, int | float) and value < 0:
            raise Unusable(f"{one.variable}: {value} makes no sense, it cannot be below zero.")
