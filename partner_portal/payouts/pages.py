"""Looking: the list of runs, one run with its payments, and one payment. Everybody who may read the books may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import Connection

from batch.execution_day import too_late
from ledger.calendar import week_of
from ledger.payouts import advance, approval, calendar, comparison, files, independence, received, runs
from ledger.payouts.comparison import Look
from ledger.payouts.independence import Hindrance
from ledger.payouts.runs import Run, UnknownRun
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import current_principal
from partner_portal.charts import Bar
from partner_portal.money.words import KINDS, reason_of
from partner_portal.payouts import words
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("payouts", __name__, url_prefix="/region/versements")

RUNS = 20
BARS = 12
PAYMENTS = 50
HELD = 100
LINES = 100


def run_of(conn: Connection, run_id: int) -> Run:
    """The run that an address names; else the page that says there is none."""
    try:
        return runs.get(conn, run_id)
    except UnknownRun as error:
        raise Problem("not_found", str(error)) from error


def hindrance_of(conn: Connection, run: Run) -> Hindrance | None:
    """What keeps whoever asks from approving the run."""
    return independence.hindrance(conn, run, current_principal().id or 0)


@blueprint.get("")
@requires("payouts.read")
def index() -> str:
    """The runs, what is due, and the buttons that prepare them."""
    before = request.args.get("avant", type=int)
    now = datetime.now(UTC)
    with portal().engine.connect() as conn:
        found = runs.latest(conn, RUNS + 1, before=before)
        due = calendar.due(conn, now)
    chart = [
        Bar(run.reference.partition("-")[2], run.amount) for run in reversed(found[:BARS]) if run.state != "refused"
    ]
    return render_template(
        "payouts/index.html",
        runs=found[:RUNS],
        older=url_for("payouts.index", avant=found[RUNS - 1].id) if len(found) > RUNS else None,
        is_first=before is None,
        due=due,
        now=now,
        chart=chart if before is None and sum(bar.value > 0 for bar in chart) > 1 else [],
        number=uuid4(),
        words=words,
    )


@blueprint.get("/<int:run_id>")
@requires("payouts.read")
def show(run_id: int) -> str:
    """One run: sums, what to look at, payments, what is left out, its story, and what can be done next."""
    look = _look()
    search = request.args.get("q", "").strip()[:100]
    page = max(1, min(request.args.get("page", 1, type=int), 100_000))
    with portal().engine.connect() as conn:
        run = run_of(conn, run_id)
        payments = comparison.payments(conn, run, look, search=search, skip=(page - 1) * PAYMENTS, limit=PAYMENTS + 1)
        waits = run.state in ("frozen", "approved")
        approvals = runs.approvals(conn, run_id)
        story = _story(conn, run)
        told = {
            "differences": comparison.differences(conn, run),
            "shares": comparison.by_state(conn, run_id),
            "left_out": comparison.held_by_reason(conn, run_id),
            "outdated": approval.outdated(conn, run_id) if waits else [],
            "hindrance": hindrance_of(conn, run) if run.state == "frozen" else None,
            "advance_left": advance.left(conn, run) if run.state == "frozen" else None,
            "prepared_by": runs.called(conn, run.prepared_by),
        }
    return render_template(
        "payouts/show.html",
        run=run,
        payments=payments[:PAYMENTS],
        has_more=len(payments) > PAYMENTS,
        page=page,
        look=look,
        search=search,
        story=story,
        approvals=approvals,
        needed=approval.APPROVALS_NEEDED,
        number=uuid4(),
        late=too_late(run, datetime.now(UTC)),
        week=week_of(run.cutoff - timedelta(microseconds=1)).name,
        words=words,
        **told,
    )


def _story(conn: Connection, run: Run) -> list[tuple[datetime, str, str, str]]:
    """What happened to a run: when, what, by whom, and why."""
    unfinished = "Pas terminé : les mêmes octets repartent." if run.state == "generated" else "N’a pas abouti."
    told = [
        (one.at, words.STATES[one.state][0], runs.called(conn, one.actor), one.reason or "")
        for one in runs.steps(conn, run.id)
    ]
    told += [(one.at, "Approbation", one.name, "") for one in runs.approvals(conn, run.id)]
    told += [
        (
            one.begun_at,
            words.CHANNELS[one.channel],
            runs.called(conn, one.begun_by),
            "" if one.finished_at else unfinished,
        )
        for one in files.transmissions(conn, run.id)
    ]
    return sorted(told)


def _look() -> Look:
    try:
        return Look(request.args.get("voir", "all"))
    except ValueError:
        return Look.ALL


@blueprint.get("/<int:run_id>/reste")
@requires("payouts.read")
def left_out(run_id: int) -> str:
    """Who is owed something that the run does not pay, and why."""
    page = max(1, min(request.args.get("page", 1, type=int), 100_000))
    with portal().engine.connect() as conn:
        run = run_of(conn, run_id)
        found = comparison.held(conn, run_id, skip=(page - 1) * HELD, limit=HELD + 1)
    return render_template("payouts/left_out.html", run=run, held=found[:HELD], has_more=len(found) > HELD, page=page)


@blueprint.get("/<int:run_id>/virements/<int:payment_id>")
@requires("payouts.read")
def payment(run_id: int, payment_id: int) -> str:
    """One payment, with every movement that it pays."""
    after = request.args.get("apres", default=0, type=int)
    with portal().engine.connect() as conn:
        run, found = payment_of(conn, run_id, payment_id)
        lines = list(received.lines(conn, payment_id, after=after, limit=LINES + 1))
    following = None
    if len(lines) > LINES:
        following = url_for("payouts.payment", run_id=run_id, payment_id=payment_id, apres=lines[LINES - 1].transfer_id)
    return render_template(
        "payouts/payment.html",
        run=run,
        payment=found,
        lines=lines[:LINES],
        following=following,
        is_first=after == 0,
        kinds=KINDS,
        reason=reason_of(found.state_reason) if found.state in ("rejected", "returned") else "",
        words=words,
    )


def payment_of(conn: Connection, run_id: int, payment_id: int) -> tuple[Run, runs.Payment]:
    """A payment of a run; else the page that says there is none."""
    try:
        run, found = runs.payment(conn, payment_id)
    except UnknownRun as error:
        raise Problem("not_found", str(error)) from error
    if run.id != run_id:
        raise Problem("not_found")
    return run, found
