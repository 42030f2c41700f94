"""One example of each document, and eyes to read a PDF with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pypdfium2
import pytest
from PIL import Image

from batch.documents.models import (
    AdviceLine,
    Assistance,
    Payee,
    PaymentFile,
    PayoutRunSummary,
    ReceiptBalance,
    ReceiptLine,
    RemittanceAdvice,
    RunPayment,
    RunRemainder,
    SaleReceipt,
    Seal,
    Signature,
    StudentCard,
)

ASSISTANCE = Assistance("aide@region.example", "02 61 91 00 50", "lundi–vendredi, 9–12 h et 13 h 30–17 h")
SEAL = Seal(
    412, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", datetime(2026, 9, 7, 1, 5, tzinfo=UTC)
)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Seen:
    """A PDF as a reader sees it."""

    pages: list[str]
    pictures: list[Image.Image]

    @property
    def text(self) -> str:
        return "\n".join(self.pages)


def _look(pdf: bytes, dpi: int = 72) -> Seen:
    document = pypdfium2.PdfDocument(pdf)
    pages = [page.get_textpage().get_text_bounded() for page in document]
    pictures = [page.render(scale=dpi / 72).to_pil() for page in document] if dpi > 72 else []
    return Seen([page.replace("\u00a0", " ").replace("\u202f", " ").replace("\r\n", "\n") for page in pages], pictures)


@pytest.fixture
def look() -> Callable[..., Seen]:
    """Text of each page, spaces made plain; pictures too from a resolution above 72 dots per inch."""
    return _look


@pytest.fixture
def student_card() -> Callable[..., StudentCard]:
    def make(number: int = 0, **changes: object) -> StudentCard:
        code = "A" + ALPHABET[number // 32] + ALPHABET[number % 32] + ALPHABET[3:]
        fields: dict[str, object] = {
            "code": code,
            "first_name": "Zoé",
            "last_name": "CŒURET",
            "class_name": "2nde pro 1",
            "school": "Lycée polyvalent des Pommiers, Bernay",
            "school_year": 2026,
            "benefits": ("Livres scolaires", "Équipement professionnel"),
            "usable_until": date(2027, 6, 30),
            "student_space": "atouts.region.example/eleve",
        }
        return StudentCard(**(fields | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def receipt() -> SaleReceipt:
    return SaleReceipt(
        reference="V-8B529B4A",
        sold_at=datetime(2026, 9, 2, 8, 15, tzinfo=UTC),
        partner="Lycée polyvalent des Pommiers",
        partner_town="Bernay",
        partner_uai="0278000Z",
        student="Zoé C.",
        class_name="2nde pro 1",
        lines=(
            ReceiptLine("Français 2de pro, manuel numérique", "9791099900012", "Livres scolaires", 1250),
            ReceiptLine("Mathématiques 2de pro", "9791099900029", "Livres scolaires", 990),
            ReceiptLine("Anglais bac pro", "9791099900036", "Livres scolaires", 700, cancelled=True),
        ),
        balances=(
            ReceiptBalance("Livres scolaires", 1760, date(2027, 6, 30)),
            ReceiptBalance("Équipement professionnel", 10_000, date(2027, 6, 30)),
        ),
        assistance=ASSISTANCE,
    )


@pytest.fixture
def advice() -> Callable[..., RemittanceAdvice]:
    def make(sales: int = 3, refunds: int = 1, carried_over: int = -450, pay: bool = True, **changes: object):
        at = datetime(2026, 9, 1, 9, 30, tzinfo=UTC)
        lines = [
            AdviceLine(
                "sale", at, f"V-{number:08X}", "Zoé C., 2nde 3", "Français 2de", "Livres scolaires", 1000 + number
            )
            for number in range(sales)
        ]
        lines += [
            AdviceLine("refund", at, f"V-{number:08X}", "Noé M., 2nde 1", "SNT 2de", "Livres scolaires", -1250)
            for number in range(refunds)
        ]
        if carried_over:
            lines.append(AdviceLine("carry_over", at, "2026-W35", "", "Report de la semaine 35", "", carried_over))
        total = sum(line.amount_cents for line in lines)
        paid = total if pay and total > 0 else 0
        fields: dict[str, object] = {
            "run": "2026-W36",
            "payer": "Région Normandie",
            "payee": Payee("Lycée des Pommiers", "Bernay", "0278000Z", "19278000500018", "FR76 •••• •••• 6389"),
            "first_day": date(2026, 8, 31),
            "last_day": date(2026, 9, 6),
            "out_of_turn": None,
            "lines": tuple(lines),
            "transfer_cents": paid,
            "carried_forward_cents": total - paid,
            "end_to_end_id": "ATN2026W36-000017" if paid else None,
            "execution_date": date(2026, 9, 8) if paid else None,
            "seal": SEAL,
            "issued_at": datetime(2026, 9, 7, 8, tzinfo=UTC),
            "assistance": ASSISTANCE,
        }
        return RemittanceAdvice(**(fields | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def run() -> Callable[..., PayoutRunSummary]:
    def make(payments: int = 3, **changes: object) -> PayoutRunSummary:
        listed = tuple(
            RunPayment(
                f"ATN2026W36-{number:06}",
                f"Lycée n° {number}",
                "19278000500018",
                "FR76 •••• •••• 6389",
                10_000 + number,
            )
            for number in range(1, payments + 1)
        )
        carried = (
            RunRemainder("MFR du Marais, Sées", "99000003600014", -1250, "Remboursements supérieurs aux ventes"),
        )
        held = (RunRemainder("Lycée des Dunes, Dieppe", "19768002800010", 120_450, "IBAN modifié : délai de sécurité"),)
        fields: dict[str, object] = {
            "run": "2026-W36",
            "payer": "Région Normandie",
            "first_day": date(2026, 8, 31),
            "last_day": date(2026, 9, 6),
            "out_of_turn": None,
            "state": "Fichier produit",
            "message_id": "ATN2026W36",
            "debtor_iban_masked": "FR76 •••• •••• 0189",
            "execution_date": date(2026, 9, 8),
            "payments": listed,
            "carried": carried,
            "held": held,
            "owed_cents": sum(payment.amount_cents for payment in listed) - 1250 + 120_450,
            "content_sha256": "ab" * 32,
            "signatures": (
                Signature("Préparé par", "Claire Fontaine", "Comptable", datetime(2026, 9, 7, 7, tzinfo=UTC)),
                Signature("Approuvé par", "Jean Lemarchand", "Responsable", datetime(2026, 9, 7, 9, tzinfo=UTC)),
            ),
            "file": PaymentFile("ATN2026W36.xml", 48_213, "cd" * 32),
            "seal": SEAL,
            "issued_at": datetime(2026, 9, 7, 10, tzinfo=UTC),
        }
        return PayoutRunSummary(**(fields | changes))  # type: ignore[arg-type]

    return make
