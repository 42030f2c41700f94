"""The staff of a school: invited, given another role, removed by its managers; never by themselves."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import Connection
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired

from ledger import people
from ledger import staff as staff_of
from ledger.people import Person
from ledger.rights import Role
from ledger.staff import StaffRefused
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.establishment.invitations import welcome
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.sign_up.forms import email, words

blueprint = Blueprint("staff", __name__, url_prefix="/equipe")

ROLES = {Role.PARTNER_CASHIER: "Caisse", Role.PARTNER_MANAGER: "Responsable"}
"""As a school calls them."""
MEANINGS = {
    Role.PARTNER_CASHIER: "Caisse : encaisser, annuler, relire les ventes et les versements",
    Role.PARTNER_MANAGER: "Responsable : aussi le catalogue, l’équipe, les caisses et le compte bancaire",
}


class InvitationForm(FlaskForm):  # type: ignore[misc]
    """Somebody new."""

    name = words("Nom et prénom", "Indiquez le nom.")
    email = email("Adresse électronique professionnelle")
    role = RadioField(
        "Rôle",
        choices=[SelectChoice(role.value, meaning) for role, meaning in MEANINGS.items()],
        default=Role.PARTNER_CASHIER.value,
        validators=[DataRequired("Choisissez un rôle.")],
    )


@blueprint.get("")
@requires("staff.manage")
def index() -> str:
    """Everybody at the school."""
    partner_id = acting_partner_id()
    with portal().engine.connect() as conn:
        found = [(person, staff_of.role_at(person, partner_id)) for person in people.of_partner(conn, partner_id)]
    return render_template("establishment/staff.html", found=found, roles=ROLES)


@blueprint.route("/inviter", methods=["GET", "POST"])
@requires("staff.manage")
@step_up
def invite() -> ResponseReturnValue:
    """Invite somebody."""
    form = InvitationForm()
    if form.validate_on_submit():
        principal = current_principal()
        try:
            with portal().engine.begin() as conn:
                person, _ = staff_of.invite(
                    conn,
                    acting_partner_id(),
                    email=str(form.email.data),
                    name=str(form.name.data),
                    role=Role(form.role.data),
                    actor=principal.actor,
                )
                welcome(conn, person, acting_partner_id(), principal.partner_name, actor=principal.actor)
        except StaffRefused as error:
            form.email.errors = [str(error)]
        else:
            flash(f"L’invitation part par courriel à {person.email}.", "success")
            return redirect(url_for("establishment.staff.index"))
    return render_template("establishment/invite.html", form=form), 422 if form.errors else 200


@blueprint.post("/<int:person_id>/<change>")
@requires("staff.manage")
@step_up
def change(person_id: int, change: str) -> ResponseReturnValue:
    """Give another role, remove, or send the invitation again."""
    if change not in _CHANGES:
        raise Problem("not_found")
    if person_id == current_principal().id:
        raise Problem("forbidden", "Demandez à un autre responsable de changer votre propre accès.")
    try:
        with portal().engine.begin() as conn:
            told = _CHANGES[change](conn, acting_partner_id(), person_id)
    except LookupError as error:
        raise Problem("not_found", "Cette personne ne fait pas partie de votre équipe.") from error
    except StaffRefused as error:
        flash(str(error), "danger")
    else:
        flash(told, "success")
    return redirect(url_for("establishment.staff.index"))


def _change_role(conn: Connection, partner_id: int, person_id: int) -> str:
    role = next((role for role in ROLES if role.value == request.form.get("role")), None)
    if role is None:
        raise Problem("bad_request")
    person = staff_of.change_role(conn, partner_id, person_id, role, actor=current_principal().actor)
    return f"{person.name} a maintenant le rôle : {ROLES[role]}."


def _remove(conn: Connection, partner_id: int, person_id: int) -> str:
    person = staff_of.remove(conn, partner_id, person_id, actor=current_principal().actor)
    return f"{person.name} n’a plus accès à votre espace."


def _invite_again(conn: Connection, partner_id: int, person_id: int) -> str:
    person = _invited(conn, partner_id, person_id)
    principal = current_principal()
    welcome(conn, person, partner_id, principal.partner_name, actor=principal.actor)
    return f"Une nouvelle invitation part à {person.email}."


def _invited(conn: Connection, partner_id: int, person_id: int) -> Person:
    person = people.get(conn, person_id)
    if person is None or staff_of.role_at(person, partner_id) is None:
        raise LookupError(person_id)
    if person.status != "invited":
        raise StaffRefused("Cette personne a déjà choisi son mot de passe.")
    return person


_CHANGES: dict[str, Callable[[Connection, int, int], str]] = {
    "role": _change_role,
    "retirer": _remove,
    "inviter": _invite_again,
}
