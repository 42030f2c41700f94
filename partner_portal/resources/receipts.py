"""Receipts: what the student is given, as a page to print."""

from flask import Response

from batch.documents.receipt import receipt_pdf
from ledger import partners, sold
from partner_portal.api import ApiBlueprint
from partner_portal.auth.principals import acting_partner_id
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.resources.answers import conditional
from partner_portal.resources.operations import Answer, operation
from partner_portal.till.receipts import receipt_of

blueprint = ApiBlueprint("reçus", __name__, description="Le reçu d’une vente, pour l’élève.")


@operation(
    blueprint,
    "GET",
    "/sales/<id:sale_id>/receipt",
    "sales.read",
    "Imprimer un reçu",
    description="Un PDF au format A5 : ce qui a été débité, ce qu’il reste et jusqu’à quand. Les lignes annulées y "
    "sont marquées.",
    answer=Answer({"type": "string", "format": "binary"}, content_type="application/pdf"),
    problems=("not_found",),
)
def read_receipt(sale_id: int) -> Response:
    """The receipt of one of the school's sales."""
    partner_id = acting_partner_id()
    with portal().reading() as conn:
        sale = sold.sale_of_partner(conn, sale_id, partner_id)
        partner = partners.get(conn, partner_id)
    if sale is None or not sale.debited:
        raise Problem("not_found", "Cette vente n’existe pas, ou n’a rien débité.")
    receipt = receipt_of(sale, partner, portal().config.assistance)
    response = Response(receipt_pdf(receipt), mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="recu-{sale_id}.pdf"'
    return conditional(response)
