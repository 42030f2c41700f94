"""How a resource declares an operation: address, right, and all that its documentation says; once, in one place."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, TypeVar

import marshmallow as ma
from flask import request

from ledger.rights import RIGHTS, Role
from partner_portal.api import ApiBlueprint, ProblemSchema
from partner_portal.auth.gate import requires
from partner_portal.problems import MEDIA_TYPE, PROBLEMS, Problem
from partner_portal.resources.keys import HEADER

View = TypeVar("View", bound=Callable[..., Any])
KEY_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": True,
    "description": "Un UUID propre à cette demande. La même clé avec la même demande donne la même réponse, octet pour "
    "octet, avec l’en-tête `Idempotency-Replayed: true` ; avec une autre demande, 409 `key_reused`.",
    "schema": {"type": "string", "format": "uuid"},
    "example": "3f0c2c4e-6f0b-4c53-9d43-0d5f2b6a7c11",
}
TAG_PARAMETER = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "description": "L’`ETag` déjà connu : s’il vaut encore, la réponse est 304, sans corps.",
    "schema": {"type": "string"},
}
REPLAY_HEADER = {
    "Idempotency-Replayed": {"description": "`true` quand la réponse est une redite.", "schema": {"type": "string"}}
}
TAG_HEADER = {"ETag": {"description": "À redonner dans `If-None-Match`.", "schema": {"type": "string"}}}
KEY_PROBLEMS = ("precondition_required", "key_reused")


@dataclass(frozen=True)
class Asked:
    """What the caller sends, in the body or in the query: its schema, and for a body an example of it."""

    schema: type[ma.Schema]
    example: Any = None
    location: Literal["json", "query"] = "json"


@dataclass(frozen=True)
class Answer:
    """The answer of success: its status, its schema, and an example of it."""

    schema: type[ma.Schema] | dict[str, str] | None = None
    example: Any = None
    status: int = 200
    content_type: str = "application/json"


def operation(
    blueprint: ApiBlueprint,
    method: str,
    rule: str,
    action: str,
    summary: str,
    *,
    description: str = "",
    asked: Asked | None = None,
    answer: Answer,
    problems: Sequence[str] = (),
    with_key: bool = False,
) -> Callable[[View], View]:
    """Serve a view at `method` `rule` to those with the right `action`, and document it for people who write tills.

    The view is given what was `asked`, as its schema has understood it, before the parts of the address.
    `problems` are the codes it may answer besides those every operation may; `with_key` says that it wants an
    Idempotency-Key.
    """

    def serve(view: View) -> View:
        understood = _reader(asked)

        @functools.wraps(view)
        def served(**address: Any) -> Any:
            return view(*understood(), **address)

        shown: Any = requires(action)(served)
        shown._apidoc = _documentation(
            blueprint, method, action, summary, description, asked, answer, problems, with_key
        )
        blueprint.route(rule, methods=[method])(shown)
        return view

    return serve


def _reader(asked: Asked | None) -> Callable[[], tuple[Any, ...]]:
    """What reads from the request at hand that which an operation asks for, and refuses a query it does not ask for."""
    schema = ma.Schema() if asked is None else asked.schema()

    def read() -> tuple[Any, ...]:
        if request.query_string and (asked is None or asked.location != "query"):
            sentence = "Cette opération n’a pas de paramètres."
            raise Problem("invalid", errors=[{"pointer": "#", "detail": sentence, "in": "query"}])
        if asked is None:
            return ()
        return (ApiBlueprint.ARGUMENTS_PARSER.parse(schema, request, location=asked.location),)

    return read


def _documentation(
    blueprint: ApiBlueprint,
    method: str,
    action: str,
    summary: str,
    description: str,
    asked: Asked | None,
    answer: Answer,
    problems: Sequence[str],
    with_key: bool,
) -> dict[str, Any]:
    """What flask-smorest writes into the document, gathered on a function that is never called.

    Its decorators would each wrap the view once more, which a sale would pay for.
    """
    reads = method == "GET"
    security = _security(action)
    codes = {"bad_request", "invalid", "too_many_requests", "unavailable", *problems}
    codes.update(KEY_PROBLEMS if with_key else ())
    if {} not in security:
        codes |= {"unauthenticated", "invalid_token", "forbidden"}
    if {"terminal": []} in security:
        codes.add("terminal_revoked")
    headers = REPLAY_HEADER if with_key else TAG_HEADER if reads else {}

    def described() -> None: ...

    shown: Any = described
    if asked is not None:
        shown = blueprint.arguments(asked.schema, location=asked.location, example=asked.example)(shown)
    shown = blueprint.response(
        answer.status,
        answer.schema,
        description=HTTPStatus(answer.status).phrase,
        example=answer.example,
        content_type=answer.content_type,
        headers=headers or None,
    )(shown)
    if reads:
        shown = blueprint.alt_response(304, description="Inchangé")(shown)
    for status, same in _by_status(codes).items():
        shown = blueprint.alt_response(
            status,
            schema=ProblemSchema,
            content_type=MEDIA_TYPE,
            description=", ".join(f"`{code}`" for code in same),
            example=_problem_example(status, same[0]),
        )(shown)
    shown = blueprint.doc(summary=summary, description=description, security=security)(shown)
    gathered: dict[str, Any] = shown._apidoc
    arguments = gathered.setdefault("arguments", {})
    # With those that `blueprint.arguments` has declared, not instead of them.
    more = [KEY_PARAMETER] if with_key else [TAG_PARAMETER] if reads else []
    arguments["parameters"] = [*arguments.get("parameters", []), *more]
    return gathered


def _security(action: str) -> list[dict[str, list[str]]]:
    roles = RIGHTS[action].roles
    if Role.ANYONE in roles:
        return [{}]
    ways: list[dict[str, list[str]]] = [{"terminal": []}] if Role.TERMINAL in roles else []
    return ways + ([{"session": []}] if roles - {Role.TERMINAL} else [])


def _by_status(codes: set[str]) -> dict[int, list[str]]:
    statuses = sorted({PROBLEMS[code].status for code in codes})
    return {
        status: [code for code in PROBLEMS if code in codes and PROBLEMS[code].status == status] for status in statuses
    }


def _problem_example(status: int, code: str) -> dict[str, Any]:
    return {
        "type": f"/api/v1/reference#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": PROBLEMS[code].sentence,
        "request_id": "6f1b5c1d9a9e4f0c8b7a6d5e4c3b2a19",
    }
