"""Terminals: a till is paired once, proves itself by its secret, changes it, and is revoked by its school."""

from typing import Any

import marshmallow as ma
from flask import Response

from ledger import benefits, terminals
from ledger.calendar import last_day_before
from ledger.refusals import Refusal
from partner_portal.api import ApiBlueprint
from partner_portal.auth.gate import bearer_token
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.limits import limiter, source
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.resources import fields
from partner_portal.resources.answers import answer, readable, utc
from partner_portal.resources.fields import NO_NUL, AnswerSchema, RequestSchema
from partner_portal.resources.operations import Answer, Asked, operation

blueprint = ApiBlueprint("caisses", __name__, description="Associer, relire et révoquer des caisses.")
PAIRINGS = "20 per minute"
"""Per address: a person types a code in a few seconds, and a guesser of 32^10 codes gets nowhere."""


class PairingAsked(RequestSchema):
    """The one-time code that the school's manager was given, and what the till shall be called."""

    pairing_code = fields.text(
        20, "Code à usage unique, donné par le responsable.", required=True, example="K7M2P-9QXVT"
    )
    name = ma.fields.String(
        required=True,
        validate=[
            ma.validate.Length(1, 60, error="De 1 à 60 caractères sont attendus."),
            ma.validate.NoneOf([terminals.BROWSER], error="Ce nom est réservé."),
        ],
        metadata={"description": "Nom de la caisse, pour les personnes.", "example": "Guichet 1", **NO_NUL},
    )


class PartnerOfTerminal(AnswerSchema):
    """The school of a till."""

    name = fields.said("Nom de l’établissement")
    uai = fields.said("Code UAI")


class PairingAnswer(AnswerSchema):
    """A till just paired. The secret is told this once."""

    terminal_id = fields.said("Numéro de la caisse")
    secret = fields.said("À présenter tel quel dans `Authorization: Bearer`, et à garder : `<terminal_id>.<secret>`.")
    partner = ma.fields.Nested(PartnerOfTerminal, required=True)


class PartnerStatus(PartnerOfTerminal):
    """The school of a till, and whether it may sell."""

    status = fields.said("État du partenariat ; seul `validated` permet de vendre.")


class AssistanceAnswer(AnswerSchema):
    """Where a clerk gets help."""

    email = fields.said("Adresse électronique")
    phone = fields.said("Téléphone")
    hours = fields.said("Horaires")


class TerminalAnswer(AnswerSchema):
    """A till, its school, and whom its clerk may ask."""

    terminal_id = fields.said("Numéro de la caisse")
    name = fields.said("Nom de la caisse")
    partner = ma.fields.Nested(PartnerStatus, required=True)
    assistance = ma.fields.Nested(AssistanceAnswer, required=True)
    usable_until = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "date", "description": "Premier des derniers jours d’utilisation de l’année en cours."},
    )


class SecretAsked(RequestSchema):
    """The secret by which a till will prove itself, as its SHA-256."""

    secret_sha256 = ma.fields.String(
        required=True,
        validate=ma.validate.Regexp(r"^[0-9a-f]{64}\Z", error="64 chiffres hexadécimaux sont attendus."),
        metadata={
            "pattern": "^[0-9a-f]{64}$",
            "description": "SHA-256 de ce qui suivra le point, sans le numéro ni le point : la caisse le tire au sort "
            "(256 bits au moins), le garde, et présente ensuite `Bearer <terminal_id>.<ce secret>`.",
        },
    )


class PairingCodeAnswer(AnswerSchema):
    """A code that pairs one till."""

    pairing_code = fields.said("Code à usage unique")
    expires_at = fields.instant("Fin de validité")


class ListedTerminalAnswer(AnswerSchema):
    """A till of the school."""

    terminal_id = fields.said("Numéro de la caisse")
    name = fields.said("Nom de la caisse")
    paired_at = fields.instant("Instant de l’association")
    revoked_at = ma.fields.String(
        required=True, allow_none=True, metadata={"format": "date-time", "description": "Instant de la révocation."}
    )


class TerminalList(AnswerSchema):
    """The tills of the school."""

    items = ma.fields.List(ma.fields.Nested(ListedTerminalAnswer), required=True)


@operation(
    blueprint,
    "POST",
    "/terminals/pair",
    "terminals.pair",
    "Associer une caisse",
    description="Échange un code à usage unique contre un secret. Si la réponse se perd, le code est usé : demandez-en "
    "un autre et révoquez la caisse qui n’a pas servi.",
    asked=Asked(PairingAsked, example={"pairing_code": "K7M2P-9QXVT", "name": "Guichet 1"}),
    answer=Answer(
        PairingAnswer,
        {
            "terminal_id": "7",
            "secret": "7.Hs1fQmZ0t5b9cV8sY2kLwPfR7tUeGiAoB4vNzXhMd3k",
            "partner": {"name": "Lycée Malherbe", "uai": "0140013N"},
        },
        201,
    ),
    problems=("not_found",),
)
@limiter.limit(PAIRINGS, key_func=source)
def pair(body: dict[str, Any]) -> Response:
    """Pair a till."""
    with portal().engine.begin() as conn:
        paired = terminals.pair_terminal(conn, body["pairing_code"], name=body["name"])
        if paired is None:
            raise Problem("not_found", "Ce code d’association n’existe pas, a déjà servi, ou n’est plus valable.")
        terminal = terminals.get(conn, paired.terminal_id)
    return answer(
        {
            "terminal_id": str(paired.terminal_id),
            "secret": bearer_token(paired.terminal_id, paired.secret),
            "partner": {"name": terminal.partner_name, "uai": terminal.partner_uai},
        },
        201,
    )


