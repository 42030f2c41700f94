"""The receipt of a sale, as plain text that any printer takes."""

import textwrap

from pos_client.answers import Assistance, Sale
from pos_client.french import day, euros, moment
from pos_client.terminal import Terminal

WIDTH = 42
"""Characters in a line of a receipt printer's 80 mm paper."""


def receipt(sale: Sale, till: Terminal, assistance: Assistance | None = None) -> str:
    """The receipt: what was debited, what is left, until when, and whom to ask."""
    parts = [
        "Atouts Normandie".center(WIDTH).rstrip(),
        *(line.center(WIDTH).rstrip() for line in textwrap.wrap(till.partner_name, WIDTH)),
        "",
        f"Le {moment(sale.created_at)}",
        f"Élève : {sale.buyer}",
        "-" * WIDTH,
    ]
    for line in sale.lines:
        cancelled = " (annulé)" if line.state in ("cancelled", "voided") else ""
        parts += _row(f"{line.title}{cancelled}", euros(line.price_cents))
        parts.append(f"  ISBN {line.ean}")
    parts += ["-" * WIDTH, *_row("DÉBITÉ", euros(sale.debited_cents))]
    if sale.refunded_cents:
        parts += _row("RENDU", euros(sale.refunded_cents))
    for balance in sale.balances:
        parts += _row(f"Reste, {balance.label}", euros(balance.balance_cents))
    if sale.usable_until:
        parts.append(f"Utilisable jusqu’au {day(sale.usable_until)}")
    parts += ["", f"Vente {sale.sale_id}"]
    if assistance:
        parts += textwrap.wrap(assistance.sentence, WIDTH)
    return "\n".join(parts) + "\n"


def _row(left: str, right: str) -> list[str]:
    """A text on the left, as many lines as it takes, and an amount at the right end of the last."""
    lines = textwrap.wrap(left, WIDTH - len(right) - 2) or [""]
    return [*lines[:-1], lines[-1].ljust(WIDTH - len(right)) + right]
