"""The sales a school has made: looked up again, cancelled, and their receipts."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID, uuid4

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from batch.documents.models import SaleReceipt
from batch.documents.receipt import receipt_pdf
from batch.french import euros
from ledger import cancellations, partners, sold
from ledger.calendar import paris_midnight
from ledger.refusals import SENTENCES
from ledger.sales import KeyReused
from ledger.sold import Hand, SoldSale
from partner_portal.asked_numbers import number
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.resources.keys import request_hash
from partner_portal.till.receipts import called, receipt_of, send

blueprint = Blueprint("sales_pages", __name__, url_prefix="/partenaire/ventes")

PAGE = 50
DONE = {
    "sale.make": "Vendue par",
    "hold.make": "Réservée par",
    "hold.captured": "Réservation débitée par",
    "hold.voided": "Réservation levée par",
    "sale.cancel": "Annulée par",
}
"""What a person did to a sale, by its name in the audit trail."""


@blueprint.app_template_filter("called")
def _called(sale: SoldSale) -> str:
    return called(sale)


@blueprint.get("")
@requires("sales.read")
def index() -> str:
    """The sales that debited somebody, the latest first; of one day, if one is asked for."""
    day = _day(request.args.get("jour", ""))
    before = request.args.get("avant", type=number)
    start, end = (None, None) if day is None else (paris_midnight(day), paris_midnight(day + timedelta(days=1)))
    with portal().engine.connect() as conn:
        found = sold.sales_of_partner(conn, acting_partner_id(), before=before, start=start, end=end, limit=PAGE + 1)
        page = found[:PAGE]
        hands = _hands(conn, [sale for _, sale in page])
    older = None
    if len(found) > PAGE:
        older = url_for("sales_pages.index", avant=page[-1][0], jour=day.isoformat() if day else None)
    shown = [sale for _, sale in page]
    return render_template("till/sales.html", sales=shown, hands=hands, day=day, older=older, is_first=before is None)


@blueprint.get("/<id:sale_id>")
@requires("sales.read")
def one(sale_id: int) -> str:
    """One sale, with what can be done about it."""
    with portal().engine.connect() as conn:
        sale = _sale(conn, sale_id)
        hands = _hands(conn, [sale]).get(sale_id, [])
    return render_template(
        "till/sale.html", sale=sale, hands=hands, done=DONE, key=uuid4(), refusal_sentences=SENTENCES
    )


@blueprint.post("/<id:sale_id>/annuler")
@requires("sales.cancel")
def cancel(sale_id: int) -> ResponseReturnValue:
    """Give back the lines that were ticked. The form holds a key, so sending it twice cancels once."""
    lines = request.form.getlist("lines", type=number)
    reason = request.form.get("reason", "").strip()[:200]
    if not lines:
        flash("Cochez au moins une licence à annuler.", "warning")
        return redirect(url_for("sales_pages.one", sale_id=sale_id))
    try:
        key = UUID(request.form.get("key", ""))
        with portal().engine.begin() as conn:
            done = cancellations.cancel(
                conn,
                sale_id,
                partner_id=acting_partner_id(),
                origin=current_principal().actor,
                key=key,
                request_hash=request_hash({"lines": lines, "reason": reason}),
                lines=lines,
                reason=reason,
            )
    except ValueError as error:
        raise Problem("bad_request") from error
    except cancellations.UnknownSale as error:
        raise Problem("not_found", "Cette vente n’existe pas, ou n’a rien débité.") from error
    except (cancellations.NothingToCancel, KeyReused):
        flash("Rien n’a été annulé : ces licences l’étaient déjà.", "warning")
    else:
        flash(f"Annulé : {euros(done.refunded)} ont été rendus à l’élève.", "success")
        if done.lapsed:
            flash(f"La date limite est passée : {euros(done.lapsed)} ne pourront plus être utilisés.", "warning")
    return redirect(url_for("sales_pages.one", sale_id=sale_id))


@blueprint.get("/<id:sale_id>/recu")
@requires("sales.read")
def receipt(sale_id: int) -> str:
    """The receipt, to be printed."""
    with portal().engine.connect() as conn:
        sale, made = _receipt(conn, sale_id)
    return render_template("till/receipt.html", sale=sale, receipt=made)


@blueprint.get("/<id:sale_id>/recu.pdf")
@requires("sales.read")
def receipt_file(sale_id: int) -> Response:
    """The receipt as PDF."""
    with portal().engine.connect() as conn:
        _, made = _receipt(conn, sale_id)
    response = Response(receipt_pdf(made), mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="recu-{sale_id}.pdf"'
    return response


@blueprint.post("/<id:sale_id>/courriel")
@requires("sales.read")
def mail_receipt(sale_id: int) -> ResponseReturnValue:
    """Mail the receipt to the student."""
    with portal().engine.begin() as conn:
        sale, made = _receipt(conn, sale_id)
        sentence = send(conn, sale, made, actor=current_principal().actor)
    if request.accept_mimetypes.best == "application/json":
        return jsonify(sentence=sentence)
    flash(sentence)
    return redirect(url_for("sales_pages.one", sale_id=sale_id))


def _sale(conn: Connection, sale_id: int) -> SoldSale:
    sale = sold.sale_of_partner(conn, sale_id, acting_partner_id())
    if sale is None:
        raise Problem("not_found", "Cette vente n’existe pas dans votre établissement.")
    return sale


def _hands(conn: Connection, sales: Sequence[SoldSale]) -> dict[int, list[Hand]]:
    """Who did what to these sales, for whoever answers for the school's staff."""
    if not current_principal().may("staff.manage"):
        return {}
    return sold.people_behind(conn, [sale.sale_id for sale in sales])


def _receipt(conn: Connection, sale_id: int) -> tuple[SoldSale, SaleReceipt]:
    sale = _sale(conn, sale_id)
    if not sale.debited:
        raise Problem("not_found", "Cette vente n’a rien débité : elle n’a pas de reçu.")
    partner = partners.get(conn, acting_partner_id())
    return sale, receipt_of(sale, partner, portal().config.assistance)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
