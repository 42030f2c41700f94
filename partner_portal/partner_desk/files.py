"""The queue of applications and the file of each partner: what was checked, what was said, what was decided."""

import io
from collections.abc import Callable

from flask import Blueprint, Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from batch import sign_up_letters as letters
from batch.letters import Letter
from ledger import commitments, partner_accounts, partner_checks, partner_sheets, partners, sign_up_documents, sign_ups
from ledger import staff as staff_of
from ledger.identifiers import parse_iban
from ledger.partner_accounts import BankAccount
from ledger.partner_sheets import Sheet
from ledger.partners import NotPossible
from ledger.rights import Role
from ledger.sign_ups import SignUp
from ledger.staff import StaffRefused
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.principals import current_principal
from partner_portal.establishment.invitations import welcome
from partner_portal.partner_desk import words
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.sign_up import access

blueprint = Blueprint("files", __name__)

PAGE = 50
STATUSES = {
    "submitted": "À étudier",
    "draft": "En correction",
    "validated": "Validés",
    "suspended": "Suspendus",
    "refused": "Refusés",
}
MOST = 4000
"""Characters of a reason or question."""


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


# -- deciding --------------------------------------------------------------------------------------------------------


@blueprint.post("/<int:partner_id>/accepter")
@requires("partners.decide")
@step_up
def accept(partner_id: int) -> ResponseReturnValue:
    """Accept a partnership, with the bank account of its file; whoever signs for the school is invited."""
    actor = current_principal().actor
    try:
        with portal().engine.begin() as conn:
            partners.validate(conn, partner_id, actor=actor)
            sheet = sheet_of(conn, partner_id)
            _tell(conn, sheet, letters.validated(sheet.name))
            person, _ = staff_of.invite(
                conn,
                partner_id,
                email=sheet.signer_email,
                name=sheet.representative,
                role=Role.PARTNER_MANAGER,
                actor=actor,
            )
            welcome(conn, person, partner_id, sheet.name, actor=actor)
    except (NotPossible, StaffRefused) as error:
        flash(str(error), "danger")
    else:
        flash(f"{sheet.name} est partenaire. {person.name} est invité par courriel à {person.email}.", "success")
    return redirect(url_for("desk.files.show", partner_id=partner_id))


@blueprint.post("/<int:partner_id>/decision")
@requires("partners.decide")
def decide(partner_id: int) -> ResponseReturnValue:
    """Ask, give back, refuse, suspend or reinstate."""
    decision, reason = request.form.get("decision", ""), request.form.get("reason", "").strip()[:MOST]
    if decision not in _DECISIONS:
        raise Problem("bad_request")
    if not reason and decision != "reinstate":
        flash("Écrivez d’abord la question ou le motif : l’établissement le lira.", "danger")
        return redirect(url_for("desk.files.show", partner_id=partner_id, _anchor="decision"))
    try:
        with portal().engine.begin() as conn:
            told = _DECISIONS[decision](conn, sheet_of(conn, partner_id), reason)
    except NotPossible as error:
        flash(str(error), "danger")
    else:
        flash(told, "success")
    return redirect(url_for("desk.files.show", partner_id=partner_id))


def _ask(conn: Connection, sheet: Sheet, question: str) -> str:
    sign_up = _sign_up(conn, sheet)
    number = sign_ups.write(conn, sign_up.id, question, from_region=True, actor=current_principal().actor)
    letter = letters.asked(sheet.name, question, access.new_link(conn, sign_up.id))
    letters.send_to(conn, letter, [sign_up.email], purpose="sign_up_asked", fact=f"{number}")
    return "La question part par courriel ; la réponse viendra dans le dossier."


def _give_back(conn: Connection, sheet: Sheet, reason: str) -> str:
    sign_up = _sign_up(conn, sheet)
    partners.give_back(conn, sheet.partner_id, reason=reason, actor=current_principal().actor)
    link = access.new_link(conn, sign_up.id)
    letter = letters.given_back(sheet.name, reason, link)
    letters.send_to(conn, letter, [sign_up.email], purpose="sign_up_given_back", fact=link[-16:])
    return "Le dossier est rendu à l’établissement pour correction."


def _refuse(conn: Connection, sheet: Sheet, reason: str) -> str:
    partners.refuse(conn, sheet.partner_id, reason=reason, actor=current_principal().actor)
    _tell(conn, sheet, letters.refused(sheet.name, reason))
    return "La demande est refusée ; l’établissement reçoit le motif."


def _suspend(conn: Connection, sheet: Sheet, reason: str) -> str:
    partners.suspend(conn, sheet.partner_id, reason=reason, actor=current_principal().actor)
    _tell(conn, sheet, letters.suspended(sheet.name, reason))
    return "Le partenariat est suspendu : plus aucune vente, et les versements sont retenus."


def _reinstate(conn: Connection, sheet: Sheet, _reason: str) -> str:
    partners.reinstate(conn, sheet.partner_id, actor=current_principal().actor)
    _tell(conn, sheet, letters.reinstated(sheet.name))
    return "Le partenariat est rétabli."


_DECISIONS: dict[str, Callable[[Connection, Sheet, str], str]] = {
    "ask": _ask,
    "give_back": _give_back,
    "refuse": _refuse,
    "suspend": _suspend,
    "reinstate": _reinstate,
}


def _sign_up(conn: Connection, sheet: Sheet) -> SignUp:
    sign_up = sign_ups.of_partner(conn, sheet.partner_id)
    if sign_up is None:
        raise NotPossible("Ce dossier a été saisi par la Région : écrivez à l’établissement par courriel.")
    return sign_up


def _tell(conn: Connection, sheet: Sheet, letter: Letter) -> None:
    """Tell the school what was just decided; deciding the same again later is another fact."""
    now = partner_sheets.get(conn, sheet.partner_id)
    decided_at = now.decided_at if now else None
    fact = f"{sheet.partner_id}:{decided_at:%Y%m%dT%H%M%S.%f}"
    letters.send_to(conn, letter, sheet.recipients, purpose="partner_decided", fact=fact)
