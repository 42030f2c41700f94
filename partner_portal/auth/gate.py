"""The gate every request passes: who is asking, may they, have they proved it lately, and did their own page send it.

Views only *declare*, with `@requires` and `@step_up`; the gate decides before any of the view's code runs. A view that
declares nothing is refused to everybody, so forgetting is never a hole.
"""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest

from ledger import people
from ledger.rights import RIGHTS, Role
from ledger.terminals import hash_of_secret, terminal_of_secret
from partner_portal.auth import turned_away
from partner_portal.auth.principals import ANONYMOUS, Principal, current_principal
from partner_portal.auth.sessions import Session
from partner_portal.portal import portal
from partner_portal.problems import Problem, under_api

View = TypeVar("View", bound=Callable[..., Any])

PARTNER = "partner_id"
"""Session key: the school a person who works for several has chosen."""
PROVED_AT = "proved_at"
"""Session key: when the person last proved who they are, in seconds since 1970."""
STUDENT_NAME = "student_name"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="atouts"'}
REPLAYED = frozenset({"sales.make", "sales.cancel"})
"""What a revoked till may still ask: its answered requests are answered again, and everything new is refused there."""

# A terminal's number is a PostgreSQL integer.
_TERMINAL_NUMBER = re.compile(r"\A[1-9][0-9]{0,8}\Z")

csrf = CSRFProtect()


def requires(action: str) -> Callable[[View], View]:
    """Declare that a view is the right `action` of `ledger.rights`. Raises `KeyError` at import for an unknown one."""
    RIGHTS[action]

    def mark(view: View) -> View:
        view.required_action = action  # type: ignore[attr-defined]
        return view

    return mark


def step_up(view: View) -> View:
    """Declare that a view wants password or code typed again within the last minutes."""
    view.wants_step_up = True  # type: ignore[attr-defined]
    return view


def proves_terminal(view: View) -> View:
    """Declare that a view passes the till's number and secret to the books, which check them with all else they do.

    Its principal is then what the token claims: no partner, nothing proved yet. It spares the redemption a round trip.
    """
    view.proves_terminal = True  # type: ignore[attr-defined]
    return view


def proved_by_address(view: View) -> View:
    """Declare that a view's address holds a secret that is all the right there is: a form's token would prove no more.

    Mail programs post to such an address (RFC 8058) with nothing but it.
    """
    view.proved_by_address = True  # type: ignore[attr-defined]
    return view


def declared(view: Callable[..., Any], method: str, name: str) -> Any:
    """What `requires` or its like left on a view function, or on the method of a class of views; None if nothing."""
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        method = "get" if method == "HEAD" and not hasattr(view_class, "head") else method.lower()
        view = getattr(view_class, method, view)
    return getattr(view, name, None)


# -- who -------------------------------------------------------------------------------------------------------------


def identify() -> None:
    """Find out who asks. A wrong bearer token makes nobody of the caller, whatever cookie comes with it."""
    g.principal = ANONYMOUS
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        g.principal = _terminal(token.strip()) if scheme.lower() == "bearer" else ANONYMOUS
        g.token_is_refused = g.principal is ANONYMOUS
    elif request.url_rule is not None:
        owner = cast(Session, session).owner
        if owner is not None:
            g.principal = _signed_in(owner)


def bearer_token(terminal_id: int, secret: str) -> str:
    """What a till presents: its number, by which it is found, and its secret."""
    return f"{terminal_id}.{secret}"


def _terminal(token: str) -> Principal:
    number, _, secret = token.partition(".")
    if not _TERMINAL_NUMBER.match(number) or not secret:
        return ANONYMOUS
    claimed = Principal(
        "terminal", int(number), frozenset({Role.ANYONE, Role.TERMINAL}), secret_hash=hash_of_secret(secret)
    )
    if request.url_rule is not None:
        view = current_app.view_functions[request.url_rule.endpoint]
        if declared(view, request.method, "proves_terminal"):
            return claimed
    with portal().reading() as conn:
        terminal = terminal_of_secret(conn, hash_of_secret(secret))
    if terminal is None or terminal.terminal_id != claimed.id:
        return ANONYMOUS
    return replace(
        claimed,
        name=terminal.name,
        partner_id=terminal.partner_id,
        partner_name=terminal.partner_name,
        is_revoked=terminal.revoked,
    )


