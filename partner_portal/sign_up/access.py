"""Which file a browser has open: named in the session only, and opened by starting it or by a link from a mail."""

import hashlib
import secrets
from typing import cast

from flask import session
from sqlalchemy import Connection

from ledger import sign_ups
from ledger.sign_ups import SignUp
from partner_portal.auth.sessions import Session
from partner_portal.portal import portal

OPEN_FILE = "sign_up_id"
"""Session key."""
PATH = "/inscription/ouvrir"


def new_link(conn: Connection, sign_up_id: int) -> str:
    """A link that opens the file, to be sent by mail."""
    token = secrets.token_urlsafe(32)
    sign_ups.add_link(conn, sign_up_id, _hash(token))
    return f"{portal().config.public_url}{PATH}/{token}"


def open_by(conn: Connection, token: str) -> SignUp | None:
    """Open the file of a link in this browser."""
    sign_up = sign_ups.open_link(conn, _hash(token))
    if sign_up is not None:
        remember(sign_up.id)
    return sign_up


def remember(sign_up_id: int) -> None:
    """Open a file in this browser, under a new session id where nobody is signed in."""
    current = cast(Session, session)
    if current.owner is None:
        portal().sessions.renew(current)
    session[OPEN_FILE] = sign_up_id


def the_open_one(conn: Connection) -> SignUp | None:
    """The file that is open in this browser."""
    sign_up_id = session.get(OPEN_FILE)
    return None if sign_up_id is None else sign_ups.get(conn, sign_up_id)


def close() -> None:
    """Leave the file, on a shared computer."""
    session.pop(OPEN_FILE, None)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
