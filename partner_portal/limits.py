"""How much one asker may ask: counted in Redis for all processes together, told in headers, refused with 429.

While Redis is away each process counts for itself, so that tills go on selling.
"""

import math
import time
from contextlib import suppress

from flask import Flask, Response, g, request
from flask_limiter import Limiter, RequestLimit
from limits import parse
from limits.storage import RedisStorage
from redis.exceptions import RedisError

from partner_portal.auth.principals import current_principal
from partner_portal.portal import portal
from partner_portal.problems import Problem, answer, under_api

UNCOUNTED = frozenset({"monitoring.healthz", "monitoring.readyz", "monitoring.metrics"})


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


def _rate() -> str:
    config = portal().config
    return config.rate_limit if current_principal().id is not None else config.rate_limit_unknown


def _seconds_left(counted: RequestLimit) -> int:
    return _seconds_until(counted.window.reset_time)


def _seconds_until(reset_time: float) -> int:
    return max(1, math.ceil(reset_time - time.time()))


def _refuse(counted: RequestLimit) -> Response:
    return answer(Problem("too_many_requests", headers={"Retry-After": str(_seconds_left(counted))}))


class OneTripStorage(RedisStorage):
    """Counts in one round trip to Redis per request: what an increment tells answers for the headers too."""

    STORAGE_SCHEME = ["one-trip"]  # noqa: RUF012 - so declared by `limits`
    _COUNT = b"""
        local count = redis.call('incrby', KEYS[1], ARGV[2])
        if count == tonumber(ARGV[2]) then redis.call('expire', KEYS[1], ARGV[1]) end
        return {count, redis.call('ttl', KEYS[1])}
    """

    def initialize_storage(self, uri: str) -> None:
        """Register the scripts."""
        super().initialize_storage(uri)
        self._count = self.get_connection().register_script(self._COUNT)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and note what there is to know about the window."""
        count, seconds = self._count([self.prefixed_key(key)], [expiry, amount])
        g.setdefault("rate_windows", {})[key] = count, time.time() + seconds
        return int(count)

    def get(self, key: str) -> int:
        """The count, as noted."""
        noted = g.get("rate_windows", {}).get(key)
        return noted[0] if noted else super().get(key)

    def get_expiry(self, key: str) -> float:
        """The end of the window in seconds since 1970, as noted."""
        noted = g.get("rate_windows", {}).get(key)
        return noted[1] if noted else super().get_expiry(key)


limiter = Limiter(
    key_func=asker,
    on_breach=_refuse,
    application_limits=[_rate],
    strategy="fixed-window",
    key_prefix="atouts",
    in_memory_fallback_enabled=True,
    swallow_errors=True,
)


def count_stranger() -> None:
    """Count a request for its address: it claimed to be of a till, and is of none. Raises `Problem` past the quota."""
    with suppress(RedisError):
        quota = parse(portal().config.rate_limit_unknown)
        counted = "atouts", "strangers", source()
        if not limiter.limiter.hit(quota, *counted):
            seconds = _seconds_until(limiter.limiter.get_window_stats(quota, *counted).reset_time)
            raise Problem("too_many_requests", headers={"Retry-After": str(seconds)})


@limiter.request_filter
def _is_uncounted() -> bool:
    return request.endpoint in UNCOUNTED


def install(app: Flask) -> None:
    """Count the requests of `app`. Must come after the gate knows who asks, and before it answers."""
    app.config["RATELIMIT_STORAGE_URI"] = "one-trip://"
    parts: object = app.extensions["atouts"]
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"connection_pool": parts.redis.connection_pool}  # type: ignore[attr-defined]
    limiter.init_app(app)

    @app.after_request
    def tell(response: Response) -> Response:
        """RateLimit headers as in draft-ietf-httpapi-ratelimit-headers: the quota per window and what is left of it."""
        counted = limiter.current_limit
        if counted is None or not under_api():
            return response
        response.headers["RateLimit-Policy"] = f'"default";q={counted.limit.amount};w={counted.limit.get_expiry()}'
        response.headers["RateLimit"] = f'"default";r={counted.remaining};t={_seconds_left(counted)}'
        return response
