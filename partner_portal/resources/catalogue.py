"""The catalogue of a school: what it may sell, and the real cost above which it may not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import marshmallow as ma
from flask import Response

from ledger import catalogue
from ledger.benefits import SCHEME
from ledger.catalogue import Offer
from ledger.identifiers import InvalidIdentifier
from partner_portal.api import ApiBlueprint
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.resources import fields
from partner_portal.resources.answers import answer, readable
from partner_portal.resources.cursors import cursor_after, number_in
from partner_portal.resources.fields import LARGEST_AMOUNT, NO_NUL, AnswerSchema, PageAsked, RequestSchema, Whole
from partner_portal.resources.operations import Answer, Asked, operation

blueprint = ApiBlueprint("catalogue", __name__, description="Ce que l’établissement peut vendre, et à quel coût réel.")


class ProductAsked(PageAsked):
    """Words of title or publisher, or an EAN."""

    search = ma.fields.String(
        load_default="",
        validate=ma.validate.Length(0, 100, error="100 caractères au plus sont attendus."),
        metadata={"description": "Mots du titre ou de l’éditeur, tous présents.", **NO_NUL},
    )
    ean = fields.ean(load_default=None)


class ProductAnswer(AnswerSchema):
    """A product of the school's catalogue."""

    product_id = fields.said("Identifiant du produit : son EAN")
    ean = fields.said("EAN ou ISBN")
    title = fields.said("Titre")
    publisher = fields.said("Éditeur")
    benefit = fields.said("Code de l’avantage qui paie")
    real_cost_cents = fields.cents("Coût réel : le prix le plus haut permis")


class ProductPage(AnswerSchema):
    """Products in the order of their EAN."""

    items = ma.fields.List(ma.fields.Nested(ProductAnswer), required=True)
    next_cursor = fields.next_cursor()


class OfferAsked(RequestSchema):
    """A product as the school sells it."""

    title = fields.text(200, "Titre ; celui du premier établissement qui l’a inscrit vaut pour tous.", required=True)
    publisher = fields.text(200, "Éditeur", required=True)
    benefit = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf([benefit.code for benefit in SCHEME], error="Cet avantage n’existe pas."),
        metadata={"description": "Code de l’avantage qui paie"},
    )
    real_cost_cents = Whole(
        least=1,
        most=LARGEST_AMOUNT,
        required=True,
        metadata={"description": "Coût réel d’une unité, selon la facture d’achat (centimes d’euro)"},
    )
    supplier = fields.text(200, "Fournisseur", load_default=None)
    invoice_number = fields.text(60, "Numéro de la facture d’achat", load_default=None)
    invoice_date = ma.fields.Date(load_default=None, metadata={"description": "Date de la facture d’achat"})


PRODUCT_EXAMPLE = {
    "product_id": "9782091729107",
    "ean": "9782091729107",
    "title": "Mathématiques 2de, licence élève",
    "publisher": "Nathan",
    "benefit": "books",
    "real_cost_cents": 1250,
}


def product_json(offer: Offer) -> dict[str, Any]:
    """A product as the API tells it."""
    return {
        "product_id": offer.ean,
        "ean": offer.ean,
        "title": offer.title,
        "publisher": offer.publisher,
        "benefit": offer.benefit,
        "real_cost_cents": offer.real_cost,
    }


@operation(
    blueprint,
    "GET",
    "/catalogue",
    "catalogue.read",
    "Chercher dans le catalogue",
    asked=Asked(ProductAsked, location="query"),
    answer=Answer(ProductPage, {"items": [PRODUCT_EXAMPLE], "next_cursor": None}),
)
def search(asked: dict[str, Any]) -> Response:
    """What the school sells."""
    after = number_in("catalogue", asked["cursor"]) or 0
    with portal().reading() as conn:
        found = catalogue.search(
            conn,
            acting_partner_id(),
            words=asked["search"],
            ean=asked["ean"],
            after=after,
            limit=asked["limit"] + 1,
        )
    page = found[: asked["limit"]]
    following = cursor_after("catalogue", int(page[-1].ean)) if len(found) > len(page) else None
    return readable({"items": [product_json(offer) for offer in page], "next_cursor": following})


@operation(
    blueprint,
    "PUT",
    "/catalogue/<ean:ean>",
    "catalogue.edit",
    "Inscrire un article, ou son nouveau coût réel",
    asked=Asked(
        OfferAsked,
        example={
            "title": "Mathématiques 2de, licence élève",
            "publisher": "Nathan",
            "benefit": "books",
            "real_cost_cents": 1250,
            "supplier": "Librairie du Bocage",
            "invoice_number": "F-2026-0412",
            "invoice_date": "2026-08-21",
        },
    ),
    answer=Answer(ProductAnswer, PRODUCT_EXAMPLE),
)
def put(body: dict[str, Any], ean: str) -> Response:
    """Enter a product."""
    offer = Offer(
        ean=ean,
        title=body["title"],
        publisher=body["publisher"],
        benefit=body["benefit"],
        real_cost=body["real_cost_cents"],
        supplier=body["supplier"],
        invoice_number=body["invoice_number"],
        invoice_date=body["invoice_date"],
    )
    partner_id = acting_partner_id()
    with portal().engine.begin() as conn, _checked_ean():
        catalogue.offer(conn, partner_id, [offer], actor=current_principal().actor)
        (entered,) = catalogue.search(conn, partner_id, ean=ean)
    return answer(product_json(entered))


@operation(
    blueprint,
    "DELETE",
    "/catalogue/<ean:ean>",
    "catalogue.edit",
    "Retirer un article",
    answer=Answer(status=204),
    problems=("not_found",),
)
def withdraw(ean: str) -> Response:
    """Take a product out."""
    with portal().engine.begin() as conn, _checked_ean():
        if not catalogue.withdraw(conn, acting_partner_id(), ean, actor=current_principal().actor):
            raise Problem("not_found", "Cet article n’est pas dans le catalogue.")
    return Response(status=204)


@contextmanager
def _checked_ean() -> Iterator[None]:
    """Tell a wrong check digit as an invalid value."""
    try:
        yield
    except InvalidIdentifier as error:
        wrong = {"pointer": "#/ean", "detail": str(error), "in": "path"}
        raise Problem("invalid", errors=[wrong]) from error