def _signed_in(owner: str) -> Principal:
    kind, _, number = owner.partition(":")
    if kind == "student":
        return student_principal(int(number), session.get(STUDENT_NAME, ""))
    with portal().reading() as conn:
        person = people.get(conn, int(number))
    if person is None or person.status != "active":
        portal().sessions.sign_out(cast(Session, session))
        return ANONYMOUS
    return principal_of(person, session.get(PARTNER))


def student_principal(student_id: int, first_name: str) -> Principal:
    """A student, who acts for nobody else."""
    return Principal("student", student_id, frozenset({Role.ANYONE, Role.STUDENT}), name=first_name)


def principal_of(person: people.Person, chosen_partner_id: int | None = None) -> Principal:
    """`person` as they act now: for the school they chose if it is one of theirs, else for their first."""
    partner_ids = person.partner_ids
    partner_id = chosen_partner_id if chosen_partner_id in partner_ids else next(iter(partner_ids), None)
    partner_name = next((g.partner_name for g in person.grants if g.partner_id == partner_id and g.partner_name), "")
    return Principal(
        "person",
        person.id,
        person.roles(partner_id),
        name=person.name,
        partner_id=partner_id,
        partner_name=partner_name,
        email=person.email,
    )


# -- may they --------------------------------------------------------------------------------------------------------


def authorise() -> ResponseReturnValue | None:
    """Let the request through, or answer for the view."""
    rule = request.url_rule
    if rule is None or request.endpoint == "static":
        return None
    if request.method == "OPTIONS" and getattr(rule, "provide_automatic_options", False):
        return None
    view = current_app.view_functions[rule.endpoint]
    action = declared(view, request.method, "required_action")
    if action is None:
        raise RuntimeError(f"{rule.endpoint} declares no right for {request.method}")
    principal = current_principal()
    if not principal.may(action):
        return _turn_away(principal, action)
    if principal.is_revoked and action not in REPLAYED:
        raise Problem("terminal_revoked")
    if not declared(view, request.method, "proved_by_address"):
        _refuse_foreign_page(principal)
    if declared(view, request.method, "wants_step_up") and not proved_lately():
        return _ask_for_proof()
    return None


def _turn_away(principal: Principal, action: str) -> ResponseReturnValue:
    door = "students_door.sign_in" if RIGHTS[action].roles == {Role.STUDENT} else "auth.sign_in"
    if principal.is_signed_in:
        raise Problem("forbidden", turned_away.sentence(action, principal))
    if principal is not ANONYMOUS:
        raise Problem("forbidden", turned_away.till_sentence(action))
    if not under_api():
        return redirect(url_for(door, next=_way_back()))
    raise refused_token() if g.get("token_is_refused") else Problem("unauthenticated", headers=CHALLENGE)


def refused_token() -> Problem:
    """What a till with a wrong secret is told."""
    return Problem("invalid_token", headers=CHALLENGE)


def _refuse_foreign_page(principal: Principal) -> None:
    """CSRF: what a browser adds by itself (its cookie) opens nothing that changes something, unless our page sent it.

    A till has no cookie, and an API call without one has no standing to be abused.
    """
    if principal.kind == "terminal" or (under_api() and not principal.is_signed_in):
        return
    try:
        csrf.protect()
    except BadRequest as error:
        raise Problem("csrf_failed") from error


# -- have they proved it lately --------------------------------------------------------------------------------------


def note_proof() -> None:
    """Remember in the session that the person has just proved who they are."""
    session[PROVED_AT] = time.time()


def proved_lately() -> bool:
    """Whether a password or code was typed within the time set for operations on money and bank details."""
    return bool(time.time() - session.get(PROVED_AT, 0) < portal().config.step_up_s)


def _ask_for_proof() -> ResponseReturnValue:
    if under_api():
        raise Problem("step_up_required")
    return redirect(url_for("auth.confirm_identity", next=_way_back()))


def _way_back() -> str:
    """The page to return to: this one, or for a form that was sent, the page it stood on."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    return local_path(request.referrer or "") or "/"


def local_path(address: str) -> str | None:
    """`address` as a path on this very host, or None if it leads anywhere else."""
    parts = urlsplit(address)
    if parts.netloc and parts.netloc != request.host:
        return None
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    # Browsers read "//host" and "/\host" as another host, and drop control characters first.
    if not path.startswith("/") or path.startswith(("//", "/\\")) or any(ord(c) < 32 for c in path):
        return None
    return path


def install(app: Flask) -> None:
    """Set `app` up for the gate; `create_app` puts `identify` and `authorise` before and after the rate limiter."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    csrf.init_app(app)
