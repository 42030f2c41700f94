"""A small OpenID Connect provider, run as a process of its own: the school's, as far as the portal can see.

    PROVIDER_PORT=8001 python provider.py

Whoever comes to /authorize chooses who they are, and for the tests also what shall be wrong with the provider's word.
"""

import os
import time
from dataclasses import dataclass, field
from typing import Any

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, request
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "atouts", "a secret shared with the provider"
PORT = int(os.environ.get("PROVIDER_PORT", "0"))
ISSUER = f"http://127.0.0.1:{PORT}"
KEY, STRANGERS_KEY = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))

PEOPLE: dict[str, dict[str, Any]] = {
    "lina": {"sub": "s-1", "given_name": "Lina", "national_id": "0123456789A"},
    "nobody": {"sub": "s-2", "given_name": "Noé", "national_id": "9999999999Z"},
    "camille": {"sub": "p-1", "email": "caisse@lycee.fr", "email_verified": True},
    "unverified": {"sub": "p-2", "email": "caisse@lycee.fr", "email_verified": False},
    "agent": {"sub": "p-3", "email": "compta@normandie.fr", "email_verified": True},
    "other": {"sub": "p-4", "email": "autre@lycee.fr", "email_verified": True},
}


class Client(ClientMixin):  # type: ignore[misc]
    """The portal, as the provider knows it."""

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.endswith("/connexion/etablissement/retour")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """An authorization code, and who it is for."""

    user: str
    fault: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str | None
    code_challenge_method: str | None
    at: float = field(default_factory=time.time)

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return "another nonce" if self.fault == "nonce" else self.nonce

    def get_auth_time(self) -> int:
        return int(self.at) - (86_400 if self.fault == "stale" else 0)

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


CODES: dict[str, Code] = {}


class Grant(AuthorizationCodeGrant):  # type: ignore[misc]
    """Codes kept in memory."""

    def save_authorization_code(self, code: str, asked: Any) -> None:
        data = asked.payload.data
        CODES[code] = Code(
            asked.user["name"],
            asked.user["fault"],
            asked.payload.redirect_uri,
            asked.scope,
            data.get("nonce"),
            data.get("code_challenge"),
            data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return CODES.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        for code in [code for code, kept in CODES.items() if kept is authorization_code]:
            del CODES[code]

    def authenticate_user(self, authorization_code: Code) -> dict[str, str]:
        return {"name": authorization_code.user, "fault": authorization_code.fault}


class Words(OpenIDCode):  # type: ignore[misc]
    """What the provider says, rightly or, when the test wants it, wrongly."""

    def exists_nonce(self, nonce: str, asked: Any) -> bool:
        return False

    def resolve_client_private_key(self, client: Client) -> RSAKey:
        return STRANGERS_KEY if self.fault == "key" else KEY

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        claims: dict[str, Any] = {"iss": ISSUER, "aud": [CLIENT_ID]}
        if self.fault == "issuer":
            claims["iss"] = "https://somebody.else"
        if self.fault == "audience":
            claims["aud"] = ["another client"]
        if self.fault == "expired":
            claims |= {"iat": int(time.time()) - 7200, "exp": int(time.time()) - 3600}
        return claims

    def get_client_algorithm(self, client: Client) -> str:
        return "none" if self.fault == "unsigned" else "RS256"

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": self.get_client_algorithm(client), "kid": "one"}

    def encode_id_token(self, token: dict[str, Any], asked: Any) -> str:
        self.fault = asked.user["fault"]
        return super().encode_id_token(token, asked)

    def generate_user_info(self, user: dict[str, str], scope: str) -> UserInfo:
        return UserInfo(PEOPLE[user["name"]])


app = Flask(__name__)
server = AuthorizationServer(app, query_client=lambda _id: Client(), save_token=lambda _token, _request: None)
server.register_grant(Grant, [Words(require_nonce=True), CodeChallenge(required=True)])


@app.get("/.well-known/openid-configuration")
def discovery() -> dict[str, Any]:
    """Where everything is."""
    return {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/keys",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
    }


@app.get("/keys")
def keys() -> dict[str, Any]:
    """Our public key."""
    return {"keys": [KEY.as_dict(private=False)]}


@app.route("/authorize", methods=["GET", "POST"])
def authorize() -> Any:
    """Choose who you are."""
    if request.method == "GET":
        buttons = "".join(f'<button name="user" value="{name}">{name}</button>' for name in PEOPLE)
        return f'<!doctype html><html lang="fr"><title>Mon lycée</title><form method="post">{buttons}</form>'
    user = {"name": request.form["user"], "fault": request.form.get("fault", "")}
    return server.create_authorization_response(grant_user=user, grant=server.get_consent_grant(end_user=user))


@app.post("/token")
def token() -> Any:
    """Exchange a code."""
    return server.create_token_response()


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=PORT)
