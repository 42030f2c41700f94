"""One id per request: taken from the caller when it is a sane one, given back, and in every log line of the request."""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

HEADER = "X-Request-ID"
_SANE = re.compile(r"\A[A-Za-z0-9._-]{8,64}\Z")

log = structlog.get_logger("partner_portal.access")


def install(app: Flask) -> None:
    """Give every request of `app` its id, and log one line when it is answered."""

    @app.before_request
    def begin() -> None:
        asked = request.headers.get(HEADER, "")
        g.request_id = asked if _SANE.match(asked) else uuid.uuid4().hex
        g.started = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def name(response: Response) -> Response:
        response.headers[HEADER] = g.get("request_id", "")
        principal = g.get("principal")
        log.info(
            "request",
            method=request.method,
            # The rule, not the path: a path can hold what opens a door.
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.started) * 1000, 1) if "started" in g else None,
            principal=principal.actor if principal else None,
        )
        return response

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()
