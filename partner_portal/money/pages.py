"""What the school is paid: the week so far, payments with their advices, the statement; all as spreadsheets too."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, render_template, request, url_for
from sqlalchemy import Connection

from batch.documents.models import RemittanceAdvice
from batch.documents.remittance_advice import CSV_WORDS, remittance_advice_csv, remittance_advice_pdf
from batch.left_out_letters import WHAT_NEXT
from batch.payout_documents import advice
from ledger import partner_activity, partners, statements
from ledger.accounts import partner_account
from ledger.calendar import Week, week_of
from ledger.partner_activity import Movement
from ledger.payouts import received, runs
from partner_portal import spreadsheets
from partner_portal.asked_numbers import number
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import acting_partner_id
from partner_portal.charts import Bar
from partner_portal.money import words
from partner_portal.money.period import Period, period_asked
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.spreadsheets import Column

blueprint = Blueprint("money", __name__, url_prefix="/partenaire/versements")

WEEKS_SHOWN = 16
PAYMENTS = 10
LINES = 100
MOST_REPORTS = 100
"""More than the weeks of the longest period."""
MOVEMENTS = (
    Column("date", "moment", 18),
    Column("mouvement", width=18),
    Column("vente", width=12),
    Column("élève", width=16),
    Column("isbn", width=15),
    Column("licence ou référence", width=44),
    Column("montant", "euros"),
    Column("solde", "euros"),
)
ADVICE = (
    Column("type", width=16),
    Column("date", "moment", 18),
    Column("vente", width=14),
    Column("élève", width=16),
    Column("isbn", width=15),
    Column("licence", width=44),
    Column("avantage", width=24),
    Column("montant", "euros"),
)
WEEKS = (
    Column("semaine du", "day"),
    Column("ventes", "euros"),
    Column("annulations", "euros"),
    Column("net", "euros"),
    Column("licences vendues", "count", 18),
)


@blueprint.get("")
@requires("partner.balance")
def index() -> str:
    """What will be paid, what was, and what was left out."""
    partner_id = acting_partner_id()
    before = request.args.get("avant", type=number)
    with portal().reading() as conn:
        weeks = _weeks(conn)
        standing = received.standing(conn, partner_id)
        payments = received.payments(conn, partner_id, before=before, limit=PAYMENTS + 1)
        left_out = partner_activity.left_out(conn, partner_id)
        school = partners.get(conn, partner_id)
    older = url_for("money.index", avant=payments[PAYMENTS - 1].payment_id) if len(payments) > PAYMENTS else None
    chart = [Bar(f"{one.week.monday:%d/%m}", one.sales, is_marked=one is weeks[-1]) for one in weeks]
    return render_template(
        "money/index.html",
        school=school,
        this_week=weeks[-1],
        standing=standing,
        chart=chart if any(bar.value for bar in chart) else [],
        payments=payments[:PAYMENTS],
        older=older,
        is_first=before is None,
        left_out=left_out,
        what_next=WHAT_NEXT,
        states=words.STATES,
    )


@blueprint.get("/semaines")
@requires("partner.balance")
def weeks_file() -> Response:
    """Sales by week as a spreadsheet."""
    with portal().reading() as conn:
        weeks = _weeks(conn)
    rows = [(one.week.monday, one.sales, -one.refunds, one.net, one.sold_lines) for one in weeks]
    return spreadsheets.download("ventes-par-semaine", WEEKS, rows, spreadsheets.wanted_form())


@blueprint.get("/<id:payment_id>")
@requires("partner.statement")
def payment(payment_id: int) -> str:
    """One payment, with everything that it is made of."""
    after = request.args.get("apres", default=0, type=number)
    with portal().reading() as conn:
        found = received.payment(conn, acting_partner_id(), payment_id)
        if found is None:
            raise _not_there()
        lines = list(received.lines(conn, payment_id, after=after, limit=LINES + 1))
    following = None
    if len(lines) > LINES:
        following = url_for("money.payment", payment_id=payment_id, apres=lines[LINES - 1].transfer_id)
    return render_template(
        "money/payment.html",
        payment=found,
        lines=lines[:LINES],
        following=following,
        is_first=after == 0,
        states=words.STATES,
        kinds=words.KINDS,
        reason=words.reason_of(found.state_reason),
    )


@blueprint.get("/<id:payment_id>/avis.pdf")
@requires("partner.statement")
def advice_pdf(payment_id: int) -> Response:
    """The remittance advice, to be printed or kept."""
    told = _advice(payment_id)
    response = Response(remittance_advice_pdf(told), mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="avis-{told.run}.pdf"'
    return response


@blueprint.get("/<id:payment_id>/avis")
@requires("partner.statement")
def advice_file(payment_id: int) -> Response:
    """The lines of the remittance advice as a spreadsheet."""
    told = _advice(payment_id)
    if spreadsheets.wanted_form() == "csv":
        response = Response(remittance_advice_csv(told), mimetype="text/csv")
        response.headers["Content-Disposition"] = f'attachment; filename="avis-{told.run}.csv"'
        return response
    rows = [
        (CSV_WORDS[one.kind], one.at, one.reference, one.student, one.ean, one.title, one.benefit, one.amount_cents)
        for one in told.lines
    ]
    return spreadsheets.download(f"avis-{told.run}", ADVICE, rows, "xlsx")


@blueprint.get("/releve")
@requires("partner.statement")
def statement() -> str:
    """What moved the school's account over some days, with the balance after each movement."""
    partner_id, period, only = acting_partner_id(), _period(), _only()
    after = request.args.get("apres", default=0, type=number)
    with portal().reading() as conn:
        opening, closing = _balances(conn, period)
        left_out = partner_activity.left_out(conn, partner_id, period.starts_at, period.ends_at, limit=MOST_REPORTS)
        found = list(
            partner_activity.movements(
                conn,
                partner_id,
                period.starts_at,
                period.ends_at,
                opening=opening,
                kinds=_kinds(only),
                after=after,
                limit=LINES + 1,
            )
        )
    following = None
    if len(found) > LINES:
        last = found[LINES - 1].transfer_id
        following = url_for("money.statement", du=period.first, au=period.last, type=only or None, apres=last)
    return render_template(
        "money/statement.html",
        period=period,
        asked=_asked(period, only),
        only=only,
        opening=opening,
        closing=closing,
        movements=found[:LINES],
        left_out=left_out,
        what_next=WHAT_NEXT,
        following=following,
        is_first=after == 0,
        words=words,
    )


