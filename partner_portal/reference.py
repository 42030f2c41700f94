"""The API's reference: the OpenAPI document for machines, and the same as one readable page."""

from flask import Blueprint, Response, render_template

from partner_portal.api import PREFIX, openapi_document, openapi_response
from partner_portal.auth.gate import requires
from partner_portal.problems import PROBLEMS

blueprint = Blueprint("reference", __name__, url_prefix=PREFIX)


@blueprint.get("/openapi.json")
@requires("public.read")
def openapi() -> Response:
    """The OpenAPI 3.1 document."""
    return openapi_response()


@blueprint.get("/reference")
@requires("public.read")
def page() -> str:
    """The document as a page, rendered here: no script from elsewhere reads it for us."""
    return render_template("reference.html", document=openapi_document(), problems=PROBLEMS)
