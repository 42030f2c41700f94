"""The Region's reconciliation pages: files come in, what is open is decided, runs are closed."""

from partner_portal.reconciliation import decisions, deposits, pages

PAGES = pages.blueprint
"""Looking; the other modules add what they take in and decide to it."""

__all__ = ["PAGES", "decisions", "deposits"]
