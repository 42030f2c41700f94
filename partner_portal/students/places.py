"""Where to pay: the partners, by town, with what they accept."""

from itertools import groupby

from flask import Blueprint, render_template, request

from batch.roster_cells import fold
from ledger import where_to_use
from ledger.student_record import profile
from partner_portal.auth.gate import requires
from partner_portal.portal import portal
from partner_portal.students.home import known, own_id

blueprint = Blueprint("students_places", __name__, url_prefix="/eleve/partenaires")

MOST = 60
"""Partners shown at once: what a phone can read, and a page that stays light."""


@blueprint.get("")
@requires("wallet.read")
def index() -> str:
    """The partners of one's own town first, or those that a search finds."""
    asked = request.args.get("q")
    with portal().reading() as conn:
        town = known(profile(conn, own_id())).town
        places = where_to_use.places(conn)
    wanted = fold((town if asked is None else asked)[:80])
    found = [place for place in places if wanted in f"{fold(place.town)}_{fold(place.name)}"]
    if asked is None and not found:
        found, wanted = places, ""
    shown = found[:MOST]
    return render_template(
        "students/places.html",
        asked=town if asked is None and wanted else asked or "",
        towns=[(name, list(those)) for name, those in groupby(shown, key=lambda place: place.town)],
        found=len(found),
        shown=len(shown),
        everywhere=len(places),
    )
