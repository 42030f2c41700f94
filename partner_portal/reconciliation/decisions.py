"""Deciding: a person accepts, refuses, explains or signs what is open, and closes a run."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from batch.bank.import_letters import tell
from ledger.reconciliation import closing, decisions, quarantine
from ledger.reconciliation.decisions import CannotSettle, Explanation
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.principals import current_principal
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.reconciliation.pages import blueprint


@blueprint.post("/points/share/<int:number>/decision")
@requires("reconciliation.settle")
def decide(number: int) -> ResponseReturnValue:
    """Decide about an amount in suspense."""

    def act(conn: Connection, actor: str, reason: str) -> str:
        match request.form.get("what"):
            case "accept":
                decisions.accept(conn, number, actor=actor, tell=tell)
                return "La proposition est acceptée."
            case "refuse":
                decisions.refuse(conn, number, reason=reason, actor=actor)
                return "La proposition est refusée : l’écriture reste à expliquer."
            case "charges" | "funding" | "payment":
                return _explain(conn, number, actor, reason)
            case "offset":
                other = request.form.get("offset", 0, type=int)
                decisions.offset(conn, [number, other], reason=reason, actor=actor)
                return "Les deux écritures se compensent."
            case "sign":
                decisions.sign(conn, number, reason=reason, actor=actor)
                return "L’explication est signée ; le montant reste en attente."
        raise Problem("bad_request")

    return _done(act, url_for(".item", subject="share", number=number))


def _explain(conn: Connection, number: int, actor: str, reason: str) -> str:
    match request.form.get("what"):
        case "charges" | "funding" as what:
            decisions.explain(conn, number, Explanation(what), reason=reason, actor=actor)
            return "L’écriture est expliquée."
        case "payment":
            reference = request.form.get("payment", "").strip()
            decisions.explain_by_payment(conn, number, reference, reason=reason, actor=actor, tell=tell)
            return f"L’écriture est celle du virement {reference}."
    raise Problem("bad_request")


@blueprint.post("/points/share/<int:number>/visa")
@requires("books.write_off")
@step_up
def confirm(number: int) -> ResponseReturnValue:
    """Enter an explanation that somebody else has signed, and that one person alone may not give."""

    def act(conn: Connection, actor: str, reason: str) -> str:
        return _explain(conn, number, actor, reason)

    return _done(act, url_for(".item", subject="share", number=number))


@blueprint.post("/points/share/<int:number>/abandon")
@requires("books.write_off")
@step_up
def write_off(number: int) -> ResponseReturnValue:
    """Sign that an amount is given up."""

    def act(conn: Connection, actor: str, reason: str) -> str:
        decisions.explain(conn, number, Explanation.WRITE_OFF, reason=reason, actor=actor)
        return "L’abandon est signé."

    return _done(act, url_for(".item", subject="share", number=number))


@blueprint.post("/points/<any(conflict, statement):subject>/<int:number>/decision")
@requires("reconciliation.settle")
def settle(subject: str, number: int) -> ResponseReturnValue:
    """Close a conflict of a status report, or put away a statement that was kept aside."""

    def act(conn: Connection, actor: str, reason: str) -> str:
        if subject == "conflict":
            decisions.settle_conflict(conn, number, reason=reason, actor=actor)
            return "Le conflit est réglé."
        decisions.dismiss(conn, number, reason=reason, actor=actor)
        return "Le relevé est écarté."

    return _done(act, url_for(".item", subject=subject, number=number))


@blueprint.post("/points/conflict/<int:number>/rejet")
@requires("reconciliation.settle")
@step_up
def reject_after_all(number: int) -> ResponseReturnValue:
    """Owe a payment again that the bank refused as a double, and that it confirms it never carried out."""

    def act(conn: Connection, actor: str, reason: str) -> str:
        decisions.reject_after_all(conn, number, reason=reason, actor=actor, tell=tell)
        return "Le virement est rejeté : son montant est de nouveau dû au partenaire."

    return _done(act, url_for(".item", subject="conflict", number=number))


@blueprint.post("/points/statement/<int:number>/prise-en-compte")
@requires("reconciliation.settle")
def ask_release(number: int) -> ResponseReturnValue:
    """Ask that a statement be taken although it announces other totals than its own."""

    def act(conn: Connection, actor: str, reason: str) -> str:
        quarantine.ask(conn, number, reason=reason, actor=actor)
        return "La demande est signée. Un approbateur des paiements doit la contresigner."

    here = url_for(".item", subject="statement", number=number)
    return _done(act, here, here)


@blueprint.post("/points/statement/<int:number>/visa")
@requires("reconciliation.release")
@step_up
def grant_release(number: int) -> ResponseReturnValue:
    """Countersign that a statement be taken."""

    def act(conn: Connection, actor: str, _reason: str) -> str:
        quarantine.grant(conn, number, actor=actor)
        return "C’est contresigné. Le relevé sera pris en compte quand son fichier sera déposé de nouveau."

    here = url_for(".item", subject="statement", number=number)
    return _done(act, here, here)


@blueprint.post("/campagnes/<int:run_id>/cloture")
@requires("reconciliation.settle")
@step_up
def close(run_id: int) -> ResponseReturnValue:
    """Say that a run is reconciled."""

    def act(conn: Connection, actor: str, reason: str) -> str:
        closing.close_run(conn, run_id, reason=reason, actor=actor)
        return "La campagne est rapprochée."

    here = url_for(".run", run_id=run_id)
    return _done(act, here, here)


def _done(act: Callable[[Connection, str, str], str], refused: str, done: str | None = None) -> ResponseReturnValue:
    """Act, as whoever asks and for the reason they give, and go on; or say why not and go back."""
    actor, reason = current_principal().actor, request.form.get("reason", "").strip()
    try:
        with portal().engine.begin() as conn:
            told = act(conn, actor, reason)
    except CannotSettle as error:
        flash(str(error), "danger")
        return redirect(refused)
    flash(told, "success")
    return redirect(done or url_for(".index"))
