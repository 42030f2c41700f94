"""The API's reference: the OpenAPI document for machines, and the same as one readable page."""

import re
from typing import Any

from flask import Blueprint, Response, render_template
from markupsafe import Markup, escape

from partner_portal.api import PREFIX, openapi_document, openapi_response
from partner_portal.auth.gate import requires
from partner_portal.problems import PROBLEMS

blueprint = Blueprint("reference", __name__, url_prefix=PREFIX)
METHODS = ("get", "post", "put", "patch", "delete")
CALLERS = {"terminal": "Une caisse, par son secret", "session": "Une personne connectée au portail"}
"""Who calls, by the name of their way to prove themselves (`securitySchemes`)."""


@blueprint.get("/openapi.json")
@requires("public.read")
def openapi() -> Response:
    """The OpenAPI 3.1 document."""
    return openapi_response()


@blueprint.get("/reference")
@requires("public.read")
def page() -> str:
    """The document as a page, rendered here: no script from elsewhere reads it for us."""
    document = openapi_document()

    def resolved(value: dict[str, Any]) -> dict[str, Any]:
        """`value`, or what its reference leads to in the document."""
        while "$ref" in value:
            found: Any = document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = found
        return value

    return render_template(
        "reference.html",
        document=document,
        problems=PROBLEMS,
        methods=METHODS,
        callers=CALLERS,
        resolved=resolved,
        coded=coded,
    )


def coded(text: str) -> Markup:
    """`text` with what stands between backquotes as code, the one mark of CommonMark our descriptions use."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first
