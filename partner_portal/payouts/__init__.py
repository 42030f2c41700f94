"""The Region's payout pages: prepare a run, look into it, approve it, hand its file to the bank, follow it."""

from partner_portal.payouts import decisions, documents, orders, pages

blueprint = pages.blueprint
"""Looking; the other modules add what they decide, order and print to it."""

__all__ = ["blueprint", "decisions", "documents", "orders"]
