"""Signing in through a school's identity provider: OpenID Connect, authorization code with PKCE.

The provider's word is taken for who somebody is, never for what they may do: a student must be in the roster, a
school's staff must have been invited. The Region's staff do not come in this way, since their second factor is ours.
"""

import time
from collections.abc import Mapping
from typing import Any, cast

import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from joserfc.errors import JoseError
from requests import RequestException
from sqlalchemy import Connection

from ledger import audit, people
from partner_portal import navigation
from partner_portal.auth import doors, gate
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import current_principal
from partner_portal.auth.sign_in import admit
from partner_portal.config import Provider
from partner_portal.limits import limiter, source
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("oidc", __name__, url_prefix="/connexion/etablissement")
log = structlog.get_logger(__name__)

PROVING = "oidc_proving"
"""Session key: the page to return to once somebody signed in has proved again who they are."""
TIMEOUT_S = 10
CLOCK_LEEWAY_S = 60


def install(app: Flask) -> None:
    """Register the provider set for `app`, if there is one; it is first asked when somebody signs in."""
    provider: Provider | None = app.extensions["atouts"].config.provider
    if provider is None:
        return
    oauth = OAuth(app)
    oauth.register(
        "school",
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        server_metadata_url=f"{provider.issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": provider.scope, "code_challenge_method": "S256", "default_timeout": TIMEOUT_S},
    )


def _provider() -> Provider:
    provider = portal().config.provider
    if provider is None:
        raise Problem("not_found")
    return provider


def _leave(**asked: Any) -> ResponseReturnValue:
    _provider()
    back = portal().config.public_url + url_for("oidc.come_back")
    try:
        return cast(
            ResponseReturnValue,
            current_app.extensions["authlib.integrations.flask_client"].school.authorize_redirect(back, **asked),
        )
    except RequestException as error:
        log.warning("provider unreachable", error=type(error).__name__)
        raise Problem("unavailable", "Le service de connexion de votre établissement ne répond pas.") from error


@blueprint.get("")
@requires("session.open")
def start() -> ResponseReturnValue:
    """Go to the provider to sign in."""
    doors.remember_wanted_page()
    session.pop(PROVING, None)
    return _leave()


@blueprint.get("/preuve")
@requires("account.manage")
def prove() -> ResponseReturnValue:
    """Go to the provider to prove again who one is."""
    session[PROVING] = gate.local_path(request.args.get("next", "")) or navigation.landing(current_principal())
    return _leave(prompt="login", max_age=0)


@blueprint.get("/retour")
@requires("session.open")
@limiter.limit("60 per minute", key_func=source)
def come_back() -> ResponseReturnValue:
    """Come back from the provider with its answer."""
    claims = _claims(_provider())
    proving = session.pop(PROVING, None)
    with portal().engine.begin() as conn:
        if proving:
            return _take_proof(conn, claims, proving)
        student = people.student_with(conn, str(claims.get(_provider().student_claim) or ""))
        if student is not None:
            return doors.let_student_in(conn, *student, means="provider")
        person = _known_person(conn, claims)
        if person is None:
            return render_template("auth/not_known.html"), 403
        return admit(conn, person, means="provider")


def _claims(provider: Provider) -> Mapping[str, Any]:
    client = current_app.extensions["authlib.integrations.flask_client"].school
    try:
        token = client.authorize_access_token(
            claims_options={"iss": {"essential": True, "values": [provider.issuer, f"{provider.issuer}/"]}}
        )
    except (OAuthError, JoseError, ValueError) as error:
        log.info("provider's answer refused", reason=str(error))
        raise Problem("bad_request", "La connexion n’a pas abouti. Recommencez depuis la page de connexion.") from error
    except RequestException as error:
        raise Problem("unavailable", "Le service de connexion de votre établissement ne répond pas.") from error
    claims = token.get("userinfo")
    if not claims or not claims.get("sub"):
        raise Problem("bad_request", "La connexion n’a pas abouti. Recommencez depuis la page de connexion.")
    return cast(Mapping[str, Any], claims)


def _known_person(conn: Connection, claims: Mapping[str, Any]) -> people.Person | None:
    issuer, subject = str(claims["iss"]), str(claims["sub"])
    person = people.by_identity(conn, issuer, subject)
    if person is None and claims.get("email") and claims.get("email_verified") is True:
        person = people.by_email(conn, str(claims["email"]))
        if person is not None and person.status != "disabled" and not person.is_region:
            people.link_identity(conn, person.id, issuer, subject)
    if person is None or person.status == "disabled" or person.is_region:
        return None
    return person


def _take_proof(conn: Connection, claims: Mapping[str, Any], wanted: str) -> ResponseReturnValue:
    person = people.by_identity(conn, str(claims["iss"]), str(claims["sub"]))
    principal = current_principal()
    is_fresh = time.time() - float(claims.get("auth_time", 0)) < portal().config.step_up_s + CLOCK_LEEWAY_S
    if person is None or f"person:{person.id}" != principal.actor or not is_fresh:
        raise Problem("forbidden", "Ce n’est pas la personne connectée, ou elle ne s’est pas identifiée à nouveau.")
    audit.record(conn, actor=principal.actor, action="session.proved", subject=principal.actor)
    gate.note_proof()
    return redirect(wanted)
