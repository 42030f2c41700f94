"""Links sent by mail: they open once, for a while, to choose a password. Invitations and forgotten passwords alike."""

import datetime
import hashlib
import secrets

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from batch import letters
from batch.letters import Letter
from ledger import audit, people
from partner_portal.auth import passwords
from partner_portal.auth.forms import ForgottenForm, NewPasswordForm
from partner_portal.auth.gate import requires
from partner_portal.limits import limiter, source
from partner_portal.portal import portal

blueprint = Blueprint("links", __name__)

PATH = "/acces"
LIFETIME = {"invitation": datetime.timedelta(days=7), "reset": datetime.timedelta(minutes=30)}


def invite(conn: Connection, person: people.Person, *, by: str, reason: str, public_url: str) -> str:
    """Send `person` a link to choose a password, and return it. `reason` is a French sentence: who opens which door."""
    address, token_hash = _new_link(conn, person, "invitation", public_url)
    letter = Letter(
        "Votre accès à Atouts Normandie",
        (reason, f"Vous vous connecterez avec cette adresse électronique : {person.email}."),
        link=("Choisir mon mot de passe", address),
        after=("Ce lien fonctionne une seule fois, pendant sept jours.",),
    )
    letters.post(conn, letter, recipient=person.email, purpose="invitation", dedup_key=f"link:{token_hash.hex()}")
    audit.record(conn, actor=by, action="person.invited", subject=f"person:{person.id}")
    return address


def send_reset(conn: Connection, person: people.Person | None) -> None:
    """Send a link to choose another password; with nobody to send it to, the same work is done and nothing leaves."""
    address, token_hash = _new_link(conn, person, "reset", portal().config.public_url)
    letter = Letter(
        "Choisir un nouveau mot de passe",
        ("Quelqu’un, sans doute vous, a demandé à choisir un nouveau mot de passe pour votre compte.",),
        link=("Choisir un nouveau mot de passe", address),
        after=(
            "Ce lien fonctionne une seule fois, pendant trente minutes.",
            "Si vous n’avez rien demandé, ne faites rien : votre mot de passe ne change pas.",
        ),
    )
    recipient = person.email if person else None
    letters.post(conn, letter, recipient=recipient, purpose="reset", dedup_key=f"link:{token_hash.hex()}")
    subject = f"person:{person.id}" if person else "person:unknown"
    audit.record(conn, actor="anonymous", action="person.reset_asked", subject=subject)


def _new_link(conn: Connection, person: people.Person | None, purpose: str, public_url: str) -> tuple[str, bytes]:
    token = secrets.token_urlsafe(32)
    token_hash = _hash(token)
    expires_at = datetime.datetime.now(datetime.UTC) + LIFETIME[purpose]
    people.add_link(conn, person.id if person else None, purpose, token_hash, expires_at)
    return f"{public_url}{PATH}/{token}", token_hash


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@blueprint.route("/mot-de-passe-oublie", methods=["GET", "POST"])
@requires("session.open")
@limiter.limit("20 per hour", key_func=source, methods=["POST"])
def forgotten() -> ResponseReturnValue:
    """Ask for a link. The answer is the same whether the address is known or not."""
    form = ForgottenForm()
    if not form.validate_on_submit():
        return render_template("auth/forgotten.html", form=form), 422 if form.errors else 200
    with portal().engine.begin() as conn:
        person = people.by_email(conn, str(form.email.data))
        send_reset(conn, person if person is not None and person.status != "disabled" else None)
    return render_template("auth/forgotten_sent.html", email=form.email.data)


@blueprint.route(f"{PATH}/<token>", methods=["GET", "POST"])
@requires("session.open")
@limiter.limit("60 per hour", key_func=source)
def choose_password(token: str) -> ResponseReturnValue:
    """Choose a password through a link. A look does not use it up: mail programs look at links before people do."""
    form = NewPasswordForm()
    with portal().engine.begin() as conn:
        holder = people.link_holder(conn, _hash(token))
        person = people.get(conn, holder[0]) if holder else None
        if holder is None or person is None:
            return render_template("auth/link_closed.html"), 410
        if form.validate_on_submit():
            refusal = passwords.refusal(str(form.password.data), about=guessable(person))
            if refusal is None:
                _change(conn, person, token, str(form.password.data))
                flash("Votre mot de passe est enregistré. Connectez-vous.", "success")
                return redirect(url_for("auth.sign_in"))
            form.password.errors = [refusal]
        shown = render_template("auth/choose_password.html", form=form, person=person, purpose=holder[1])
        return shown, 422 if form.errors else 200


def _change(conn: Connection, person: people.Person, token: str, password: str) -> None:
    # The row lock of `use_link` makes the second of two submissions find nothing.
    if people.use_link(conn, _hash(token)) is None:
        return
    had_one = person.password_hash is not None
    people.set_password(conn, person.id, passwords.hashed(password), by=f"person:{person.id}")
    portal().sessions.end_all(f"person:{person.id}")
    if had_one:
        tell_of_change(conn, person)


def guessable(person: people.Person) -> tuple[str, ...]:
    """The words somebody who wants to be `person` tries first."""
    return (*person.email.replace("@", " ").replace(".", " ").split(), *person.name.split(), "atouts", "normandie")


def tell_of_change(conn: Connection, person: people.Person) -> None:
    """Tell `person` by mail that their password has changed, in case it was not they."""
    letter = Letter(
        "Votre mot de passe a changé",
        ("Le mot de passe de votre compte Atouts Normandie vient d’être changé.",),
        after=("Si ce n’est pas vous, appelez-nous sans attendre.",),
    )
    letters.post(
        conn, letter, recipient=person.email, purpose="password_changed", dedup_key=f"password:{secrets.token_hex(16)}"
    )
