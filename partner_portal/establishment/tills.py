"""The tills of a school: paired by a code that is shown once, listed with their last use, revoked."""

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from ledger import terminals
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.establishment.sheet import own_sheet
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("tills", __name__, url_prefix="/caisses")

FRESH_CODE = "fresh_pairing_code"
"""Session key: a code that was just made, until it is shown."""


@blueprint.get("")
@requires("terminals.manage")
def index() -> str:
    """Every till, and a code that was just made."""
    code = session.pop(FRESH_CODE, None)
    with portal().engine.connect() as conn:
        sheet = own_sheet(conn)
        found = terminals.terminals_of(conn, sheet.partner_id)
    return render_template("establishment/tills.html", found=found, code=code, sheet=sheet)


@blueprint.post("/code")
@requires("terminals.manage")
def make_code() -> ResponseReturnValue:
    """Make a code that pairs one till within a day. It is shown once, on the page that follows."""
    with portal().engine.begin() as conn:
        code, expires_at = terminals.make_pairing_code(conn, acting_partner_id(), actor=current_principal().actor)
    session[FRESH_CODE] = [code, expires_at]
    return redirect(url_for("establishment.tills.index"))


@blueprint.post("/<int:terminal_id>/revoquer")
@requires("terminals.manage")
def revoke(terminal_id: int) -> ResponseReturnValue:
    """Refuse every further call of a till."""
    partner_id = acting_partner_id()
    with portal().engine.begin() as conn:
        name = next(
            (one.name for one in terminals.terminals_of(conn, partner_id) if one.terminal_id == terminal_id), None
        )
        if name is None:
            raise Problem("not_found", "Cette caisse n’existe pas dans votre établissement.")
        terminals.revoke_terminal(conn, terminal_id, partner_id=partner_id, actor=current_principal().actor)
    flash(f"{name} est révoquée : elle ne peut plus rien enregistrer.", "success")
    return redirect(url_for("establishment.tills.index"))
