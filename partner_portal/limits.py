"""How much one asker may ask: counted for all processes together, told in headers, refused with 429.

Every request counts towards the quota of its asker, in memory (`shared_counts`). Views that let in strangers or cost
much have a limit of their own besides, which Flask-Limiter counts in Redis, one by one.
"""

import math
import time
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter, RequestLimit
from limits import RateLimitItem, parse

from partner_portal.auth.principals import current_principal
from partner_portal.portal import Portal
from partner_portal.problems import Problem, answer, under_api
from partner_portal.shared_counts import SharedCounts

UNCOUNTED = frozenset({None, "static", "monitoring.healthz", "monitoring.readyz", "monitoring.metrics"})
"""Endpoints that anybody may ask for as often as they like; None is an address where there is nothing."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One request counted towards a quota: the `count` with it, of a window until `ends` (seconds since 1970)."""

    quota: RateLimitItem
    count: int
    ends: float

    @classmethod
    def by_view(cls, limit: RequestLimit) -> "Counted":
        """Towards the limit that a view has of its own."""
        return cls(limit.limit, limit.limit.amount - limit.remaining, limit.reset_at)

    @property
    def remaining(self) -> int:
        """How many more requests the quota allows."""
        return max(0, self.quota.amount - self.count)

    @property
    def seconds_left(self) -> int:
        """Whole seconds until it begins anew."""
        return max(1, math.ceil(self.ends - time.time()))

    def refusal(self) -> Problem:
        """What is told to whoever asks one request too many."""
        return Problem("too_many_requests", headers={"Retry-After": str(self.seconds_left)})

    def refuse_excess(self) -> None:
        """Raise that `Problem` if this is one request too many."""
        if self.count > self.quota.amount:
            raise self.refusal()


class Quotas:
    """What one application allows its askers, and what they have asked."""

    def __init__(self, parts: Portal) -> None:
        """As set, e.g. "600 per minute"."""
        self._known = parse(parts.config.rate_limit)
        self._unknown = parse(parts.config.rate_limit_unknown)
        self._counts = SharedCounts(parts.redis)

    def count(self) -> None:
        """Count the request at hand for who asks. Raises `Problem` past the quota."""
        if request.endpoint not in UNCOUNTED:
            g.counted = self._hit(asker(), self._unknown if current_principal().id is None else self._known)
            g.counted.refuse_excess()

    def count_stranger(self) -> None:
        """Count it once more, for its address. Raises `Problem` past the quota."""
        self._hit(f"stranger:{request.remote_addr}", self._unknown).refuse_excess()

    def _hit(self, whose: str, quota: RateLimitItem) -> Counted:
        return Counted(quota, *self._counts.hit(whose, quota.get_expiry()))


def asker() -> str:
    """Who a request is counted for: the till or person it comes from, else its address."""
    principal = current_principal()
    if principal.secret_hash is not None:
        # Perhaps not proved yet: whoever does not know a till's secret must not use up what it may ask.
        return f"{principal.actor}:{principal.secret_hash[:12].hex()}"
    return principal.actor if principal.id is not None else source()


def source() -> str:
    """The address a request comes from, whoever sends it."""
    return f"address:{request.remote_addr}"


def count_stranger() -> None:
    """Count a request for its address: it claimed to be of a till, and is of none. Raises `Problem` past the quota."""
    quotas: Quotas = current_app.extensions["atouts.quotas"]
    quotas.count_stranger()


def _refuse(limit: RequestLimit) -> Response:
    return answer(Counted.by_view(limit).refusal())


class ViewLimiter(Limiter):
    """Flask-Limiter for the limits of views alone: there is none of all requests to look for before each of them."""

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if not in_middleware:
            super()._check_request_limit(callable_name, in_middleware)


limiter = ViewLimiter(
    key_func=asker,
    on_breach=_refuse,
    strategy="fixed-window",
    key_prefix="atouts",
    in_memory_fallback_enabled=True,
    swallow_errors=True,
)
"""For a view's own limit: `@limiter.limit("20 per hour", key_func=source)`."""


def install(app: Flask) -> None:
    """Count the requests of `app`. Must come after the gate knows who asks, and before it answers."""
    parts: Portal = app.extensions["atouts"]
    quotas = app.extensions["atouts.quotas"] = Quotas(parts)
    app.before_request(quotas.count)
    app.config["RATELIMIT_STORAGE_URI"] = "redis://"
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"connection_pool": parts.redis.connection_pool}
    limiter.init_app(app)

    @app.after_request
    def tell(response: Response) -> Response:
        """RateLimit headers as in draft-ietf-httpapi-ratelimit-headers: the quota per window and what is left of it."""
        if not under_api():
            return response
        by_view = limiter.current_limit
        counted: Counted | None = g.get("counted") if by_view is None else Counted.by_view(by_view)
        if counted is not None:
            quota = counted.quota
            response.headers["RateLimit-Policy"] = f'"default";q={quota.amount};w={quota.get_expiry()}'
            response.headers["RateLimit"] = f'"default";r={counted.remaining};t={counted.seconds_left}'
        return response
