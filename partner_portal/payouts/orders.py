"""Ordering what takes time: preparing, making the file, handing it over. A job does it; its page shows how far."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from batch import payout_jobs, payout_orders, settings
from batch.execution_day import too_late
from batch.payout_orders import Order, UnknownOrder
from batch.queue import queue
from ledger import audit
from ledger.payouts import calendar, files, runs
from ledger.payouts.runs import Run
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.principals import current_principal
from partner_portal.payouts import words
from partner_portal.payouts.pages import blueprint, run_of
from partner_portal.portal import portal
from partner_portal.problems import Problem


def _place(order: Order, *arguments: object) -> ResponseReturnValue:
    """Order it under the number of the form, and show the page of that order."""
    try:
        number = UUID(request.form.get("number", ""))
    except ValueError as error:
        raise Problem("bad_request") from error
    payout_orders.place(portal().redis, number, order, *arguments, current_principal().actor)
    return redirect(url_for("payouts.order", number=number))


def _back(run_id: int, told: str) -> ResponseReturnValue:
    flash(told, "warning")
    return redirect(url_for("payouts.show", run_id=run_id))


@blueprint.post("/preparations")
@requires("payouts.prepare")
def prepare() -> ResponseReturnValue:
    """Freeze what is due, what is owed up to now, or a week whose run was refused."""
    match request.form.get("what"):
        case "due":
            return _place(Order.PREPARE_DUE)
        case "now":
            return _place(Order.PREPARE_NOW, datetime.now(UTC).isoformat())
        case "week":
            week = request.form.get("week", "")
            try:
                calendar.week_named(week)
            except ValueError as error:
                raise Problem("bad_request") from error
            return _place(Order.PREPARE_WEEK, week)
    raise Problem("bad_request")


@blueprint.get("/taches/<uuid:number>")
@requires("payouts.read")
def order(number: UUID) -> str:
    """How far an order is; the page asks again by itself."""
    try:
        progress = payout_orders.look_up(portal().redis, number)
    except UnknownOrder as error:
        raise Problem("not_found", "Cette tâche n’existe pas, ou date de plus d’une semaine.") from error
    found: list[Run] = []
    if progress.outcome:
        with portal().engine.connect() as conn:
            found = [runs.get(conn, run_id) for run_id in progress.outcome.run_ids]
    return render_template("payouts/order.html", progress=progress, runs=found, words=words, now=datetime.now(UTC))


# -- the file ------------------------------------------------------------------------------------------------------


@blueprint.get("/<int:run_id>/production")
@requires("payouts.prepare")
@step_up
def generation_page(run_id: int) -> ResponseReturnValue:
    """What the file is about to be made of."""
    return _before(run_id, "payouts/generate.html", "approved")


@blueprint.post("/<int:run_id>/production")
@requires("payouts.prepare")
@step_up
def generate(run_id: int) -> ResponseReturnValue:
    """Have the file made, if what is approved is still what the page showed."""
    with portal().engine.connect() as conn:
        run = run_of(conn, run_id)
    if request.form.get("content_hash") != run.content_hash.hex():
        return _back(run_id, "Cette page n’était plus à jour : relisez la campagne avant de continuer.")
    return _place(Order.GENERATE, run_id)


@blueprint.get("/<int:run_id>/transmission")
@requires("payouts.transmit")
@step_up
def transmission_page(run_id: int) -> ResponseReturnValue:
    """What is about to leave."""
    return _before(run_id, "payouts/transmit.html", "generated")


@blueprint.post("/<int:run_id>/transmission")
@requires("payouts.transmit")
@step_up
def transmit(run_id: int) -> ResponseReturnValue:
    """Put the file where the bank's software takes it, or note that a person brought it to the bank."""
    with portal().engine.connect() as conn:
        run = run_of(conn, run_id)
    if run.file is None or request.form.get("sha256") != run.file.sha256.hex():
        return _back(run_id, "Cette page n’était plus à jour : relisez la campagne avant de continuer.")
    if request.form.get("how") == "folder":
        return _place(Order.TRANSMIT, run_id)
    if request.form.get("how") != "person":
        raise Problem("bad_request")
    return _brought_by_a_person(run)


def _brought_by_a_person(shown: Run) -> ResponseReturnValue:
    actor = current_principal().actor
    where = request.form.get("where", "").strip()[:200] or "déposé sur le site de la banque"
    with portal().engine.begin() as conn:
        run = files.lock_for_file(conn, shown.id)
        if not _has_left(conn, run.id):
            return _back(run.id, "Téléchargez d’abord le fichier : personne ne l’a encore pris.")
        if run.state == "generated" and run.file is not None:
            files.confirm_transmission(conn, run.id, actor=actor, reason=where)
            subject = f"payout_run:{run.reference}"
            details: dict[str, object] = {"where": where, "sha256": run.file.sha256.hex()}
            audit.record(conn, actor=actor, action="payout.transmit", subject=subject, details=details)
    # What the calendar would do by itself some minutes later.
    queue("default", portal().redis).enqueue(payout_jobs.mail_advices, shown.id)
    flash(f"La campagne {shown.reference} est transmise à la banque ; les avis partent aux partenaires.", "success")
    return redirect(url_for("payouts.show", run_id=shown.id))


def _has_left(conn: Connection, run_id: int) -> bool:
    """Whether somebody, or the bank's folder, has had the run's file."""
    return any(one.finished_at for one in files.transmissions(conn, run_id))


def _before(run_id: int, template: str, state: str) -> ResponseReturnValue:
    """The page before an irreversible step, if the run is at that step."""
    with portal().engine.connect() as conn:
        run = run_of(conn, run_id)
        approvals = runs.approvals(conn, run_id)
        taken = _has_left(conn, run_id)
    if run.state != state:
        return _back(run_id, words.NOT_NOW[state, run.file is not None])
    return render_template(
        template,
        run=run,
        approvals=approvals,
        taken=taken,
        late=too_late(run, datetime.now(UTC)),
        folder=bool(settings.PAYOUT_FOLDER.value),
        number=uuid4(),
    )
