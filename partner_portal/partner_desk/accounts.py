"""Changes of partners' bank accounts, decided after a call to a number known before."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from batch import settings
from batch.account_letters import tell
from ledger import partner_accounts, partner_sheets, people
from ledger.identifiers import parse_iban
from ledger.partner_accounts import AccountRefused, BankAccount
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.principals import current_principal
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("accounts", __name__, url_prefix="/comptes")

CHECK_RESULTS = {
    "match": "Le nom correspond",
    "close_match": "Le nom correspond presque",
    "no_match": "Le nom ne correspond pas",
    "not_possible": "La banque n’a pas pu répondre",
}


@blueprint.get("")
@requires("partners.read")
def index() -> str:
    """The changes that wait for a decision."""
    with portal().engine.connect() as conn:
        waiting = [
            (account, partner_sheets.get(conn, account.partner_id)) for account in partner_accounts.pending(conn)
        ]
        names = people.names_of(conn, (account.call.called_by for account, _ in waiting if account.call))
    return render_template("desk/accounts.html", waiting=waiting, names=names)


def _hands(account: BankAccount) -> list[str | None]:
    called_by = account.call.called_by if account.call else None
    checked_by = account.check.checked_by if account.check else None
    return [account.asked_by, account.accepted_by, called_by, checked_by]


def _account(conn: Connection, account_id: int) -> BankAccount:
    try:
        return partner_accounts.get(conn, account_id)
    except LookupError as error:
        raise Problem("not_found", "Ce compte n’existe pas.") from error


@blueprint.get("/<int:account_id>")
@requires("partners.read")
def show(account_id: int) -> str:
    """One account: what was asked, whom to call, what was noted."""
    with portal().engine.connect() as conn:
        account = _account(conn, account_id)
        others = [one for one in partner_accounts.history(conn, account.partner_id) if one.id != account_id]
        return render_template(
            "desk/account.html",
            account=account,
            iban=parse_iban(account.iban) if current_principal().may("partners.accept_iban") else None,
            current=next((one for one in others if one.accepted_at and one.ended_at is None), None),
            sheet=partner_sheets.get(conn, account.partner_id),
            phones=partner_accounts.known_phones(conn, account.partner_id),
            check_results=CHECK_RESULTS,
            names=people.names_of(conn, _hands(account)),
            cool_off=settings.BANK_ACCOUNT_COOL_OFF_DAYS.value,
        )


def _noted(account_id: int, done: str, change: Callable[[Connection, BankAccount], object]) -> ResponseReturnValue:
    """Make a change and say so, or say why it is not possible."""
    try:
        with portal().engine.begin() as conn:
            change(conn, _account(conn, account_id))
    except AccountRefused as error:
        flash(str(error), "danger")
    else:
        flash(done, "success")
    return redirect(url_for("desk.accounts.show", account_id=account_id))


def _written(name: str, missing: str) -> str:
    """A line of the form. Raises `AccountRefused` with `missing` when it is empty."""
    written = request.form.get(name, "").strip()[:400]
    if not written:
        raise AccountRefused("form", missing)
    return written


@blueprint.post("/<int:account_id>/appel")
@requires("partners.accept_iban")
def call(account_id: int) -> ResponseReturnValue:
    """Note the call by which the partner confirmed."""

    def note(conn: Connection, account: BankAccount) -> None:
        partner_accounts.record_call(
            conn,
            account.id,
            phone=_written("phone", "Choisissez le numéro que vous avez appelé."),
            spoke_with=_written("spoke_with", "Indiquez qui a confirmé."),
            actor=current_principal().actor,
        )

    return _noted(account_id, "L’appel est noté.", note)


@blueprint.post("/<int:account_id>/verification")
@requires("partners.accept_iban")
def check(account_id: int) -> ResponseReturnValue:
    """Note what the bank answered about name and IBAN."""
    result = request.form.get("result", "")
    if result not in CHECK_RESULTS:
        raise Problem("bad_request")
    found = request.form.get("found_name", "").strip()[:140] or None
    return _noted(
        account_id,
        "La réponse de la banque est notée.",
        lambda conn, account: partner_accounts.record_check(
            conn, account.id, result=result, found_name=found, actor=current_principal().actor
        ),
    )


@blueprint.post("/<int:account_id>/accepter")
@requires("partners.accept_iban")
@step_up
def accept(account_id: int) -> ResponseReturnValue:
    """Put the account in force, to be paid after the cool-off."""
    return _noted(
        account_id,
        "Le compte est en vigueur ; il sera crédité après le délai de sûreté.",
        lambda conn, account: partner_accounts.accept_change(
            conn,
            account.id,
            actor=current_principal().actor,
            tell=tell,
            cool_off_days=settings.BANK_ACCOUNT_COOL_OFF_DAYS.value,
        ),
    )


@blueprint.post("/<int:account_id>/refuser")
@requires("partners.accept_iban")
def refuse(account_id: int) -> ResponseReturnValue:
    """Turn the change down."""
    return _noted(
        account_id,
        "Le changement est refusé ; le compte en vigueur reste le même.",
        lambda conn, account: partner_accounts.refuse_change(
            conn,
            account.id,
            reason=_written("reason", "Écrivez le motif du refus."),
            actor=current_principal().actor,
            tell=tell,
        ),
    )


@blueprint.post("/<int:account_id>/debloquer")
@requires("partners.accept_iban")
@step_up
def unblock(account_id: int) -> ResponseReturnValue:
    """Pay a blocked account again, once it was looked at."""
    return _noted(
        account_id,
        "Le compte est débloqué : il sera crédité au prochain versement.",
        lambda conn, account: partner_accounts.unblock(conn, account.id, actor=current_principal().actor),
    )
