"""The portal's settings as read once, when the application is made."""

from dataclasses import dataclass

from batch import settings as batch_settings
from batch.french import unbroken_times
from ledger.cards import CardKeys
from partner_portal import settings


@dataclass(frozen=True)
class Assistance:
    """Where partners get help; shown wherever somebody may be stuck."""

    email: str
    phone: str
    hours: str

    @property
    def hours_unbroken(self) -> str:
        """The hours with spaces that never leave a number at the end of a line: "9 h", "13 h 30"."""
        return unbroken_times(self.hours)


@dataclass(frozen=True)
class Provider:
    """The OpenID Connect provider of students and school staff."""

    issuer: str
    name: str
    client_id: str
    client_secret: str
    scope: str
    student_claim: str


NO_CARD_KEYS = CardKeys(1, {})
"""No card counts."""


@dataclass(frozen=True)
class Config:
    """See `partner_portal.settings` for the meaning of each. Durations are in seconds, sizes in bytes."""

    public_url: str = "http://localhost:8765"
    trusted_proxies: int = 0
    secret_key: str = ""
    encryption_keys: tuple[str, ...] = ()
    development: bool = False
    log_level: str = "INFO"
    metrics_token: str = ""
    session_idle_s: int = 3600
    session_absolute_s: int = 36_000
    step_up_s: int = 300
    max_body_bytes: int = 256_000
    max_upload_bytes: int = 10_000_000
    lookup_token_s: int = 28_800
    card_keys: CardKeys = NO_CARD_KEYS
    rate_limit: str = "600 per minute"
    rate_limit_unknown: str = "300 per minute"
    assistance: Assistance = Assistance("", "", "")
    provider: Provider | None = None

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach us over HTTPS."""
        return self.public_url.startswith("https://")

    @classmethod
    def from_environment(cls) -> "Config":
        """Read the settings as they are now. Raises `ledger.data_folder.Unusable` for one that makes no sense."""
        old_keys = tuple(key.strip() for key in settings.OLD_ENCRYPTION_KEYS.value.split(",") if key.strip())
        return cls(
            public_url=settings.PUBLIC_URL.value.rstrip("/"),
            trusted_proxies=settings.TRUSTED_PROXIES.value,
            secret_key=settings.SECRET_KEY.value,
            encryption_keys=(settings.ENCRYPTION_KEY.value, *old_keys),
            development=settings.DEVELOPMENT.value,
            log_level=settings.LOG_LEVEL.value,
            metrics_token=settings.METRICS_TOKEN.value,
            session_idle_s=settings.SESSION_IDLE_MINUTES.value * 60,
            session_absolute_s=settings.SESSION_HOURS.value * 3600,
            step_up_s=settings.STEP_UP_MINUTES.value * 60,
            max_body_bytes=settings.MAX_BODY_KILOBYTES.value * 1000,
            max_upload_bytes=settings.MAX_UPLOAD_MEGABYTES.value * 1_000_000,
            lookup_token_s=settings.LOOKUP_TOKEN_HOURS.value * 3600,
            card_keys=CardKeys.from_settings(),
            rate_limit=settings.RATE_LIMIT.value,
            rate_limit_unknown=settings.RATE_LIMIT_UNKNOWN.value,
            assistance=Assistance(
                batch_settings.ASSISTANCE_EMAIL.value,
                batch_settings.ASSISTANCE_PHONE.value,
                batch_settings.ASSISTANCE_HOURS.value,
            ),
            provider=_provider(),
        )


def _provider() -> Provider | None:
    issuer = settings.OIDC_ISSUER.value.rstrip("/")
    if not issuer:
        return None
    return Provider(
        issuer=issuer,
        name=settings.OIDC_NAME.value,
        client_id=settings.OIDC_CLIENT_ID.value,
        client_secret=settings.OIDC_CLIENT_SECRET.value,
        scope=settings.OIDC_SCOPE.value,
        student_claim=settings.OIDC_STUDENT_CLAIM.value,
    )
