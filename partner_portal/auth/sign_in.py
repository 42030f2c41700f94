"""Signing in with a password and a code, signing out, and proving again who one is."""

from typing import cast

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import Connection

from ledger import audit, people
from partner_portal import navigation
from partner_portal.auth import doors, gate, passwords, second_factor
from partner_portal.auth.forms import CodeForm, ProofForm, SignInForm
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import current_principal
from partner_portal.auth.sessions import Session
from partner_portal.limits import limiter, source
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("auth", __name__)

WRONG = "L’adresse ou le mot de passe ne correspond pas."
WRONG_CODE = "Ce code n’est pas valable, ou il a déjà servi."
EVERY_SOURCE = "account"
"""Codes are counted per account alone: only somebody who knows the password can make its owner wait."""


@blueprint.route("/connexion", methods=["GET", "POST"])
@requires("session.open")
@limiter.limit("60 per minute", key_func=source, methods=["POST"], exempt_when=doors.has_known_device)
def sign_in() -> ResponseReturnValue:
    """Mail address and password."""
    if request.method == "GET":
        doors.remember_wanted_page()
        if current_principal().is_signed_in:
            return redirect(session.pop(doors.NEXT, None) or navigation.landing(current_principal()))
    form = SignInForm()
    if not form.validate_on_submit():
        return _page("auth/sign_in.html", form)
    email, password = str(form.email.data), str(form.password.data)
    device, throttle = doors.known_device(email), doors.throttle()
    seconds = throttle.seconds_left(email, request.remote_addr, device)
    if seconds:
        return _wait("auth/sign_in.html", form, seconds)
    with portal().engine.begin() as conn:
        person = people.by_email(conn, email)
        kept = person.password_hash if person is not None and person.status == "active" else None
        # An unknown address costs the same hash and the same audit row: time tells no more than words do.
        if not passwords.matches(kept, password) or person is None or kept is None:
            throttle.failed(email, request.remote_addr, device)
            _note_refusal(conn, person, "password")
            form.password.errors = [WRONG]
            return _page("auth/sign_in.html", form)
        throttle.succeeded(email, request.remote_addr, device)
        if passwords.is_dated(kept):
            people.refresh_password_hash(conn, person.id, passwords.hashed(password))
        return admit(conn, person, means="password")


def admit(conn: Connection, person: people.Person, *, means: str) -> ResponseReturnValue:
    """`person` has shown a first factor: let them in, or ask for the second one, which the Region's staff must have."""
    if person.totp_is_confirmed:
        doors.hold(person, means)
        return redirect(url_for("auth.code"))
    if person.is_region:
        doors.hold(person, means)
        return redirect(url_for("auth.enrol"))
    return doors.let_in(conn, person, means=means)


@blueprint.route("/connexion/code", methods=["GET", "POST"])
@requires("session.open")
def code() -> ResponseReturnValue:
    """The second factor of somebody who has shown the first."""
    form = CodeForm()
    with portal().engine.begin() as conn:
        person = doors.held(conn)
        if person is None or not person.totp_is_confirmed:
            return doors.back_to_sign_in()
        if not form.validate_on_submit():
            return _page("auth/code.html", form)
        means, seconds = check_code(conn, person, str(form.code.data))
        if seconds:
            return _wait("auth/code.html", form, seconds)
        if means is None:
            form.code.errors = [WRONG_CODE]
            return _page("auth/code.html", form)
        if means == "recovery_code":
            left = people.recovery_codes_left(conn, person.id)
            flash(f"Il vous reste {left} code{'s' if left > 1 else ''} de secours.", "warning")
        return doors.let_in(conn, person, means=means)


def check_code(conn: Connection, person: people.Person, typed: str) -> tuple[str | None, int]:
    """Use up a code: by what means it is right (None if it is not), and the seconds to wait before another try."""
    throttle, account = doors.throttle(), f"code:{person.id}"
    seconds = throttle.seconds_left(account, None, EVERY_SOURCE)
    if seconds:
        return None, seconds
    means = second_factor.take(conn, doors.vault(), person, typed)
    if means is None:
        throttle.failed(account, None, EVERY_SOURCE)
        _note_refusal(conn, person, "code")
    else:
        throttle.succeeded(account, None, EVERY_SOURCE)
    return means, 0


