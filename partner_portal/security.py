"""What every answer tells the browser to refuse, and whose word about the client's address we take."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from partner_portal.problems import Problem

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "media-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)
"""No inline script, no inline style, nothing from elsewhere: pages carry data in attributes and elements only."""

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TWO_YEARS_S = 63_072_000
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def install(app: Flask, *, secure: bool, trusted_proxies: int) -> None:
    """Add the security headers to every answer of `app`.

    `secure` means browsers reach us over HTTPS: cookies then travel nowhere else, and HSTS says so. `trusted_proxies`
    is how many proxies in front of us set X-Forwarded-*; with 0 those headers are a stranger's word and are ignored.
    """
    if trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=trusted_proxies, x_proto=trusted_proxies, x_host=trusted_proxies
        )
    # Pages and API answers are about one person's money: no proxy or browser keeps them unless a view says otherwise.
    headers = HEADERS | {"Cache-Control": "no-store"}
    if secure:
        headers["Strict-Transport-Security"] = f"max-age={TWO_YEARS_S}; includeSubDomains"
    app.wsgi_app = _Guard(app.wsgi_app, headers)  # type: ignore[method-assign]
    app.before_request(_refuse_nul)


def _refuse_nul() -> None:
    """PostgreSQL stores no NUL, and nobody types one."""
    has_nul = "\x00" in request.path or b"%00" in request.query_string
    if not has_nul and request.mimetype in FORMS:
        has_nul = any("\x00" in value for _, value in request.form.items(multi=True))
    if has_nul:
        raise Problem("bad_request", "La demande contient un caractère nul.")


class _Guard:
    """Adds headers to every answer that has none of that name: around Flask, where it costs a till's request least."""

    def __init__(self, inner: Callable[..., Iterable[bytes]], headers: dict[str, str]) -> None:
        self._inner = inner
        self._headers = [(name.lower(), (name, value)) for name, value in headers.items()]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, given: list[tuple[str, str]], exc_info: Any = None) -> Any:
            names = {name.lower() for name, _ in given}
            return start_response(status, given + [pair for name, pair in self._headers if name not in names], exc_info)

        return self._inner(environ, start)
