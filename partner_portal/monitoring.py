"""What machines ask: is the process alive, can it work, and what has it done (Prometheus)."""

import hmac
import os
import time

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from partner_portal.auth.gate import requires
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("monitoring", __name__)

REQUESTS = Counter("atouts_http_requests", "Requests answered", ["route", "method", "status"])
DURATION = Histogram(
    "atouts_http_request_duration_seconds",
    "Time to answer a request",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)


@blueprint.get("/healthz")
@requires("public.read")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@requires("public.read")
def readyz() -> tuple[dict[str, str], int]:
    """The process can work: its database and its Redis answer."""
    found = {"database": _database(), "redis": _redis()}
    return found, 200 if set(found.values()) == {"ok"} else 503


def _database() -> str:
    try:
        with portal().engine.connect() as conn:
            conn.execute(text("select 1"))
    except SQLAlchemyError:
        return "unreachable"
    return "ok"


def _redis() -> str:
    try:
        portal().redis.ping()
    except RedisError:
        return "unreachable"
    return "ok"


@blueprint.get("/metrics")
@requires("public.read")
def metrics() -> Response:
    """Counters for the Prometheus server that presents the token set for it; nobody else learns that they exist."""
    expected = portal().config.metrics_token
    presented = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not expected or not hmac.compare_digest(presented.encode(), expected.encode()):
        raise Problem("not_found")
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        # Several web processes: each writes its own file, and whichever is asked adds them up.
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def install(app: Flask) -> None:
    """Count and time every answer of `app`."""

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "(none)"
        method = (
            request.method
            if request.method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
            else "other"
        )
        REQUESTS.labels(route, method, str(response.status_code)).inc()
        if "started" in g:
            DURATION.labels(route).observe(time.perf_counter() - g.started)
        return response