@blueprint.get("/releve/export")
@requires("partner.statement")
def statement_file() -> Response:
    """The whole statement as a spreadsheet."""
    period = _period()
    with portal().reading() as conn:
        opening, _ = _balances(conn, period)
        rows = [_row(movement) for movement in _every(conn, period, opening)]
    name = f"releve-{period.first}-{period.last}"
    return spreadsheets.download(name, MOVEMENTS, rows, spreadsheets.wanted_form())


def _every(conn: Connection, period: Period, opening: int) -> Iterator[Movement]:
    yield from partner_activity.movements(
        conn,
        acting_partner_id(),
        period.starts_at,
        period.ends_at,
        opening=opening,
        kinds=_kinds(_only()),
        limit=1_000_000,
    )


def _row(movement: Movement) -> tuple[object, ...]:
    return (
        movement.posted_at,
        words.kind_of(movement),
        str(movement.sale_id or ""),
        words.student_of(movement),
        f"{movement.ean:013}" if movement.ean else "",
        words.subject_of(movement),
        movement.amount,
        movement.balance,
    )


def _balances(conn: Connection, period: Period) -> tuple[int, int]:
    account = partner_account(acting_partner_id())
    return (
        statements.balance(conn, account, period.starts_at),
        statements.balance(conn, account, period.ends_at),
    )


def _weeks(conn: Connection) -> list[partner_activity.WeekOfSales]:
    last = week_of(datetime.now(UTC))
    first = Week(last.monday - timedelta(weeks=WEEKS_SHOWN - 1))
    return partner_activity.sales_by_week(conn, acting_partner_id(), first, last)


def _advice(payment_id: int) -> RemittanceAdvice:
    with portal().reading() as conn:
        if received.payment(conn, acting_partner_id(), payment_id) is None:
            raise _not_there()
        run, found = runs.payment(conn, payment_id)
        if run.file is None:
            raise Problem("not_found", "L’avis de ce versement sera prêt quand le virement sera remis à la banque.")
        return advice(conn, run, found)


def _period() -> Period:
    return period_asked(request.args.get("du", ""), request.args.get("au", ""), datetime.now(UTC))


def _only() -> str:
    only = request.args.get("type", "")
    return only if only in words.FILTERS else ""


def _kinds(only: str) -> tuple[str, ...] | None:
    return words.FILTERS[only][1] if only else None


def _asked(period: Period, only: str) -> dict[str, str]:
    return {"du": period.first.isoformat(), "au": period.last.isoformat()} | ({"type": only} if only else {})


def _not_there() -> Problem:
    return Problem("not_found", "Ce versement n’existe pas dans votre établissement.")
