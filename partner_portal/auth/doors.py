"""What every way of signing in shares: the state between two factors, known browsers, and the moment one is in."""

import hashlib
import secrets
import time
from typing import cast

from flask import Response, after_this_request, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import Connection

from ledger import people, student_access
from partner_portal import navigation
from partner_portal.auth import gate
from partner_portal.auth.second_factor import Vault
from partner_portal.auth.sessions import Session
from partner_portal.auth.throttle import Throttle
from partner_portal.portal import portal

PENDING = "pending"
"""Session key: who has shown a first factor and still owes the second, and since when."""
NEXT = "next"
"""Session key: the page asked for before signing in."""
PENDING_S = 600
DEVICE_COOKIE = "atouts-device"
DEVICE_PATH = "/connexion"
DEVICE_S = 31_536_000
ACCOUNTS_PER_DEVICE = 8


def throttle() -> Throttle:
    """The counters of failures."""
    return Throttle(portal().redis)


def vault() -> Vault:
    """Where the code generators' secrets are encrypted."""
    return Vault(portal().config.encryption_keys)


# -- between two factors ---------------------------------------------------------------------------------------------


def hold(person: people.Person, means: str) -> None:
    """Remember that `person` has shown a first factor. They are nobody yet."""
    portal().sessions.renew(cast(Session, session))
    session[PENDING] = [person.id, time.time(), means]


def held(conn: Connection) -> people.Person | None:
    """Who has shown a first factor within the last minutes."""
    person_id, since, _ = session.get(PENDING, (None, 0, ""))
    if person_id is None or time.time() - since > PENDING_S:
        return None
    person = people.get(conn, person_id)
    return person if person is not None and person.status != "disabled" else None


# -- browsers that have signed in before -----------------------------------------------------------------------------


def known_device(email: str) -> str | None:
    """The mark this browser got when `email` last signed in with it; None if it never did."""
    return _marks().get(_name(email))


def has_known_device() -> bool:
    """Whether anybody has signed in with this browser."""
    return bool(_marks())


def _marks() -> dict[str, str]:
    try:
        marks = _signer().loads(request.cookies.get(DEVICE_COOKIE, ""))
    except BadSignature:
        return {}
    return marks if isinstance(marks, dict) else {}


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(portal().config.secret_key, salt="known device")


def _name(email: str) -> str:
    return hashlib.sha256(email.strip().casefold().encode()).hexdigest()[:16]


def _remember_device(email: str) -> None:
    marks = _marks()
    mark = marks.pop(_name(email), None) or secrets.token_urlsafe(9)
    marks = dict(list(marks.items())[1 - ACCOUNTS_PER_DEVICE :]) | {_name(email): mark}
    secure = portal().config.is_secure

    @after_this_request
    def give(response: Response) -> Response:
        response.set_cookie(
            DEVICE_COOKIE,
            _signer().dumps(marks),
            max_age=DEVICE_S,
            path=DEVICE_PATH,
            secure=secure,
            httponly=True,
            samesite="Lax",
        )
        return response


# -- in ----------------------------------------------------------------------------------------------------------------


def let_in(conn: Connection, person: people.Person, *, means: str) -> ResponseReturnValue:
    """Sign `person` in under a fresh session and send them where they wanted to go."""
    people.note_sign_in(conn, person.id, means=means)
    wanted, notices = session.get(NEXT), session.get("_flashes")
    session.clear()
    if notices:
        session["_flashes"] = notices
    portal().sessions.sign_in(
        cast(Session, session),
        f"person:{person.id}",
        agent=browser_label(request.user_agent.string),
        source=request.remote_addr or "",
    )
    gate.note_proof()
    _remember_device(person.email)
    return redirect(wanted or navigation.landing(gate.principal_of(person)))


def let_student_in(conn: Connection, student_id: int, first_name: str, *, means: str) -> ResponseReturnValue:
    """Sign a student in under a fresh session and send them where they wanted to go."""
    student_access.note_sign_in(conn, student_id, means=means)
    wanted = session.get(NEXT)
    session.clear()
    portal().sessions.sign_in(
        cast(Session, session),
        f"student:{student_id}",
        agent=browser_label(request.user_agent.string),
        source=request.remote_addr or "",
    )
    session[gate.STUDENT_NAME] = first_name
    return redirect(wanted or navigation.landing(gate.student_principal(student_id, first_name)))


def remember_wanted_page() -> None:
    """Keep the page asked for (`?next=`) until one is in, if it is one of ours."""
    wanted = gate.local_path(request.args.get("next", ""))
    if wanted:
        session[NEXT] = wanted


def back_to_sign_in() -> ResponseReturnValue:
    """Start again: the first factor is missing or too old."""
    session.pop(PENDING, None)
    return redirect(url_for("auth.sign_in"))


_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_label(user_agent: str) -> str:
    """A browser as its owner would name it: "Firefox, Windows"."""
    browser = next((label for mark, label in _BROWSERS if mark in user_agent), "Navigateur inconnu")
    system = next((label for mark, label in _SYSTEMS if mark in user_agent), "système inconnu")
    return f"{browser}, {system}"
