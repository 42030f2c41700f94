"""Cards on pictures: what a browser's camera sees, and photographs that are chosen. Looked at once, never kept."""

from typing import Any

from flask import Blueprint, request

from partner_portal.auth.gate import requires
from partner_portal.limits import asker, limiter
from partner_portal.portal import portal
from partner_portal.problems import Problem
from pos_client import decoding

blueprint = Blueprint("pictures", __name__, url_prefix="/partenaire/caisse")

FRAME_BYTES = 200_000
"""A grey frame of 800 pixels is 20 to 60 kB."""
FRAMES = "400 per minute"
"""A camera sends four a second."""
PICTURES = "20 per minute"
"""One that shows nothing costs half a second of work."""


@blueprint.post("/cadre")
@requires("students.look_up")
@limiter.limit(FRAMES, key_func=asker)
def frame() -> dict[str, Any]:
    """The cards on one frame of a camera; the next frame comes at once, so this looks at it quickly and only once."""
    try:
        return {"cards": decoding.glance(_picture(FRAME_BYTES))}
    except decoding.UnreadablePicture:
        return {"cards": []}


@blueprint.post("/photo")
@requires("students.look_up")
@limiter.limit(PICTURES, key_func=asker)
def picture() -> tuple[dict[str, Any], int]:
    """The cards on a photograph, looked for with patience."""
    try:
        seen = decoding.look(_picture(portal().config.max_upload_bytes))
    except decoding.UnreadablePicture as error:
        return {"detail": str(error)}, 422
    if not seen.cards and seen.others:
        return {"detail": "Le code de cette photo n’est pas celui d’une carte Atouts Normandie."}, 422
    return {"cards": list(seen.cards)}, 200


def _picture(most_bytes: int) -> bytes:
    if request.content_length is None or request.content_length > most_bytes:
        raise Problem("payload_too_large")
    return request.get_data()
