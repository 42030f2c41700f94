"""The till in the browser. It sells through the API, as every till does; this is the page that it stands on."""

from flask import Blueprint, render_template

from ledger import catalogue, partners
from ledger.partners import Partner
from ledger.refusals import SENTENCES, Refusal
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import acting_partner_id
from partner_portal.portal import portal

blueprint = Blueprint("till", __name__, url_prefix="/partenaire/caisse")


def blocked(partner: Partner) -> str | None:
    """The sentence for a partner that cannot sell at all; None for one that can."""
    if partner.status == "validated":
        return None
    return SENTENCES[Refusal.PARTNER_SUSPENDED if partner.status == "suspended" else Refusal.PARTNER_NOT_VALIDATED]


@blueprint.get("")
@requires("sales.make")
def index() -> str:
    """The till."""
    partner_id = acting_partner_id()
    with portal().reading() as conn:
        partner = partners.get(conn, partner_id)
        offers = catalogue.search(conn, partner_id, limit=1)
    return render_template("till/till.html", blocked=blocked(partner), catalogue_is_empty=not offers)
