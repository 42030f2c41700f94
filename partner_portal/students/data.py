"""What is held about a student: to see, to take away, and whom to ask; and whether they want reminders."""

import json
from datetime import UTC, date, datetime
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from batch.student_letters import questions_email
from batch.student_mails import reminder_days
from ledger import audit, student_history, student_notices, student_record
from partner_portal.auth.gate import proved_by_address, requires
from partner_portal.auth.principals import current_principal
from partner_portal.portal import portal
from partner_portal.resources.answers import utc
from partner_portal.students.home import known, own_id
from partner_portal.students.own_file import in_french

blueprint = Blueprint("students_data", __name__, url_prefix="/eleve")

ALL_OPERATIONS = 10_000


@blueprint.get("/donnees")
@requires("own_data.read")
def index() -> str:
    """What is held, in words."""
    student_id = own_id()
    with portal().engine.connect() as conn:
        known(student_record.profile(conn, student_id))
        held = student_record.held(conn, student_id)
        wanted = student_notices.wants_reminders(conn, student_id)
    return render_template("students/data.html", held=held, wanted=wanted, days=sorted(reminder_days(), reverse=True))


@blueprint.get("/donnees.json")
@requires("own_data.read")
def export() -> Response:
    """Everything that is held, as a file."""
    student_id = own_id()
    with portal().engine.begin() as conn:
        known(student_record.profile(conn, student_id))
        held = student_record.held(conn, student_id)
        operations = student_history.operations(conn, student_id, limit=ALL_OPERATIONS)
        actor = current_principal().actor
        audit.record(conn, actor=actor, action="own_data.export", subject=actor)
    everything = {
        "made_at": datetime.now(UTC),
        "questions": questions_email(),
        "operations": [
            {
                "at": one.posted_at,
                "kind": one.kind,
                "benefit": one.label,
                "school_year": one.school_year,
                "amount_cents": one.amount,
                "balance_after_cents": one.balance_after,
                "partner": one.partner,
                "titles": one.titles,
            }
            for one in operations
        ],
        **held,
    }
    # To be read by people too: in lines, and with accents as they are.
    told = in_french(everything, actor)
    readable = json.dumps(told, ensure_ascii=False, indent=2, default=_as_text)
    answer = Response(readable + "\n", mimetype="application/json")
    answer.headers["Content-Disposition"] = 'attachment; filename="mes-donnees-atouts.json"'
    return answer


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return utc(value.astimezone(UTC))
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"not for JSON: {value!r}")


@blueprint.post("/rappels")
@requires("reminders.choose")
def choose_reminders() -> ResponseReturnValue:
    """Stop the reminders, or have them again."""
    student_id = own_id()
    with portal().engine.begin() as conn:
        wanted = not student_notices.wants_reminders(conn, student_id)
        student_notices.choose_reminders(conn, student_id, wanted=wanted)
    flash("Vous recevrez les rappels." if wanted else "Vous ne recevrez plus de rappel.", "success")
    return redirect(url_for("students_data.index"))


@blueprint.route("/rappels/<uuid:token>", methods=["GET", "POST"])
@requires("reminders.stop")
@proved_by_address
def stop_reminders(token: UUID) -> ResponseReturnValue:
    """The link in a reminder. A button stops them, the page's or the mail program's own, which posts here (RFC 8058).

    Programs that open every link of a mail change nothing.
    """
    is_done = False
    if request.method == "POST":
        with portal().engine.begin() as conn:
            # An unknown link is thanked like a known one: it tells nothing.
            student_notices.stop_reminders(conn, token)
        is_done = True
    return render_template("students/stop_reminders.html", is_done=is_done)
