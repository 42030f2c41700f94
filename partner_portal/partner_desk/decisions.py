"""Deciding on a partner: accept, ask, give back, refuse, suspend, reinstate.

What goes against a school has a page of its own, which says what will happen and asks for the reason.
"""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import Connection
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from batch import sign_up_letters as letters
from batch.letters import Letter
from ledger import partner_sheets, partners, sign_ups
from ledger import staff as staff_of
from ledger.partner_sheets import Sheet
from ledger.partners import NotPossible
from ledger.rights import Role
from ledger.sign_ups import SignUp
from ledger.staff import StaffRefused
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.principals import current_principal
from partner_portal.establishment.invitations import welcome
from partner_portal.partner_desk.files import sheet_of
from partner_portal.partner_desk.steps import GIVE_BACK, MOST, REFUSE, STEPS, SUSPEND, Step, possible
from partner_portal.portal import portal
from partner_portal.sign_up import access

blueprint = Blueprint("decisions", __name__)


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """Why."""

    reason = TextAreaField(
        "Motif",
        filters=[lambda typed: typed.strip() if typed else typed],
        validators=[
            DataRequired("Écrivez le motif : l’établissement le lira."),
            Length(max=MOST, message="4 000 caractères au plus."),
        ],
    )


@blueprint.post("/<int:partner_id>/accepter")
@requires("partners.decide")
@step_up
def accept(partner_id: int) -> ResponseReturnValue:
    """Accept a partnership, with the bank account of its file; whoever signs for the school is invited."""
    actor = current_principal().actor
    try:
        with portal().engine.begin() as conn:
            partners.validate(conn, partner_id, actor=actor)
            sheet = sheet_of(conn, partner_id)
            _tell(conn, sheet, letters.validated(sheet.name))
            person, _ = staff_of.invite(
                conn,
                partner_id,
                email=sheet.signer_email,
                name=sheet.representative,
                role=Role.PARTNER_MANAGER,
                actor=actor,
            )
            welcome(conn, person, partner_id, sheet.name, actor=actor)
    except (NotPossible, StaffRefused) as error:
        flash(str(error), "danger")
    else:
        flash(f"{sheet.name} est partenaire. L’invitation de {person.name} part à {person.email}.", "success")
    return _file(partner_id)


@blueprint.post("/<int:partner_id>/question")
@requires("partners.decide")
def ask(partner_id: int) -> ResponseReturnValue:
    """Write to the school, which answers in its file."""
    question = request.form.get("question", "").strip()[:MOST]
    if not question:
        flash("Écrivez d’abord votre question : l’établissement la lira.", "danger")
        return _file(partner_id, "decision")
    return _done(partner_id, lambda conn, sheet: _ask(conn, sheet, question))


@blueprint.post("/<int:partner_id>/retablir")
@requires("partners.decide")
def reinstate(partner_id: int) -> ResponseReturnValue:
    """End a suspension."""
    return _done(partner_id, _reinstate)


@blueprint.route("/<int:partner_id>/<any(correction, refus, suspension):address>", methods=["GET", "POST"])
@requires("partners.decide")
def take(partner_id: int, address: str) -> ResponseReturnValue:
    """Say what a decision will do, ask for its reason, and make it."""
    step = next(step for step in STEPS if step.address == address)
    form = ReasonForm()
    if form.validate_on_submit():
        return _done(partner_id, lambda conn, sheet: _MADE[step](conn, sheet, str(form.reason.data)))
    with portal().engine.connect() as conn:
        sheet = sheet_of(conn, partner_id)
        is_open = step in possible(sheet, sign_ups.of_partner(conn, partner_id))
    if not is_open:
        flash("Cette décision n’est pas possible : voici où en est le dossier.", "warning")
        return _file(partner_id)
    page = render_template("desk/decide.html", sheet=sheet, step=step, form=form, most=MOST)
    return page, 422 if form.errors else 200


def _done(partner_id: int, make: Callable[[Connection, Sheet], str]) -> ResponseReturnValue:
    """Make a decision and say what came of it, or why it is not possible."""
    try:
        with portal().engine.begin() as conn:
            told = make(conn, sheet_of(conn, partner_id))
    except NotPossible as error:
        flash(str(error), "danger")
    else:
        flash(told, "success")
    return _file(partner_id)


def _file(partner_id: int, anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("desk.files.show", partner_id=partner_id, _anchor=anchor))


def _ask(conn: Connection, sheet: Sheet, question: str) -> str:
    sign_up = _sign_up(conn, sheet)
    number = sign_ups.write(conn, sign_up.id, question, from_region=True, actor=current_principal().actor)
    letter = letters.asked(sheet.name, question, access.new_link(conn, sign_up.id))
    letters.send_to(conn, letter, [sign_up.email], purpose="sign_up_asked", fact=f"{number}")
    return "La question part par courriel ; la réponse viendra dans le dossier."


def _give_back(conn: Connection, sheet: Sheet, reason: str) -> str:
    sign_up = _sign_up(conn, sheet)
    partners.give_back(conn, sheet.partner_id, reason=reason, actor=current_principal().actor)
    link = access.new_link(conn, sign_up.id)
    letter = letters.given_back(sheet.name, reason, link)
    letters.send_to(conn, letter, [sign_up.email], purpose="sign_up_given_back", fact=link[-16:])
    return "Le dossier est rendu à l’établissement pour correction."


def _refuse(conn: Connection, sheet: Sheet, reason: str) -> str:
    partners.refuse(conn, sheet.partner_id, reason=reason, actor=current_principal().actor)
    _tell(conn, sheet, letters.refused(sheet.name, reason))
    return "La demande est refusée ; l’établissement reçoit le motif."


def _suspend(conn: Connection, sheet: Sheet, reason: str) -> str:
    partners.suspend(conn, sheet.partner_id, reason=reason, actor=current_principal().actor)
    _tell(conn, sheet, letters.suspended(sheet.name, reason))
    return "Le partenariat est suspendu : plus aucune vente, et les versements sont retenus."


def _reinstate(conn: Connection, sheet: Sheet) -> str:
    partners.reinstate(conn, sheet.partner_id, actor=current_principal().actor)
    _tell(conn, sheet, letters.reinstated(sheet.name))
    return "Le partenariat est rétabli."


_MADE: dict[Step, Callable[[Connection, Sheet, str], str]] = {
    GIVE_BACK: _give_back,
    REFUSE: _refuse,
    SUSPEND: _suspend,
}


def _sign_up(conn: Connection, sheet: Sheet) -> SignUp:
    sign_up = sign_ups.of_partner(conn, sheet.partner_id)
    if sign_up is None:
        raise NotPossible("Ce dossier a été saisi par la Région : écrivez à l’établissement par courriel.")
    return sign_up


def _tell(conn: Connection, sheet: Sheet, letter: Letter) -> None:
    """Tell the school what was just decided; deciding the same again later is another fact."""
    now = partner_sheets.get(conn, sheet.partner_id)
    decided_at = now.decided_at if now else None
    fact = f"{sheet.partner_id}:{decided_at:%Y%m%dT%H%M%S.%f}"
    letters.send_to(conn, letter, sheet.recipients, purpose="partner_decided", fact=fact)
