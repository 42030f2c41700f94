"""Errors as data: one closed list of codes, told as problem+json (RFC 9457) under /api, as French pages elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from flask import Flask, Response, current_app, g, render_template, request
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from ledger.refusals import SENTENCES, Refusal

UNAVAILABLE = (RedisError, OperationalError, PoolTimeoutError)
"""What it means when a server behind us is away: try again, nothing is wrong with the request."""
API_ROOT = "/api/"
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One kind of problem: its HTTP status, and what to tell a person in French."""

    status: int
    sentence: str


PROBLEMS: dict[str, Kind] = {
    "bad_request": Kind(400, "La demande est mal formée."),
    "csrf_failed": Kind(400, "Le formulaire a expiré. Rechargez la page et recommencez."),
    "unauthenticated": Kind(401, "Identifiez-vous pour continuer."),
    "invalid_token": Kind(401, "Le secret présenté n’est pas valable, ou ne l’est plus."),
    "forbidden": Kind(403, "Vous n’avez pas le droit de faire cela."),
    "step_up_required": Kind(403, "Confirmez votre identité avant cette opération."),
    "not_found": Kind(404, "Cette page ou cet objet n’existe pas."),
    "method_not_allowed": Kind(405, "Cette opération n’est pas possible à cette adresse."),
    "not_acceptable": Kind(406, "Le format demandé n’est pas disponible."),
    "conflict": Kind(409, "L’état a changé entre-temps. Rechargez et recommencez."),
    "gone": Kind(410, "Cet objet n’existe plus."),
    "precondition_failed": Kind(412, "L’objet a changé depuis votre dernière lecture."),
    "payload_too_large": Kind(413, "L’envoi est trop volumineux."),
    "uri_too_long": Kind(414, "L’adresse demandée est trop longue."),
    "unsupported_media_type": Kind(415, "Le format envoyé n’est pas accepté."),
    "invalid": Kind(422, "Certaines valeurs ne sont pas valables."),
    "precondition_required": Kind(428, "Il manque un en-tête obligatoire."),
    "too_many_requests": Kind(429, "Trop de demandes. Patientez un instant avant de recommencer."),
    "headers_too_large": Kind(431, "Les en-têtes de la demande sont trop longs."),
    "internal_error": Kind(500, "Une erreur est survenue de notre côté. Rien n’a été enregistré."),
    "unavailable": Kind(503, "Le service est momentanément indisponible. Réessayez dans quelques instants."),
}
_BY_STATUS = {kind.status: code for code, kind in reversed(PROBLEMS.items())}
"""What an error that only has a status is called: the first of the list above with that status."""

_REFUSAL_STATUS = {
    Refusal.TERMINAL_REVOKED: 403,
    Refusal.PARTNER_NOT_VALIDATED: 403,
    Refusal.PARTNER_SUSPENDED: 403,
    Refusal.KEY_REUSED: 409,
}
PROBLEMS |= {
    refusal.value: Kind(_REFUSAL_STATUS.get(refusal, 422), sentence) for refusal, sentence in SENTENCES.items()
}
"""The whole list, with the reasons for which a sale is refused. Codes are contract: they are added, never renamed."""


class Problem(HTTPException):
    """An answer that is one of `PROBLEMS`; raise it anywhere below a view.

    `sentence` replaces the list's own French sentence; `extras` are further members of the problem object; `headers` go
    with the answer.
    """

    def __init__(
        self, code: str, sentence: str | None = None, *, headers: Mapping[str, str] | None = None, **extras: Any
    ) -> None:
        kind = PROBLEMS[code]
        super().__init__(sentence or kind.sentence)
        self.code = kind.status
        self.problem_code = code
        self.headers = dict(headers or {})
        self.extras = extras


def under_api() -> bool:
    """Whether the request is one of the JSON API's."""
    return request.path.startswith(API_ROOT)


