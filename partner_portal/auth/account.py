"""What people see and change about their own account: password, second factor, where they are signed in."""

import datetime
from typing import cast

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ledger import audit, people
from partner_portal.auth import doors, gate, passwords, second_factor
from partner_portal.auth.forms import ChangePasswordForm, CodeForm
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.links import guessable, tell_of_change
from partner_portal.auth.principals import current_principal
from partner_portal.auth.sessions import Session
from partner_portal.auth.sign_in import WRONG_CODE, check_password
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("account", __name__, url_prefix="/compte")


def _person(conn: Connection) -> people.Person:
    person = people.get(conn, current_principal().id or 0)
    if person is None:
        raise Problem("forbidden")
    return person


@blueprint.get("")
@requires("account.manage")
def overview() -> str:
    """The account at a glance."""
    sessions, current = portal().sessions, cast(Session, session)
    with portal().engine.connect() as conn:
        person = _person(conn)
        codes_left = people.recovery_codes_left(conn, person.id)
    here = sessions.reference(current)
    rows = [
        {
            "reference": one.reference,
            "agent": one.agent,
            "source": one.source,
            "since": _instant(one.created),
            "seen": _instant(one.seen),
            "is_here": one.reference == here,
        }
        for one in sessions.sessions_of(current_principal().actor)
    ]
    return render_template("auth/account.html", person=person, sessions=rows, codes_left=codes_left)


def _instant(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


@blueprint.route("/mot-de-passe", methods=["GET", "POST"])
@requires("account.manage")
def password() -> ResponseReturnValue:
    """Change the password; every other session ends."""
    form = ChangePasswordForm()
    with portal().engine.begin() as conn:
        person = _person(conn)
        if form.validate_on_submit():
            is_right, seconds = check_password(conn, person, str(form.current.data))
            refusal = passwords.refusal(str(form.password.data), about=guessable(person))
            if seconds or not is_right:
                form.current.errors = [
                    "Trop d’essais. Patientez un moment." if seconds else "Ce n’est pas votre mot de passe."
                ]
            elif refusal:
                form.password.errors = [refusal]
            else:
                people.set_password(
                    conn, person.id, passwords.hashed(str(form.password.data)), by=f"person:{person.id}"
                )
                tell_of_change(conn, person)
                portal().sessions.end_all(f"person:{person.id}", but=cast(Session, session))
                gate.note_proof()
                flash("Votre mot de passe est changé. Vos autres connexions sont fermées.", "success")
                return redirect(url_for("account.overview"))
        return render_template("auth/password.html", form=form), 422 if form.errors else 200


@blueprint.route("/second-facteur", methods=["GET", "POST"])
@requires("account.manage")
@step_up
def enrol() -> ResponseReturnValue:
    """Add a code generator to the account."""
    form = CodeForm()
    with portal().engine.begin() as conn:
        person = _person(conn)
        if person.totp_is_confirmed:
            return redirect(url_for("account.overview"))
        secret = second_factor.pending_secret(conn, doors.vault(), person)
        if form.validate_on_submit():
            codes = second_factor.confirm(conn, person, secret, str(form.code.data))
            if codes is not None:
                session[second_factor.FRESH_CODES] = codes
                return redirect(url_for("account.recovery_codes"))
            form.code.errors = [WRONG_CODE]
        shown = {
            "secret": second_factor.grouped(secret),
            "picture": url_for("account.enrol_picture"),
            "is_required": False,
        }
        return render_template("auth/enrol.html", form=form, **shown), 422 if form.errors else 200


@blueprint.get("/second-facteur/image.svg")
@requires("account.manage")
@step_up
def enrol_picture() -> ResponseReturnValue:
    """The picture an authenticator application reads at enrolment."""
    with portal().engine.begin() as conn:
        person = _person(conn)
        if person.totp_is_confirmed:
            raise Problem("not_found")
        secret = second_factor.pending_secret(conn, doors.vault(), person)
    return second_factor.picture(second_factor.address(secret, person.email)), 200, {"Content-Type": "image/svg+xml"}


@blueprint.post("/second-facteur/retirer")
@requires("account.manage")
@step_up
def drop_second_factor() -> ResponseReturnValue:
    """Take the code generator off the account; the Region's staff set up another one at once."""
    with portal().engine.begin() as conn:
        person = _person(conn)
        people.drop_totp(conn, person.id, by=f"person:{person.id}")
    if person.is_region:
        portal().sessions.end_all(f"person:{person.id}")
        return redirect(url_for("auth.sign_in"))
    flash("La double authentification est retirée.", "success")
    return redirect(url_for("account.overview"))


@blueprint.get("/codes-de-secours")
@requires("account.manage")
def recovery_codes() -> ResponseReturnValue:
    """Recovery codes that were just made, once."""
    codes = session.pop(second_factor.FRESH_CODES, None)
    if codes is None:
        return redirect(url_for("account.overview"))
    return render_template("auth/recovery_codes.html", codes=codes)


@blueprint.post("/codes-de-secours")
@requires("account.manage")
@step_up
def renew_recovery_codes() -> ResponseReturnValue:
    """Make new recovery codes; the old ones are worth nothing any more."""
    codes = second_factor.new_recovery_codes()
    with portal().engine.begin() as conn:
        person = _person(conn)
        if not person.totp_is_confirmed:
            raise Problem("conflict")
        hashes = [second_factor.recovery_hash(code) for code in codes]
        people.replace_recovery_codes(conn, person.id, hashes, by=f"person:{person.id}")
    session[second_factor.FRESH_CODES] = codes
    return redirect(url_for("account.recovery_codes"))


@blueprint.post("/connexions/fermer")
@requires("account.manage")
def close_sessions() -> ResponseReturnValue:
    """End one session of one's own, or all of them but this one."""
    actor, sessions = current_principal().actor, portal().sessions
    reference = request.form.get("reference")
    ended = (
        int(sessions.end_one(actor, reference)) if reference else sessions.end_all(actor, but=cast(Session, session))
    )
    with portal().engine.begin() as conn:
        audit.record(conn, actor=actor, action="session.closed_elsewhere", subject=actor, details={"sessions": ended})
    flash("Connexion fermée." if ended == 1 else f"{ended} connexions fermées.", "success")
    return redirect(url_for("account.overview"))


@blueprint.post("/etablissement")
@requires("account.manage")
def choose_partner() -> ResponseReturnValue:
    """Act for another of one's schools from now on."""
    partner_id = request.form.get("partner_id", type=int)
    with portal().engine.connect() as conn:
        if partner_id not in _person(conn).partner_ids:
            raise Problem("not_found")
    session[gate.PARTNER] = partner_id
    # Pages opened for the former school end here: what they still send must not count for this one.
    session.pop("csrf_token", None)
    return redirect(url_for("partner_home.index"))
