"""What every answer tells the browser to refuse, and whose word about the client's address we take."""

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

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


def install(app: Flask, *, secure: bool, trusted_proxies: int) -> None:
    """Add the security headers to every answer of `app`.

    `secure` means browsers reach us over HTTPS: cookies then travel nowhere else, and HSTS says so. `trusted_proxies`
    is how many proxies in front of us set X-Forwarded-*; with 0 those headers are a stranger's word and are ignored.
    """
    if trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=trusted_proxies, x_proto=trusted_proxies, x_host=trusted_proxies
        )
    headers = dict(HEADERS)
    if secure:
        headers["Strict-Transport-Security"] = f"max-age={TWO_YEARS_S}; includeSubDomains"

    @app.after_request
    def guard(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static":
            # Pages and API answers are about one person's money: no proxy or browser keeps them unless a view says so.
            response.headers.setdefault("Cache-Control", "no-store")
        return response