def field_errors(messages: Any, pointer: str = "#") -> list[dict[str, str]]:
    """Flatten marshmallow's nested messages into RFC 9457 style errors, each with a JSON pointer into the body."""
    if isinstance(messages, Mapping):
        return [
            error
            for key, below in messages.items()
            for error in field_errors(below, pointer if key == "_schema" else f"{pointer}/{_escaped(key)}")
        ]
    if isinstance(messages, (list, tuple)):
        return [error for below in messages for error in field_errors(below, pointer)]
    return [{"pointer": pointer, "detail": str(messages)}]


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def as_problem(error: HTTPException) -> Problem:
    """What `error` is in our list: itself, or the code of its status with the headers the protocol wants."""
    if isinstance(error, Problem):
        return error
    original = getattr(error, "original_exception", None)
    if isinstance(original, UNAVAILABLE):
        return Problem("unavailable", headers={"Retry-After": "5"})
    status = error.code or 500
    if status not in _BY_STATUS:
        status = 400 if 400 <= status < 500 else 500
    data: Mapping[str, Any] = getattr(error, "data", None) or {}
    headers = dict(data.get("headers") or {})
    headers.update((name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After"))
    extras: dict[str, Any] = {}
    if status == 422 and "messages" in data:
        # webargs groups its messages by where the value stood: json, query, headers, path, files.
        extras["errors"] = [
            found | {"in": place} for place, below in data["messages"].items() for found in field_errors(below)
        ]
    sentence = _too_large(request.max_content_length) if status == 413 else None
    return Problem(_BY_STATUS[status], sentence, headers=headers, **extras)


def _too_large(most: int | None) -> str | None:
    """What was sent, and how much may be; `most` is in bytes."""
    if most is None:
        return None
    size = f"{most // 1_000_000} Mo" if most >= 1_000_000 else f"{most // 1000} ko"
    return f"{PROBLEMS['payload_too_large'].sentence.removesuffix('.')} : {size} au plus."


def answer(problem: Problem) -> Response:
    """Render `problem` as the client wants it: problem+json under /api, else a page in French."""
    status = problem.code or 500
    if under_api():
        body = {
            "type": f"/api/v1/reference#{problem.problem_code}",
            "title": HTTP_STATUS_CODES[status],
            "status": status,
            "code": problem.problem_code,
            "detail": problem.description,
            "request_id": g.get("request_id"),
            **problem.extras,
        }
        response = cast(Response, current_app.json.response(body))
        response.mimetype = MEDIA_TYPE
    else:
        response = Response(_page(problem, status), mimetype="text/html")
    response.status_code = status
    response.headers.update(problem.headers)
    return response


_TITLES = {
    400: "Demande refusée",
    401: "Identifiez-vous",
    403: "Accès refusé",
    404: "Page introuvable",
    405: "Opération impossible ici",
    413: "Envoi trop volumineux",
    429: "Un instant, s’il vous plaît",
    503: "Service indisponible",
}


def _page(problem: Problem, status: int) -> str:
    title = _TITLES.get(status, "Une erreur est survenue" if status >= 500 else "Demande refusée")
    # When something is broken on our side, the page does without session and navigation, which may be what is broken.
    return render_template(
        "errors/plain.html" if status >= 500 else "errors/problem.html",
        problem=problem,
        status=status,
        title=title,
        request_id=g.get("request_id", ""),
        assistance=current_app.extensions["atouts"].config.assistance,
    )


def handle(error: HTTPException) -> Response:
    """Answer any HTTP error; an answer somebody built already (a redirect, a ready response) passes untouched."""
    if error.response is not None:
        return cast(Response, error.response)
    if error.code is not None and 300 <= error.code < 400:
        return cast(Response, error.get_response())
    return answer(as_problem(error))


def install(app: Flask) -> None:
    """Have `app` answer every HTTP error through `handle`."""
    app.register_error_handler(HTTPException, handle)
