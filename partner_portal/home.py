"""The public home page, and the page on which one arrives in each space."""

from flask import Blueprint, render_template

from ledger import benefits, partners
from ledger.rights import RIGHTS, ROLE_NAMES, Role
from partner_portal import dashboards
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import acting_partner_id
from partner_portal.money.words import STATES
from partner_portal.portal import portal

blueprint = Blueprint("home", __name__)
partner_home = Blueprint("partner_home", __name__, url_prefix="/partenaire")
region_home = Blueprint("region_home", __name__, url_prefix="/region")


@blueprint.get("/")
@requires("public.read")
def index() -> str:
    """What the scheme is, and the three doors."""
    with portal().reading() as conn:
        deadline = benefits.first_deadline(conn)
    return render_template("home/index.html", deadline=deadline)


@blueprint.get("/droits")
@requires("public.read")
def rights() -> str:
    """The table of rights, as the code applies it."""
    roles = [role for role in Role if role not in (Role.ANYONE, Role.PERSON)]
    return render_template("home/rights.html", rights=RIGHTS, roles=roles, role_names=ROLE_NAMES, everybody=Role.ANYONE)


@partner_home.get("", endpoint="index")
@requires("partner.read")
def partner() -> str:
    """Where a school's staff arrive."""
    with portal().reading() as conn:
        day = dashboards.school_day(conn, acting_partner_id())
        school = partners.get(conn, acting_partner_id())
    return render_template("home/partner.html", day=day, school=school, states=STATES)


@region_home.get("", endpoint="index")
@requires("region.read")
def region() -> str:
    """Where the Region's staff arrive."""
    with portal().reading() as conn:
        day = dashboards.region_day(conn)
    return render_template("home/region.html", day=day)
