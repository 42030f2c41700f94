"""Our style sheet, script and pictures: kept by browsers for a year, because their address changes with them."""

import functools
import hashlib
from pathlib import Path

from flask import Flask, Response, request, url_for

FOLDER = Path(__file__).parent / "static"
ONE_YEAR = "public, max-age=31536000, immutable"


@functools.cache
def fingerprint(name: str) -> str:
    """Twelve hexadecimal digits that change with the content of a file of ours."""
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


def install(app: Flask) -> None:
    """Offer `asset(name)` to the templates of `app`."""
    app.jinja_env.globals["asset"] = lambda name: url_for("static", filename=name, v=fingerprint(name))
    if app.extensions["atouts"].config.development:
        app.jinja_env.globals["asset"] = lambda name: url_for("static", filename=name)

    @app.after_request
    def keep(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code == 200 and "v" in request.args:
            response.headers["Cache-Control"] = ONE_YEAR
        return response