@blueprint.route("/connexion/second-facteur", methods=["GET", "POST"])
@requires("session.open")
def enrol() -> ResponseReturnValue:
    """Setting up the second factor of the Region's staff, who do not get in without."""
    form = CodeForm()
    with portal().engine.begin() as conn:
        person = doors.held(conn)
        if person is None or person.totp_is_confirmed:
            return doors.back_to_sign_in()
        secret = second_factor.pending_secret(conn, doors.vault(), person)
        if form.validate_on_submit():
            codes = second_factor.confirm(conn, person, secret, str(form.code.data))
            if codes is not None:
                doors.let_in(conn, person, means="totp")
                session[second_factor.FRESH_CODES] = codes
                return redirect(url_for("account.recovery_codes"))
            form.code.errors = [WRONG_CODE]
        return _page(
            "auth/enrol.html",
            form,
            secret=second_factor.grouped(secret),
            picture=url_for("auth.enrol_picture"),
            is_required=True,
        )


@blueprint.get("/connexion/second-facteur/image.svg")
@requires("session.open")
def enrol_picture() -> ResponseReturnValue:
    """The picture an authenticator application reads at enrolment."""
    with portal().engine.begin() as conn:
        person = doors.held(conn)
        if person is None or person.totp_is_confirmed:
            raise Problem("not_found")
        secret = second_factor.pending_secret(conn, doors.vault(), person)
    return second_factor.picture(second_factor.address(secret, person.email)), 200, {"Content-Type": "image/svg+xml"}


@blueprint.post("/deconnexion")
@requires("session.close")
def sign_out() -> ResponseReturnValue:
    """End this session."""
    actor = current_principal().actor
    with portal().engine.begin() as conn:
        audit.record(conn, actor=actor, action="session.closed", subject=actor)
    portal().sessions.sign_out(cast(Session, session))
    return redirect(url_for("home.index"))


@blueprint.route("/identite", methods=["GET", "POST"])
@requires("account.manage")
def confirm_identity() -> ResponseReturnValue:
    """Password or code once more, before an operation on money or bank details."""
    principal = current_principal()
    form = ProofForm()
    with portal().engine.begin() as conn:
        person = people.get(conn, principal.id or 0)
        if person is None:
            raise Problem("forbidden")
        by_code = person.totp_is_confirmed
        by_provider = not by_code and person.password_hash is None
        shown = {"by_code": by_code, "by_provider": by_provider}
        if by_code:
            form.proof.label.text = "Code à six chiffres"
        if by_provider or not form.validate_on_submit():
            return _page("auth/confirm_identity.html", form, **shown)
        check = check_code if by_code else check_password
        is_right, seconds = check(conn, person, str(form.proof.data))
        if seconds:
            return _wait("auth/confirm_identity.html", form, seconds, **shown)
        if not is_right:
            form.proof.errors = [WRONG_CODE if by_code else "Ce n’est pas votre mot de passe."]
            return _page("auth/confirm_identity.html", form, **shown)
        audit.record(conn, actor=principal.actor, action="session.proved", subject=principal.actor)
    gate.note_proof()
    return redirect(gate.local_path(request.args.get("next", "")) or navigation.landing(principal))


def check_password(conn: Connection, person: people.Person, typed: str) -> tuple[str | None, int]:
    """Check the password of somebody signed in, as `check_code` does a code."""
    throttle, account = doors.throttle(), f"proof:{person.id}"
    seconds = throttle.seconds_left(account, None, EVERY_SOURCE)
    if seconds:
        return None, seconds
    if passwords.matches(person.password_hash, typed):
        throttle.succeeded(account, None, EVERY_SOURCE)
        return "password", 0
    throttle.failed(account, None, EVERY_SOURCE)
    _note_refusal(conn, person, "proof")
    return None, 0


def _note_refusal(conn: Connection, person: people.Person | None, what: str) -> None:
    subject = f"person:{person.id}" if person else "person:unknown"
    audit.record(conn, actor="anonymous", action="session.refused", subject=subject, details={"what": what})


def _page(template: str, form: FlaskForm, **shown: object) -> ResponseReturnValue:
    return render_template(template, form=form, **shown), 422 if form.errors else 200


def _wait(template: str, form: FlaskForm, seconds: int, **shown: object) -> ResponseReturnValue:
    form.form_errors = [f"Trop d’essais. Patientez {spoken(seconds)} avant de recommencer."]
    body, _ = cast(tuple[str, int], _page(template, form, **shown))
    return body, 429, {"Retry-After": str(seconds)}


def spoken(seconds: int) -> str:
    """A wait as people say it: "30 secondes", "2 minutes"."""
    if seconds < 90:
        return f"{seconds} seconde{'s' if seconds > 1 else ''}"
    return f"{-(-seconds // 60)} minutes"
