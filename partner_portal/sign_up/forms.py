"""The forms of a sign-up. Each field that is read keeps the stored form of what was typed in its `data`.

Fields stand in the order of the page: what is wrong is listed in theirs.
"""

import re
from collections.abc import Callable

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, EmailField, Field, SelectField, StringField, TelField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Regexp, ValidationError

from ledger.identifiers import InvalidIdentifier, parse_iban, parse_siret, parse_uai
from ledger.sign_up_documents import KINDS

# Ten digits of a French number, or an international one.
_PHONE = re.compile(r"0[1-9][0-9]{8}|\+[1-9][0-9]{6,14}")


def identifier(parse: Callable[[str], object]) -> Callable[[FlaskForm, Field], None]:
    """A validator that reads by one of `ledger.identifiers`, and says its French sentence."""

    def validate(form: FlaskForm, field: Field) -> None:
        try:
            parse(field.data or "")
        except InvalidIdentifier as error:
            raise ValidationError(error.reason) from error

    return validate


def phone(form: FlaskForm, field: Field) -> None:
    """A telephone number that can be dialled."""
    if not _PHONE.fullmatch(re.sub(r"[\s.()-]", "", field.data or "")):
        raise ValidationError(
            "Un numéro de téléphone compte dix chiffres, par exemple 02\u00a031\u00a000\u00a000\u00a000."
        )


def words(label: str, missing: str, most: int = 120) -> StringField:
    """A line of text that must be there."""
    return StringField(
        label,
        filters=[lambda typed: " ".join(typed.split()) if typed else typed],
        validators=[DataRequired(missing), Length(max=most, message=f"{most} caractères au plus.")],
    )


def email(label: str) -> EmailField:
    """A mail address."""
    return EmailField(
        label,
        filters=[lambda typed: typed.strip() if typed else typed],
        validators=[
            DataRequired("Indiquez une adresse électronique."),
            Length(max=254),
            Regexp(r"\A[^@\s]+@[^@\s]+\Z", message="Cette adresse n’est pas complète, par exemple nom@lycee.fr."),
        ],
    )


class StartForm(FlaskForm):  # type: ignore[misc]
    """Who fills the file in, and where its links go."""

    name = words("Votre nom", "Indiquez votre nom.")
    email = email("Votre adresse électronique")


class ResumeForm(FlaskForm):  # type: ignore[misc]
    """Where to send a new link."""

    email = email("Adresse électronique donnée au début")


class SchoolForm(FlaskForm):  # type: ignore[misc]
    """Which establishment."""

    uai = StringField("Code UAI (ancien RNE)", validators=[identifier(parse_uai)])
    siret = StringField("SIRET", validators=[identifier(parse_siret)])
    name = words("Nom de l’établissement", "Indiquez le nom de l’établissement.")
    town = words("Commune", "Indiquez la commune.", 80)


class PeopleForm(FlaskForm):  # type: ignore[misc]
    """Who signs for the school, and whom to call."""

    representative = words("Nom et prénom du responsable légal", "Indiquez qui engage l’établissement.")
    representative_role = words("Fonction", "Indiquez sa fonction.", 80)
    representative_email = email("Adresse électronique du responsable légal")
    contact = words("Nom et prénom du contact", "Indiquez qui nous pouvons appeler.")
    email = email("Adresse électronique du contact")
    phone = TelField("Téléphone du contact", validators=[phone])


class AccountForm(FlaskForm):  # type: ignore[misc]
    """Where the school is paid."""

    iban = StringField("IBAN", validators=[identifier(parse_iban)])
    holder = words("Titulaire du compte, comme sur le RIB", "Indiquez le titulaire du compte.", 70)


class CommitmentsForm(FlaskForm):  # type: ignore[misc]
    """The promises, one by one: their names are the codes of `ledger.commitments`."""

    real_cost = BooleanField(validators=[DataRequired("Le coût réel : cet engagement est nécessaire.")])
    tell_the_student = BooleanField(
        validators=[DataRequired("Dire ce qui est débité : cet engagement est nécessaire.")]
    )
    tell_the_deadline = BooleanField(validators=[DataRequired("Dire la date limite : cet engagement est nécessaire.")])


class DocumentForm(FlaskForm):  # type: ignore[misc]
    """One paper."""

    kind = SelectField("Pièce", choices=[SelectChoice(kind, name) for kind, name in KINDS.items()])
    file = FileField("Fichier PDF, PNG ou JPEG, 5 Mo au plus")


class MessageForm(FlaskForm):  # type: ignore[misc]
    """A word of the conversation."""

    body = TextAreaField(
        "Votre message",
        filters=[lambda typed: typed.strip() if typed else typed],
        validators=[DataRequired("Écrivez votre message."), Length(max=4000, message="4 000 caractères au plus.")],
    )
