"""The Region's reconciliation pages: files come in, what is open is decided, runs are closed."""

from partner_portal.reconciliation import decisions, deposits, pages

blueprint = pages.blueprint
"""Looking; the other modules add what they take in and decide to it."""

__all__ = ["blueprint", "decisions", "deposits"]
