"""The bank account of a school: which one is paid, and how another one is asked for."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField

from batch import settings
from batch.account_letters import tell
from ledger import partner_accounts
from ledger.identifiers import parse_iban
from ledger.partner_accounts import AccountRefused
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.portal import portal
from partner_portal.sign_up.forms import identifier, words

blueprint = Blueprint("bank_account", __name__, url_prefix="/compte-bancaire")


class ChangeForm(FlaskForm):  # type: ignore[misc]
    """Another account."""

    iban = StringField("IBAN du nouveau compte", validators=[identifier(parse_iban)])
    holder = words("Titulaire du compte, comme sur le RIB", "Indiquez le titulaire du compte.", 70)


@blueprint.get("")
@requires("partner.read")
def show() -> str:
    """The account in force, the one that is asked for, and those before."""
    with portal().engine.connect() as conn:
        accounts = partner_accounts.history(conn, acting_partner_id())
    return render_template(
        "establishment/bank_account.html",
        live=[account for account in accounts if account.ended_at is None],
        past=[account for account in accounts if account.ended_at is not None],
        cool_off=settings.BANK_ACCOUNT_COOL_OFF_DAYS.value,
    )


@blueprint.route("/changer", methods=["GET", "POST"])
@requires("partner.change_iban")
@step_up
def change() -> ResponseReturnValue:
    """Ask for another account."""
    form = ChangeForm()
    if form.validate_on_submit():
        try:
            with portal().engine.begin() as conn:
                partner_accounts.ask_change(
                    conn,
                    acting_partner_id(),
                    iban=str(form.iban.data),
                    holder=str(form.holder.data),
                    actor=current_principal().actor,
                    tell=tell,
                )
        except AccountRefused as error:
            form.iban.errors = [str(error)]
        else:
            flash("La demande est transmise. La Région vous appellera avant de décider.", "success")
            return redirect(url_for("establishment.bank_account.show"))
    page = render_template(
        "establishment/change_account.html", form=form, cool_off=settings.BANK_ACCOUNT_COOL_OFF_DAYS.value
    )
    return page, 422 if form.errors else 200
