"""The students' doors: activation with the card and the birth date, and coming back with a password.

Who has forgotten the password activates again: the card and the birth date are enough, and every other device is signed
out. Parents of minors come in the same way.
"""

import time
from typing import Any, cast
from uuid import uuid4

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import Connection
from werkzeug.exceptions import RequestEntityTooLarge

from batch.letters import post
from batch.student_letters import access_letter
from ledger import audit, student_access
from ledger.student_access import KnownStudent
from partner_portal import navigation
from partner_portal.auth import doors, passwords
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import current_principal
from partner_portal.auth.sessions import Session
from partner_portal.auth.sign_in import spoken
from partner_portal.limits import limiter, source
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.students import identity
from partner_portal.students.forms import ActivationForm, PasscodeForm, StudentSignInForm
from pos_client import decoding

blueprint = Blueprint("students_door", __name__, url_prefix="/connexion/eleve")

WRONG = "Ces informations ne correspondent pas. Vérifiez-les, puis recommencez."
PENDING = "student_pending"
"""Session key: who has shown card and birth date and still owes a password, and since when."""
PENDING_S = 900
OF_CARD = "card"
"""Birth dates are counted per card, from wherever: only who has the card can make its owner wait."""
FRAME_BYTES = 200_000


@blueprint.route("", methods=["GET", "POST"])
@requires("session.open")
@limiter.limit("60 per minute", key_func=source, methods=["POST"])
def sign_in() -> ResponseReturnValue:
    """Coming back."""
    if request.method == "GET":
        doors.remember_wanted_page()
        if current_principal().kind == "student":
            return redirect(session.pop(doors.NEXT, None) or navigation.landing(current_principal()))
    form = StudentSignInForm()
    if not form.validate_on_submit():
        return _page("students/sign_in.html", form)
    typed, throttle = str(form.name.data), doors.throttle()
    account = f"student:{''.join(typed.split()).casefold()}"
    seconds = throttle.seconds_left(account, request.remote_addr, None)
    if seconds:
        return _wait("students/sign_in.html", form, seconds)
    with portal().engine.begin() as conn:
        student = identity.named(conn, typed)
        kept = None if student is None else student.passcode_hash
        # Nobody costs the same hash as somebody: time tells no more than words do.
        if not passwords.matches(kept, str(form.passcode.data)) or student is None:
            throttle.failed(account, request.remote_addr, None)
            return _refused(conn, "students/sign_in.html", form, "passcode")
        throttle.succeeded(account, request.remote_addr, None)
        return doors.let_student_in(conn, student.student_id, student.first_name, means="passcode")


@blueprint.route("/activation", methods=["GET", "POST"])
@requires("session.open")
@limiter.limit("60 per minute", key_func=source, methods=["POST"])
def activate() -> ResponseReturnValue:
    """First visit, or a forgotten password: the card and the birth date."""
    form = ActivationForm()
    if not form.validate_on_submit():
        return _page("students/activate.html", form)
    born = identity.birth_date(str(form.birth_date.data))
    if born is None:
        form.birth_date.errors = ["Écrivez le jour, le mois et l’année, par exemple 14/07/2010."]
        return _page("students/activate.html", form)
    card_id, throttle = identity.card_number(str(form.code.data)), doors.throttle()
    account, device = (f"activation:{card_id}", OF_CARD) if card_id is not None else ("activation", None)
    seconds = throttle.seconds_left(account, request.remote_addr, device)
    if seconds:
        return _wait("students/activate.html", form, seconds)
    with portal().engine.begin() as conn:
        student = None if card_id is None else student_access.by_card(conn, card_id)
        if student is None or student.birth_date != born:
            throttle.failed(account, request.remote_addr, device)
            return _refused(conn, "students/activate.html", form, "card")
    throttle.succeeded(account, request.remote_addr, device)
    portal().sessions.renew(cast(Session, session))
    session[PENDING] = [student.student_id, time.time()]
    return redirect(url_for("students_door.choose_passcode"))


@blueprint.route("/mot-de-passe", methods=["GET", "POST"])
@requires("session.open")
def choose_passcode() -> ResponseReturnValue:
    """The password of somebody who has just shown card and birth date."""
    form = PasscodeForm()
    with portal().engine.begin() as conn:
        student = _pending(conn)
        if student is None:
            return redirect(url_for("students_door.activate"))
        address = identity.own_address(conn, student)
        if not form.validate_on_submit():
            return _page("students/passcode.html", form, student=student, address=address)
        refusal = identity.passcode_refusal(str(form.passcode.data), student)
        if refusal:
            form.passcode.errors = [refusal]
            return _page("students/passcode.html", form, student=student, address=address)
        kept = passwords.hashed(str(form.passcode.data))
        is_first = student_access.choose_passcode(conn, student.student_id, kept)
        post(
            conn,
            access_letter(student.first_name, is_first=is_first),
            recipient=student.email,
            purpose="student_access",
            dedup_key=f"student_access:{uuid4()}",
        )
        answer = doors.let_student_in(conn, student.student_id, student.first_name, means="card")
        portal().sessions.end_all(f"student:{student.student_id}")
    flash("C’est fait : votre espace est ouvert.", "success")
    return answer


def _pending(conn: Connection) -> KnownStudent | None:
    student_id, since = session.get(PENDING, (None, 0))
    if student_id is None or time.time() - since > PENDING_S:
        return None
    return student_access.get(conn, student_id)


# -- the card by a picture -----------------------------------------------------------------------------------------


@blueprint.post("/cadre")
@requires("session.open")
@limiter.limit("300 per minute", key_func=source)
def frame() -> dict[str, Any]:
    """The card on one frame of the camera, as at the till; looked at once, never kept."""
    request.max_content_length = FRAME_BYTES
    try:
        return {"cards": decoding.glance(_picture())}
    except decoding.UnreadablePicture:
        return {"cards": []}


@blueprint.post("/photo")
@requires("session.open")
@limiter.limit("12 per minute", key_func=source)
def picture() -> tuple[dict[str, Any], int]:
    """The card on a photograph, looked for with patience."""
    try:
        cards = decoding.look(_picture()).cards
    except decoding.UnreadablePicture as error:
        return {"detail": str(error)}, 422
    if not cards:
        return {"detail": "Aucune carte Atouts Normandie ne se lit sur cette photo : tapez le code."}, 422
    return {"cards": list(cards)}, 200


def _picture() -> bytes:
    try:
        return request.get_data()
    except RequestEntityTooLarge as error:
        raise Problem("payload_too_large") from error


# -- answers -------------------------------------------------------------------------------------------------------


def _page(template: str, form: FlaskForm, **shown: object) -> ResponseReturnValue:
    return render_template(template, form=form, **shown), 422 if form.errors else 200


def _refused(conn: Connection, template: str, form: FlaskForm, what: str) -> ResponseReturnValue:
    audit.record(conn, actor="anonymous", action="session.refused", subject="student:unknown", details={"what": what})
    form.form_errors = [WRONG]
    return _page(template, form)


def _wait(template: str, form: FlaskForm, seconds: int) -> ResponseReturnValue:
    form.form_errors = [f"Trop d’essais. Patientez {spoken(seconds)} avant de recommencer."]
    body, _ = cast(tuple[str, int], _page(template, form))
    return body, 429, {"Retry-After": str(seconds)}
