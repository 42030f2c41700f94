"""The receipt of a sale, to print, to keep or to mail: what was debited, what is left, and until when."""

from sqlalchemy import Connection, text

from batch.documents.models import Assistance, ReceiptBalance, ReceiptLine, SaleReceipt
from batch.letters import post
from batch.student_letters import receipt_letter
from ledger import audit
from ledger.calendar import last_day_before
from ledger.partners import Partner
from ledger.sold import SoldSale
from ledger.student_notices import Left, Receipt
from partner_portal.config import Assistance as Help

ERASED = "Élève effacé"


def receipt_of(sale: SoldSale, partner: Partner, assistance: Help) -> SaleReceipt:
    """The receipt of a sale that debited somebody, as it stands now."""
    return SaleReceipt(
        reference=f"Vente {sale.sale_id}",
        sold_at=sale.sold_at,
        partner=partner.name,
        partner_town=partner.town,
        partner_uai=partner.uai,
        student=called(sale),
        class_name=sale.class_name,
        lines=tuple(
            ReceiptLine(line.title, f"{line.ean:013}", line.label, line.price, cancelled=line.state == "cancelled")
            for line in sale.lines
        ),
        balances=tuple(
            ReceiptBalance(left.label, left.balance, last_day_before(left.usable_until)) for left in sale.left
        ),
        assistance=Assistance(assistance.email, assistance.phone, assistance.hours),
    )


def called(sale: SoldSale) -> str:
    """The student as a clerk sees them: "Léa M."."""
    if not sale.first_name:
        return ERASED
    return f"{sale.first_name} {sale.initial}." if sale.initial else sale.first_name


def send(conn: Connection, sale: SoldSale, receipt: SaleReceipt, *, actor: str) -> str:
    """Mail the receipt to the address known of the student, once for each state of the sale.

    Returns the French sentence for the clerk, who learns no more of the address than it needs to be recognised.
    """
    address = conn.scalar(
        text("select email from student_identity where student_id = :student"), {"student": sale.student_id}
    )
    if not address:
        return "Aucune adresse électronique n’est connue pour cet élève : imprimez le reçu."
    told = Receipt(
        kind="sale",
        document=sale.sale_id,
        at=sale.sold_at,
        first_name=sale.first_name,
        email=address,
        partner=receipt.partner,
        lines=tuple((line.title, line.price_cents) for line in receipt.lines if not line.cancelled),
        left=tuple(Left(left.label, left.balance, left.usable_until) for left in sale.left),
        lapsed=0,
    )
    # The key of the receipt that is written for every sale: whichever comes first, the student gets one.
    is_new = post(
        conn,
        receipt_letter(told),
        recipient=address,
        purpose="receipt",
        dedup_key=f"receipt:{sale.sale_id}:{told.amount}",
    )
    if not is_new:
        return f"Ce reçu a déjà été envoyé à {masked(address)}."
    audit.record(conn, actor=actor, action="receipt.mail", subject=f"sale:{sale.sale_id}")
    return f"Le reçu part vers {masked(address)}."


def masked(address: str) -> str:
    """A mail address as a clerk may see it: "l•••@exemple.fr"."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}•••@{domain}"
