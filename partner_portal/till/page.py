"""The till in the browser. It sells through the API, as every till does; this is the page that it stands on."""

from flask import Blueprint, render_template

from ledger import catalogue, partners
from ledger.refusals import SENTENCES, Refusal
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import acting_partner_id
from partner_portal.portal import portal

blueprint = Blueprint("till", __name__, url_prefix="/partenaire/caisse")

BLOCKED = {"suspended": SENTENCES[Refusal.PARTNER_SUSPENDED]}
"""What to tell a partner that cannot sell, by its status; every other one waits for its validation."""


@blueprint.get("")
@requires("sales.make")
def index() -> str:
    """The till."""
    partner_id = acting_partner_id()
    with portal().engine.connect() as conn:
        status = partners.get(conn, partner_id).status
        offers = catalogue.search(conn, partner_id, limit=1)
    blocked = None
    if status != "validated":
        blocked = BLOCKED.get(status, SENTENCES[Refusal.PARTNER_NOT_VALIDATED])
    return render_template("till/till.html", blocked=blocked, catalogue_is_empty=not offers)
