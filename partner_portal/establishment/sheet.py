"""The sheet of a school: what the Region knows of it, and whom it calls there."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import Connection
from wtforms import TelField

from ledger import benefits, commitments, partner_sheets
from ledger.partner_sheets import Sheet
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.portal import portal
from partner_portal.sign_up.forms import email, phone, words

blueprint = Blueprint("sheet", __name__)


class ContactForm(FlaskForm):  # type: ignore[misc]
    """Whom the Region calls and writes to."""

    contact = words("Nom et prénom du contact", "Indiquez qui nous pouvons appeler.")
    email = email("Adresse électronique")
    phone = TelField("Téléphone", validators=[phone])


def own_sheet(conn: Connection) -> Sheet:
    """The sheet of the school that the asker acts for."""
    sheet = partner_sheets.get(conn, acting_partner_id())
    if sheet is None:
        raise LookupError("the asker's school is gone")
    return sheet


@blueprint.get("")
@requires("partner.read")
def show() -> str:
    """The sheet."""
    with portal().engine.connect() as conn:
        sheet = own_sheet(conn)
        labels = benefits.labels(conn)
        promises = commitments.accepted_by(conn, sheet.partner_id)
    accepted = ", ".join(labels.get(code, code) for code in sheet.accepts)
    return render_template("establishment/sheet.html", sheet=sheet, accepted=accepted, promises=promises)


@blueprint.route("/contact", methods=["GET", "POST"])
@requires("partner.edit")
def contact() -> ResponseReturnValue:
    """Change whom the Region calls."""
    with portal().engine.begin() as conn:
        sheet = own_sheet(conn)
        form = ContactForm(obj=sheet)
        if form.validate_on_submit():
            partner_sheets.change_contact(
                conn,
                sheet.partner_id,
                contact=str(form.contact.data),
                email=str(form.email.data),
                phone=str(form.phone.data),
                actor=current_principal().actor,
            )
            flash("Le contact est à jour.", "success")
            return redirect(url_for("establishment.sheet.show"))
    return render_template("establishment/contact.html", form=form), 422 if form.errors else 200
