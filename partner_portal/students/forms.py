"""The forms of the students' doors."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length


class ActivationForm(FlaskForm):  # type: ignore[misc]
    """The card's code and the birth date of its owner."""

    # Two lines: 32 letters, in groups of four, do not fit into one on a phone.
    code = TextAreaField("Code de la carte", validators=[DataRequired("Indiquez le code de la carte."), Length(max=80)])
    birth_date = StringField(
        "Date de naissance", validators=[DataRequired("Indiquez la date de naissance."), Length(max=20)]
    )


class StudentSignInForm(FlaskForm):  # type: ignore[misc]
    """The card's code or the mail address, and the password chosen at activation."""

    name = StringField(
        "Code de la carte, ou adresse électronique",
        validators=[DataRequired("Indiquez le code de votre carte, ou votre adresse."), Length(max=254)],
    )
    passcode = PasswordField(
        "Mot de passe", validators=[DataRequired("Indiquez votre mot de passe."), Length(max=1000)]
    )


class PasscodeForm(FlaskForm):  # type: ignore[misc]
    """The password a student chooses to come back with. One field: it can be shown."""

    passcode = PasswordField("Mot de passe", validators=[DataRequired("Choisissez un mot de passe."), Length(max=1000)])