@operation(
    blueprint,
    "GET",
    "/terminal",
    "terminal.read",
    "Relire la fiche de sa caisse",
    answer=Answer(
        TerminalAnswer,
        {
            "terminal_id": "7",
            "name": "Guichet 1",
            "partner": {"name": "Lycée Malherbe", "uai": "0140013N", "status": "validated"},
            "assistance": {
                "email": "partenaires.atouts@normandie.fr",
                "phone": "02 14 00 08 50",
                "hours": "du lundi au vendredi, de 9 h à 12 h et de 13 h 30 à 17 h",
            },
            "usable_until": "2027-06-30",
        },
    ),
)
def read_terminal() -> Response:
    """The till that asks."""
    terminal_id = _own_id()
    with portal().engine.connect() as conn:
        terminal = terminals.get(conn, terminal_id)
        deadline = benefits.first_deadline(conn)
    assistance = portal().config.assistance
    return readable(
        {
            "terminal_id": str(terminal_id),
            "name": terminal.name,
            "partner": {
                "name": terminal.partner_name,
                "uai": terminal.partner_uai,
                "status": terminal.partner_status,
            },
            "assistance": {"email": assistance.email, "phone": assistance.phone, "hours": assistance.hours},
            "usable_until": None if deadline is None else last_day_before(deadline).isoformat(),
        }
    )


@operation(
    blueprint,
    "PUT",
    "/terminal/secret",
    "terminal.read",
    "Changer le secret de sa caisse",
    description="La caisse garde l’ancien et le nouveau secret jusqu’à la réponse. Si elle se perd, l’un des deux "
    "vaut : elle les essaie.",
    asked=Asked(
        SecretAsked, example={"secret_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
    ),
    answer=Answer(status=204),
    problems=("conflict",),
)
def change_secret(body: dict[str, Any]) -> Response:
    """The till proves itself by another secret from now on."""
    terminal_id = _own_id()
    try:
        with portal().engine.begin() as conn:
            terminals.replace_secret(
                conn, terminal_id, bytes.fromhex(body["secret_sha256"]), actor=current_principal().actor
            )
    except terminals.SecretInUse as error:
        raise Problem("conflict", "Tirez un autre secret au sort.") from error
    return Response(status=204)


@operation(
    blueprint,
    "GET",
    "/terminals",
    "terminals.manage",
    "Relire les caisses de l’établissement",
    answer=Answer(
        TerminalList,
        {
            "items": [
                {
                    "terminal_id": "7",
                    "name": "Guichet 1",
                    "paired_at": "2026-08-28T07:12:00.000Z",
                    "revoked_at": None,
                }
            ]
        },
    ),
)
def list_terminals() -> Response:
    """The school's tills."""
    with portal().engine.connect() as conn:
        found = terminals.terminals_of(conn, acting_partner_id())
    return readable(
        {
            "items": [
                {
                    "terminal_id": str(terminal.terminal_id),
                    "name": terminal.name,
                    "paired_at": utc(terminal.paired_at),
                    "revoked_at": utc(terminal.revoked_at) if terminal.revoked_at else None,
                }
                for terminal in found
            ]
        }
    )


@operation(
    blueprint,
    "POST",
    "/terminals/pairing-codes",
    "terminals.manage",
    "Donner un code d’association",
    description="Le code associe une caisse, une fois, dans les 24 heures.",
    answer=Answer(PairingCodeAnswer, {"pairing_code": "K7M2P-9QXVT", "expires_at": "2026-08-29T07:12:00.000Z"}, 201),
)
def give_pairing_code() -> Response:
    """A code for one till."""
    with portal().engine.begin() as conn:
        code, expires_at = terminals.make_pairing_code(conn, acting_partner_id(), actor=current_principal().actor)
    return answer({"pairing_code": code, "expires_at": utc(expires_at)}, 201)


@operation(
    blueprint,
    "DELETE",
    "/terminals/<id:terminal_id>",
    "terminals.manage",
    "Révoquer une caisse",
    description="Elle ne peut plus rien demander ; ses demandes déjà répondues le restent.",
    answer=Answer(status=204),
    problems=("not_found",),
)
def revoke(terminal_id: int) -> Response:
    """Refuse a till of the school from now on."""
    with portal().engine.begin() as conn:
        principal = current_principal()
        if not terminals.revoke_terminal(conn, terminal_id, partner_id=acting_partner_id(), actor=principal.actor):
            raise Problem("not_found", "Cette caisse n’existe pas, ou est déjà révoquée.")
    return Response(status=204)


def _own_id() -> int:
    terminal_id = current_principal().id
    if terminal_id is None:
        raise Problem(Refusal.TERMINAL_REVOKED)
    return terminal_id
