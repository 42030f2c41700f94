"""The forms of the doors."""

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import DataRequired, Length, Regexp


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Mail address and password."""

    email = EmailField(
        "Adresse électronique",
        validators=[DataRequired("Indiquez votre adresse électronique."), Length(max=254)],
    )
    password = PasswordField(
        "Mot de passe", validators=[DataRequired("Indiquez votre mot de passe."), Length(max=1000)]
    )


class CodeForm(FlaskForm):  # type: ignore[misc]
    """A code of the authenticator application, or a recovery code."""

    code = StringField("Code", validators=[DataRequired("Indiquez le code."), Length(max=40)])


class ForgottenForm(FlaskForm):  # type: ignore[misc]
    """Where to send a link that lets one choose a password."""

    email = EmailField(
        "Adresse électronique",
        validators=[
            DataRequired("Indiquez votre adresse électronique."),
            Length(max=254),
            Regexp(r"\A[^@\s]+@[^@\s]+\Z", message="Cette adresse n’est pas complète, par exemple nom@lycee.fr."),
        ],
    )


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """A password to be chosen. One field: it can be shown, so it need not be typed twice."""

    password = PasswordField(
        "Nouveau mot de passe", validators=[DataRequired("Choisissez un mot de passe."), Length(max=1000)]
    )


class ChangePasswordForm(NewPasswordForm):
    """A password to be changed."""

    current = PasswordField(
        "Mot de passe actuel", validators=[DataRequired("Indiquez votre mot de passe actuel."), Length(max=1000)]
    )


class ProofForm(FlaskForm):  # type: ignore[misc]
    """Proof that it is still the same person: the code if there is a second factor, else the password."""

    proof = PasswordField("Mot de passe", validators=[DataRequired("Indiquez-le pour continuer."), Length(max=1000)])
