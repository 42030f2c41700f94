"""Amounts as French sentences hold them."""

from __future__ import annotations

NO_BREAK = "\u00a0"
THIN_NO_BREAK = "\u202f"
MINUS = "\u2212"


def euros(cents: int) -> str:
    """1250 is '12,50 €', -123456 is '−1 234,56 €', with spaces that never break a line."""
    whole, rest = divmod(abs(cents), 100)
    grouped = f"{whole:,}".replace(",", THIN_NO_BREAK)
    return f"{MINUS if cents < 0 else ''}{grouped},{rest:02}{NO_BREAK}€"
