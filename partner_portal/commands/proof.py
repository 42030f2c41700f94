"""Who signs from a command line: a person of the portal, who proves it as they would on its pages."""

import click
from sqlalchemy import Engine

from ledger import people
from partner_portal.auth import passwords, second_factor
from partner_portal.config import Config


def proved(engine: Engine, email: str, password: str | None = None, code: str | None = None) -> people.Person:
    """The active person who signs in with `email`, once password and, where there is one, second factor are right.

    Asks for what is not given. Raises `click.ClickException` without telling which of them was wrong.
    """
    password = password if password is not None else click.prompt(f"Mot de passe de {email}", hide_input=True)
    with engine.begin() as conn:
        person = people.by_email(conn, email)
        proof = passwords.matches(person.password_hash if person else None, str(password))
        if person is not None and proof and person.totp_is_confirmed:
            code = code if code is not None else click.prompt("Code à six chiffres", hide_input=True)
            vault = second_factor.Vault(Config.from_environment().encryption_keys)
            proof = second_factor.take(conn, vault, person, str(code)) is not None
        if person is None or not proof or person.status != "active":
            raise click.ClickException("Adresse, mot de passe ou code incorrect.")
        return person
