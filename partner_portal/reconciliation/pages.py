"""Looking: where the bank account stands, what is open, the statements, a run and a period side by side."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from flask import Blueprint, Response, render_template, request, url_for
from sqlalchemy import Connection

from batch import reconciliation_documents
from batch.documents.reconciliation_sheet import reconciliation_pdf
from batch.documents.reconciliation_workbook import reconciliation_xlsx
from ledger.calendar import paris_date
from ledger.payouts import runs
from ledger.payouts.approval import Altered
from ledger.payouts.runs import STATE_WORDS, UnknownRun
from ledger.reconciliation import items, period_sheet, quarantine
from ledger.reconciliation.run_sheet import RunSheet, SheetRow, Why
from partner_portal.auth.gate import requires
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("reconciliation", __name__, url_prefix="/region/rapprochement")

ITEMS = 200
STATEMENTS = 50
ROWS = 100
WEEK = timedelta(days=6)
STATEMENT_STATES = {
    "taken": ("Pris en compte", "success"),
    "quarantined": ("À l’écart", "danger"),
    "dismissed": ("Écarté", "neutral"),
}
RUN_TONES = {"booked": "success", "partial": "warning", "rejected": "danger", "reconciled": "success"}
TONES = {Why.AGREES: "success", Why.REJECTED: "warning", Why.RETURNED: "warning", Why.AWAITED: "info"}
AT_THE_BANK = ("generated", "transmitted", "booked", "partial", "rejected", "reconciled")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("")
@requires("reconciliation.read")
def index() -> str:
    """Where the bank account stands, what is open, and the runs that are at the bank."""
    today = paris_date(datetime.now(UTC))
    with portal().engine.connect() as conn:
        week = period_sheet.period_sheet(conn, today - WEEK, today)
        begun = bool(period_sheet.statements(conn, limit=1))
        at_the_bank = [run for run in runs.latest(conn, 20) if run.state in AT_THE_BANK]
    conflicts = [item for item in week.items if item.in_conflict]
    others = [item for item in week.items if not item.in_conflict]
    return render_template(
        "reconciliation/index.html",
        week=week,
        begun=begun,
        conflicts=conflicts,
        others=others[:ITEMS],
        more=len(others) > ITEMS or len(week.items) == items.LIMIT,
        runs=at_the_bank,
        run_states=STATE_WORDS,
        run_tones=RUN_TONES,
    )


@blueprint.get("/points/<subject>/<int:number>")
@requires("reconciliation.read")
def item(subject: str, number: int) -> str:
    """One open item, with what can be decided about it."""
    with portal().engine.connect() as conn:
        found = items.find(conn, subject, number)
        if found is None:
            raise Problem("not_found", "Ce point n’est plus ouvert.")
        decided_by = runs.called(conn, found.decided_by) if found.decided_by else ""
        aside = quarantine.find(conn, number) if subject == "statement" else None
        asked_by = runs.called(conn, aside.asked_by) if aside and aside.asked_by else ""
        opposite = [
            other
            for other in items.open_items(conn)
            if other.subject == "share" and other.number != number and found.amount and other.amount == -found.amount
        ]
    return render_template(
        "reconciliation/item.html", item=found, decided_by=decided_by, opposite=opposite, aside=aside, asked_by=asked_by
    )


@blueprint.get("/releves")
@requires("reconciliation.read")
def statements() -> str:
    """The statements and notifications, the newest first."""
    before = request.args.get("avant", type=int)
    with portal().engine.connect() as conn:
        found = period_sheet.statements(conn, before=before, limit=STATEMENTS + 1)
    older = url_for(".statements", avant=found[STATEMENTS - 1].id) if len(found) > STATEMENTS else None
    newer = url_for(".statements") if before else None
    return render_template(
        "reconciliation/statements.html",
        statements=found[:STATEMENTS],
        states=STATEMENT_STATES,
        older=older,
        newer=newer,
    )


@blueprint.get("/periode")
@requires("reconciliation.read")
def period() -> str:
    """The bank account over some days; the last seven if none are given."""
    today = paris_date(datetime.now(UTC))
    last_day = _day(request.args.get("au", "")) or today
    first_day = min(_day(request.args.get("du", "")) or last_day - WEEK, last_day)
    with portal().engine.connect() as conn:
        sheet = period_sheet.period_sheet(conn, first_day, last_day)
    return render_template("reconciliation/period.html", sheet=sheet)


@blueprint.get("/campagnes/<int:run_id>")
@requires("reconciliation.read")
def run(run_id: int) -> str:
    """Ledger, file and bank side by side; the payments that differ first."""
    page = max(1, request.args.get("page", 1, type=int))
    with portal().engine.connect() as conn:
        sheet = sheet_of(conn, run_id)
        closed_by = _closed_by(conn, sheet)
    rows = sorted(sheet.rows, key=_agreeing_last)
    skipped = (page - 1) * ROWS
    return render_template(
        "reconciliation/run.html",
        sheet=sheet,
        rows=rows[skipped : skipped + ROWS],
        next_page=url_for(".run", run_id=run_id, page=page + 1) if len(rows) > skipped + ROWS else None,
        previous_page=url_for(".run", run_id=run_id, page=page - 1) if page > 1 else None,
        closed_by=closed_by,
        tones=TONES,
        run_states=STATE_WORDS,
        run_tones=RUN_TONES,
    )


@blueprint.get("/campagnes/<int:run_id>/rapprochement.<form>")
@requires("reconciliation.read")
def document(run_id: int, form: str) -> Response:
    """The sheet of a run as PDF or as an Excel workbook."""
    if form not in ("pdf", "xlsx"):
        raise Problem("not_found")
    with portal().engine.connect() as conn:
        sheet = sheet_of(conn, run_id)
        closed_by = _closed_by(conn, sheet)
    if form == "pdf":
        response = Response(reconciliation_pdf(sheet, datetime.now(UTC), closed_by), mimetype="application/pdf")
    else:
        response = Response(reconciliation_xlsx(sheet), mimetype=XLSX)
    name = f"rapprochement-{sheet.run.reference}.{form}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def sheet_of(conn: Connection, run_id: int) -> RunSheet:
    """The sheet of the run that an address names; else the page that says there is none."""
    try:
        return reconciliation_documents.sheet(conn, run_id)
    except UnknownRun as error:
        raise Problem("not_found", str(error)) from error
    except Altered as error:
        raise Problem("conflict", str(error)) from error


def _closed_by(conn: Connection, sheet: RunSheet) -> str:
    return runs.called(conn, sheet.closing.closed_by) if sheet.closing else ""


def _agreeing_last(row: SheetRow) -> tuple[bool, str]:
    return (row.why is Why.AGREES, row.end_to_end_id)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
