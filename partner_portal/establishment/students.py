"""The students of the school to whom our mails do not get: without an address, or with one that was refused."""

from datetime import UTC, datetime

from flask import Blueprint, Response, render_template, request, url_for
from sqlalchemy import Connection

from ledger import audit, student_notices
from ledger.calendar import school_year_at
from ledger.partner_sheets import Sheet
from ledger.student_notices import Unreachable
from partner_portal import spreadsheets
from partner_portal.asked_numbers import number
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import current_principal
from partner_portal.establishment.sheet import own_sheet
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.spreadsheets import Column

blueprint = Blueprint("students", __name__, url_prefix="/eleves-injoignables")

LINES = 100
COLUMNS = (
    Column("classe"),
    Column("nom", width=24),
    Column("prénom", width=20),
    Column("adresse refusée", width=36),
)


@blueprint.get("")
@requires("students.unreachable")
def index() -> str:
    """This year's list, by class."""
    after = request.args.get("apres", default=0, type=number)
    with portal().engine.connect() as conn:
        sheet = own_sheet(conn)
        found = _own(conn, sheet) if sheet.status == "validated" else []
    return render_template(
        "establishment/students.html",
        sheet=sheet,
        found=found[after : after + LINES],
        without=sum(one.email is None for one in found),
        refused=sum(one.email is not None for one in found),
        is_first=after == 0,
        following=url_for("establishment.students.index", apres=after + LINES) if len(found) > after + LINES else None,
    )


@blueprint.get("/export")
@requires("students.unreachable")
def export() -> Response:
    """The whole list as a spreadsheet. That it left is noted: it holds names and addresses."""
    with portal().engine.begin() as conn:
        sheet = own_sheet(conn)
        if sheet.status != "validated":
            raise Problem("forbidden", "Le partenariat de votre établissement n’est pas en vigueur.")
        found = _own(conn, sheet)
        audit.record(
            conn,
            actor=current_principal().actor,
            action="partner.students_exported",
            subject=f"partner:{sheet.partner_id}",
            details={"students": len(found)},
        )
    rows = [(one.class_name, one.last_name, one.first_name, one.email) for one in found]
    return spreadsheets.download("eleves-injoignables", COLUMNS, rows, spreadsheets.wanted_form())


def _own(conn: Connection, sheet: Sheet) -> list[Unreachable]:
    """Those of the asker's own school, by its UAI: the Region has checked it before it validated the partnership."""
    return student_notices.unreachable(conn, school_year_at(datetime.now(UTC)), uai=sheet.uai)
