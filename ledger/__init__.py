"""The books: accounts, transfers, benefits, sales, payouts and reconciliation.

This room speaks to PostgreSQL and to nothing else: no HTTP, no Redis, no XML.
"""
