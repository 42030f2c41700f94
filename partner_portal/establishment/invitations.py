"""How somebody who was given a role at a school hears of it."""

import secrets

from flask import url_for
from sqlalchemy import Connection

from batch import sign_up_letters as letters
from ledger.people import Person
from partner_portal.auth.links import invite
from partner_portal.portal import portal


def welcome(conn: Connection, person: Person, partner_id: int, school: str, *, actor: str) -> None:
    """Send a link to choose a password, or tell somebody who has an account that it now opens one more door."""
    public_url = portal().config.public_url
    if person.status == "invited":
        reason = f"Vous pouvez maintenant agir pour {school} dans l’espace partenaire Atouts Normandie."
        invite(conn, person, by=actor, reason=reason, public_url=public_url)
        return
    letter = letters.joined(school, public_url + url_for("auth.sign_in"))
    # Somebody who is removed and invited again is told again.
    fact = f"{partner_id}:{secrets.token_hex(8)}"
    letters.send_to(conn, letter, [person.email], purpose="partner_joined", fact=fact)
