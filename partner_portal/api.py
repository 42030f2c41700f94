"""The JSON API's frame: strict requests, problem+json answers, and one OpenAPI 3.1 document that says both."""

import hashlib
from http import HTTPStatus
from typing import Any, cast

import marshmallow as ma
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask, Request, Response, current_app, request
from flask_smorest import Api, Blueprint
from flask_smorest.utils import prepare_response
from webargs.core import missing
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.routing import IntegerConverter, Map, UnicodeConverter

from partner_portal.portal import portal
from partner_portal.problems import MEDIA_TYPE, PROBLEMS, Problem, under_api

PREFIX = "/api/v1"
EAN = {"format": "ean", "pattern": "^(?!000000)[0-9]{13}$"}
"""An EAN or ISBN, in an address or a body, as the document describes it."""
DESCRIPTION = """
API des caisses et des systèmes d’information des établissements partenaires d’Atouts Normandie.
Les montants sont des nombres entiers de centimes d’euro (`*_cents`), les instants sont en UTC (ISO 8601, suffixe `Z`).
Toute erreur est un objet `application/problem+json` (RFC 9457) dont `code` appartient à une liste fermée.
"""


class ProblemSchema(ma.Schema):
    """An error (RFC 9457). Some kinds have members of their own."""

    class Meta:
        """Nothing is said of other members."""

        unknown = ma.EXCLUDE

    type = ma.fields.String(required=True, metadata={"format": "uri-reference"})
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    code = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(sorted(PROBLEMS)),
        metadata={"description": "Ce que lisent les machines."},
    )
    detail = ma.fields.String(required=True, metadata={"description": "Ce que lisent les personnes."})
    request_id = ma.fields.String(
        metadata={"description": "Absent du refus d’une vente, qui est le même à chaque redite ; voir X-Request-ID."}
    )
    errors = ma.fields.List(
        ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String()),
        metadata={"description": "Avec le code « invalid » : chaque valeur fautive, par pointeur JSON."},
    )


class StrictParser(FlaskParser):
    """Request parsing that refuses what it does not know: fields, parameters, media types, two-faced JSON."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "json": ma.RAISE,
        "query": ma.RAISE,
    }

    def _raw_load_json(self, req: Request) -> Any:
        if not is_json_request(req) and (req.mimetype or req.get_data(cache=True)):
            raise Problem("unsupported_media_type", "Envoyez du JSON, avec l’en-tête Content-Type: application/json.")
        body = req.get_data(cache=True)
        if not body:
            return missing
        try:
            return current_app.json.loads(body)
        except ValueError as error:
            raise Problem("bad_request", "Le corps de la demande n’est pas du JSON valable.") from error


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A group of resources; register it in `partner_portal.app.RESOURCES`."""

    ARGUMENTS_PARSER = StrictParser()


class Converter(OpenAPIConverter):
    """Schemas as JSON Schema, with what a schema says of itself that marshmallow has no word for (`json_schema`)."""

    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        """See the class."""
        described: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        return described | getattr(schema, "json_schema", {})


class Plugin(MarshmallowPlugin):
    """apispec's plugin, with our converter."""

    Converter = Converter


class Number(IntegerConverter):
    """The number of a thing in an address; what is no such number is the number of nothing."""

    regex = "[1-9][0-9]{0,17}"

    def __init__(self, map: Map) -> None:  # noqa: A002 - so called by Werkzeug
        super().__init__(map)


class Ean(UnicodeConverter):
    """An EAN in an address."""

    regex = "[0-9]{13}"

    def __init__(self, map: Map) -> None:  # noqa: A002 - so called by Werkzeug
        super().__init__(map)


class PortalApi(Api):  # type: ignore[misc]
    """flask-smorest's Api, whose errors are ours (`partner_portal.problems`), in documentation too."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Nothing: `problems.install` answers errors, so that a 405 keeps its Allow and pages stay pages."""

    def _register_responses(self) -> None:
        for status in HTTPStatus:
            self._register_response(status.name, status.phrase, is_error=status >= 400)
        self._register_response("DEFAULT_ERROR", "Refus ou erreur", is_error=True)

    def _register_pagination_header(self) -> None:
        """Nothing: our lists are read by cursor, and say so in their own schemas."""

    def _register_response(self, name: str, description: str, *, is_error: bool) -> None:
        response: dict[str, Any] = {"description": description}
        if is_error:
            response["schema"] = self.ERROR_SCHEMA
        prepare_response(response, self.spec, MEDIA_TYPE)
        self.spec.components.response(name, response, lazy=True)


def install(app: Flask, resources: tuple[Blueprint, ...]) -> PortalApi:
    """Serve `resources` under /api/v1 of `app`, and the document that describes them."""
    app.config.update(API_TITLE="Atouts Normandie", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    api = PortalApi(
        app,
        spec_kwargs={
            "marshmallow_plugin": Plugin(),
            "info": {"description": DESCRIPTION.strip()},
            "servers": [{"url": "/"}],
            "security": [{"terminal": []}],
        },
    )
    app.url_map.converters.update(id=Number, ean=Ean)
    api.register_converter(Number, lambda _: {"type": "integer", "minimum": 1, "maximum": 10**18 - 1})
    api.register_converter(Ean, lambda _: {"type": "string", **EAN})
    api.spec.components.security_scheme(
        "terminal",
        {"type": "http", "scheme": "bearer", "description": "Secret d’une caisse, reçu à l’association."},
    )
    api.spec.components.security_scheme(
        "session",
        {
            "type": "apiKey",
            "in": "cookie",
            "name": app.config["SESSION_COOKIE_NAME"],
            "description": "Session d’une personne connectée ; les écritures portent aussi l’en-tête X-CSRFToken.",
        },
    )
    for resource in resources:
        api.register_blueprint(resource, url_prefix=PREFIX + (resource.url_prefix or ""))
    document = app.json.dumps(api.spec.to_dict()).encode()
    app.extensions["atouts.openapi"] = api.spec.to_dict(), document, hashlib.sha256(document).hexdigest()[:32]

    @app.before_request
    def bound() -> None:
        if under_api():
            request.max_content_length = portal().config.max_body_bytes

    return api


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of the application at hand."""
    document: dict[str, Any] = current_app.extensions["atouts.openapi"][0]
    return document


def openapi_response() -> Response:
    """The OpenAPI document as served."""
    _, body, tag = current_app.extensions["atouts.openapi"]
    response = Response(body, mimetype="application/json")
    response.set_etag(tag)
    response.headers["Cache-Control"] = "no-cache"
    return cast(Response, response.make_conditional(request))
