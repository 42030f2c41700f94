"""The Region's own people: who they are, which roles they hold, and the door opened or closed to them.

Nobody changes their own roles or closes their own door, so no single administrator can take a role in the payments, and
the last administrator cannot leave by accident.
"""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import Connection
from wtforms import EmailField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Regexp
from wtforms.widgets import CheckboxInput, ListWidget

from ledger import people
from ledger.rights import REGION_ROLES, ROLE_NAMES
from partner_portal.auth.gate import requires, step_up
from partner_portal.auth.links import invite
from partner_portal.auth.principals import current_principal
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("agents", __name__, url_prefix="/region/agents")

CHOICES = sorted(REGION_ROLES, key=lambda role: ROLE_NAMES[role])
INVITATION = "La Région Normandie vous ouvre un accès à son espace Atouts Normandie."


class RolesForm(FlaskForm):  # type: ignore[misc]
    """The roles of one person."""

    roles = SelectMultipleField(
        "Rôles",
        choices=[SelectChoice(role.value, ROLE_NAMES[role]) for role in CHOICES],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )


class InvitationForm(RolesForm):
    """Somebody new."""

    name = StringField("Nom complet", validators=[DataRequired("Indiquez le nom."), Length(max=120)])
    email = EmailField(
        "Adresse électronique",
        validators=[
            DataRequired("Indiquez l’adresse électronique."),
            Length(max=254),
            Regexp(r"\A[^@\s]+@[^@\s]+\Z", message="Cette adresse n’est pas complète."),
        ],
    )


def _agent(conn: Connection, person_id: int) -> people.Person:
    person = people.get(conn, person_id)
    if person is None or (person.partner_ids and not person.is_region):
        raise Problem("not_found")
    return person


def _somebody_else(person_id: int) -> None:
    if person_id == current_principal().id:
        raise Problem("forbidden", "Demandez à un autre administrateur de changer votre propre accès.")


@blueprint.get("")
@requires("people.manage")
def index() -> str:
    """Everybody with a role of the Region."""
    with portal().engine.connect() as conn:
        found = people.of_region(conn)
    return render_template("agents/index.html", people=found, role_names=ROLE_NAMES)


@blueprint.route("/nouveau", methods=["GET", "POST"])
@requires("people.manage")
@step_up
def new() -> ResponseReturnValue:
    """Invite somebody."""
    form = InvitationForm()
    if form.validate_on_submit():
        if not form.roles.data:
            form.roles.errors = ["Choisissez au moins un rôle."]
        else:
            actor = current_principal().actor
            with portal().engine.begin() as conn:
                try:
                    person_id = people.create(conn, email=str(form.email.data), name=str(form.name.data), by=actor)
                except people.EmailTakenError:
                    form.email.errors = ["Une personne se connecte déjà avec cette adresse."]
                else:
                    _set_roles(conn, _agent(conn, person_id), form.roles.data, actor)
                    _invite(conn, person_id, actor)
                    flash("L’invitation part par courriel. Le lien fonctionne pendant sept jours.", "success")
                    return redirect(url_for("agents.show", person_id=person_id))
    return render_template("agents/new.html", form=form), 422 if form.errors else 200


@blueprint.get("/<int:person_id>")
@requires("people.manage")
def show(person_id: int) -> str:
    """One person."""
    with portal().engine.connect() as conn:
        person = _agent(conn, person_id)
    held = [grant.role.value for grant in person.grants if grant.role in REGION_ROLES]
    form = RolesForm(data={"roles": held})
    return render_template("agents/show.html", person=person, form=form, role_names=ROLE_NAMES)


@blueprint.post("/<int:person_id>/roles")
@requires("people.manage")
@step_up
def change_roles(person_id: int) -> ResponseReturnValue:
    """Give and take roles; it holds from the person's next request on."""
    _somebody_else(person_id)
    form = RolesForm()
    if not form.validate():
        raise Problem("invalid")
    with portal().engine.begin() as conn:
        _set_roles(conn, _agent(conn, person_id), form.roles.data, current_principal().actor)
    flash("Les rôles sont à jour.", "success")
    return redirect(url_for("agents.show", person_id=person_id))


def _set_roles(conn: Connection, person: people.Person, wanted: list[str], actor: str) -> None:
    for role in CHOICES:
        change = people.grant if role.value in wanted else people.revoke
        change(conn, person.id, role, by=actor)


@blueprint.post("/<int:person_id>/acces")
@requires("people.manage")
@step_up
def change_access(person_id: int) -> ResponseReturnValue:
    """Close the door, open it again, send another invitation, or let the person set up another phone."""
    _somebody_else(person_id)
    actor = current_principal().actor
    with portal().engine.begin() as conn:
        person = _agent(conn, person_id)
        match request.form.get("change"):
            case "disable":
                people.disable(conn, person.id, by=actor)
                told = f"{person.name} ne peut plus se connecter."
            case "enable":
                people.enable(conn, person.id, by=actor)
                told = f"{person.name} peut à nouveau se connecter."
            case "invite":
                _invite(conn, person.id, actor)
                told = "Une nouvelle invitation part par courriel."
            case "new_phone":
                people.drop_totp(conn, person.id, by=actor)
                told = "Un nouveau téléphone sera demandé à la prochaine connexion."
            case _:
                raise Problem("bad_request")
    portal().sessions.end_all(f"person:{person_id}")
    flash(told, "success")
    return redirect(url_for("agents.show", person_id=person_id))


def _invite(conn: Connection, person_id: int, actor: str) -> None:
    person = _agent(conn, person_id)
    invite(conn, person, by=actor, reason=INVITATION, public_url=portal().config.public_url)
