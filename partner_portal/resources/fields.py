"""What requests and answers are made of: amounts, instants, days, EANs, and schemas that refuse what is unknown."""

import re
from typing import Any

import marshmallow as ma

from partner_portal.api import EAN

SENTENCES = {
    "required": "Ce membre est obligatoire.",
    "null": "Ce membre ne peut pas être nul.",
    "validator_failed": "Cette valeur n’est pas valable.",
}
ma.fields.Field.default_error_messages.update(SENTENCES)
ma.fields.String.default_error_messages.update(invalid="Un texte est attendu.", invalid_utf8="Un texte est attendu.")
ma.fields.Integer.default_error_messages.update(invalid="Un nombre entier est attendu.")
ma.fields.List.default_error_messages.update(invalid="Une liste est attendue.")
ma.fields.Date.default_error_messages.update(invalid="Une date AAAA-MM-JJ est attendue.")
ma.fields.Nested.default_error_messages.update(type="Un objet est attendu.")

NO_NUL = {"pattern": "^[^\\u0000]*$"}
"""Of every text that is sent: `strict_json` and `api.install` refuse NUL, which PostgreSQL does not store."""
LARGEST_AMOUNT = 10_000_000
"""Cents; above every limit that can be set for a partner."""


class RequestSchema(ma.Schema):
    """What a caller sends: a member we do not know is refused, since its meaning would be lost."""

    error_messages = {  # noqa: RUF012
        "unknown": "Ce membre est inconnu.",
        "type": "Un objet JSON est attendu.",
    }


class AnswerSchema(ma.Schema):
    """What we answer. Later releases may add members, which callers pass over."""

    class Meta:
        """Nothing is said of other members."""

        unknown = ma.EXCLUDE


class Whole(ma.fields.Integer):
    """A whole number as JSON Schema means it: 4709.0 is one; true, "4709" and 4709.5 are none."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        """Between `least` and `most`, both included."""
        between = ma.validate.Range(least, most, error=f"Un nombre entre {least} et {most} est attendu.")
        super().__init__(strict=True, validate=between, **kwargs)

    def _validated(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return super()._validated(value)


class Count(ma.fields.Integer):
    """A whole number in an address: digits only."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        """Between `least` and `most`, both included."""
        between = ma.validate.Range(least, most, error=f"Un nombre entre {least} et {most} est attendu.")
        super().__init__(validate=between, **kwargs)

    def _validated(self, value: Any) -> int:
        if not re.fullmatch("[0-9]{1,9}", str(value)):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


def text(most: int, meaning: str, *, least: int = 1, example: str | None = None, **kwargs: Any) -> ma.fields.String:
    """A text of `least` to `most` characters."""
    length = ma.validate.Length(least, most, error=f"De {least} à {most} caractères sont attendus.")
    metadata = {"description": meaning, **NO_NUL} | ({"example": example} if example else {})
    return ma.fields.String(validate=length, metadata=metadata, **kwargs)


def ean(**kwargs: Any) -> ma.fields.String:
    """An EAN or ISBN of 13 digits; whether its check digit is right is for `ledger.identifiers`."""
    digits = ma.validate.Regexp(r"^[0-9]{13}\Z", error="Un code EAN ou ISBN compte 13 chiffres.")
    shape = EAN | {"description": "EAN ou ISBN, 13 chiffres."}
    return ma.fields.String(validate=digits, metadata=shape | kwargs.pop("metadata", {}), **kwargs)


def said(meaning: str, **kwargs: Any) -> ma.fields.String:
    """A text in an answer."""
    return ma.fields.String(required=True, metadata={"description": meaning, **kwargs.pop("metadata", {})}, **kwargs)


def cents(meaning: str, **kwargs: Any) -> ma.fields.Integer:
    """An amount in an answer."""
    return ma.fields.Integer(required=True, metadata={"description": f"{meaning} (centimes d’euro)"}, **kwargs)


def number(meaning: str, **kwargs: Any) -> ma.fields.Integer:
    """A count in an answer."""
    return ma.fields.Integer(required=True, metadata={"description": meaning}, **kwargs)


def instant(meaning: str, **kwargs: Any) -> ma.fields.String:
    """An instant in an answer, as `answers.utc` writes it."""
    return ma.fields.String(
        required=True, metadata={"format": "date-time", "description": f"{meaning} (UTC)"}, **kwargs
    )


def day(meaning: str, **kwargs: Any) -> ma.fields.String:
    """A day in an answer, as ISO 8601 writes it."""
    return ma.fields.String(required=True, metadata={"format": "date", "description": meaning}, **kwargs)


class PageAsked(RequestSchema):
    """Which page of a list."""

    cursor = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(1, 64, error="Ce curseur n’est pas valable."),
        metadata={"format": "cursor", "description": "Le `next_cursor` de la page précédente, tel quel."},
    )
    limit = Count(least=1, most=100, load_default=50, metadata={"description": "Nombre d’éléments par page."})


def next_cursor() -> ma.fields.String:
    """Where a list goes on, in an answer."""
    return ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Curseur de la page suivante ; nul à la dernière."}
    )
