"""The queue of applications and the file of each partner: what was checked, what was said, what was decided."""

import io

from flask import Blueprint, Response, render_template, request, send_file, url_for
from sqlalchemy import Connection

from ledger import commitments, partner_accounts, partner_checks, partner_sheets, sign_up_documents, sign_ups
from ledger.identifiers import parse_iban
from ledger.partner_accounts import BankAccount
from ledger.partner_sheets import Sheet
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import current_principal
from partner_portal.partner_desk import words
from partner_portal.partner_desk.steps import MOST, possible
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("files", __name__)

PAGE = 50
STATUSES = {
    "submitted": "À étudier",
    "draft": "En correction",
    "validated": "Validés",
    "suspended": "Suspendus",
    "refused": "Refusés",
}


@blueprint.app_template_filter("happened")
def _happened(happening: partner_sheets.Happening) -> str:
    return words.action(happening)


@blueprint.app_template_filter("done_by")
def _done_by(happening: partner_sheets.Happening) -> str:
    return words.who(happening)


@blueprint.get("")
@requires("partners.read")
def index() -> str:
    """The partners of one status; at first those that wait for the Region."""
    status = request.args.get("etat", "submitted")
    status = status if status in STATUSES else "submitted"
    asked = request.args.get("q", "").strip()[:100]
    after = max(0, request.args.get("apres", default=0, type=int))
    with portal().engine.connect() as conn:
        counts = partner_sheets.counts(conn)
        found = partner_sheets.listed(conn, status=status, words=asked, after=after, limit=PAGE + 1)
        changes = len(partner_accounts.pending(conn))
    following = url_for("desk.files.index", etat=status, q=asked or None, apres=after + PAGE)
    return render_template(
        "desk/index.html",
        found=found[:PAGE],
        counts=counts,
        statuses=STATUSES,
        status=status,
        words=asked,
        changes=changes,
        following=following if len(found) > PAGE else None,
    )


def sheet_of(conn: Connection, partner_id: int) -> Sheet:
    """The sheet of the partner that a page is about."""
    sheet = partner_sheets.get(conn, partner_id)
    if sheet is None:
        raise Problem("not_found", "Ce partenaire n’existe pas.")
    return sheet


@blueprint.get("/<int:partner_id>")
@requires("partners.read")
def show(partner_id: int) -> str:
    """The file of one partner."""
    with portal().engine.connect() as conn:
        sheet = sheet_of(conn, partner_id)
        sign_up = sign_ups.of_partner(conn, partner_id)
        accounts = partner_accounts.history(conn, partner_id)
        return render_template(
            "desk/show.html",
            sheet=sheet,
            sign_up=sign_up,
            checks=partner_checks.check(conn, sheet),
            papers=sign_up_documents.of(conn, sign_up.id) if sign_up else [],
            messages=sign_ups.messages(conn, sign_up.id) if sign_up else [],
            promises=commitments.accepted_by(conn, partner_id),
            accounts=accounts,
            iban=_whole_iban(accounts),
            history=partner_sheets.history(conn, partner_id),
            most=MOST,
            decisions=possible(sheet, sign_up),
        )


def _whole_iban(accounts: list[BankAccount]) -> str | None:
    """The IBAN to be compared with the bank identity slip: whole for whoever decides, and for nobody else."""
    live = next((one for one in accounts if one.ended_at is None), None)
    if live is None or not current_principal().may("partners.decide"):
        return None
    return parse_iban(live.iban).formatted


@blueprint.get("/<int:partner_id>/pieces/<int:document_id>")
@requires("partners.read")
def document(partner_id: int, document_id: int) -> Response:
    """A paper, to be saved: never shown inside our own pages, whatever it holds."""
    with portal().engine.connect() as conn:
        found = sign_up_documents.content_of(conn, partner_id, document_id)
    if found is None:
        raise Problem("not_found", "Cette pièce n’existe pas dans ce dossier.")
    paper, content = found
    return send_file(
        io.BytesIO(content), mimetype=paper.media_type, as_attachment=True, download_name=paper.name, etag=False
    )
