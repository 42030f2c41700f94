"""The resources of the JSON API, one module each."""

from flask_smorest import Blueprint

from partner_portal.resources import (
    cancellations,
    catalogue,
    groups,
    holds,
    lookups,
    partner,
    payouts,
    receipts,
    sales,
    students,
    terminals,
)

RESOURCES: tuple[Blueprint, ...] = (
    terminals.blueprint,
    lookups.blueprint,
    catalogue.blueprint,
    sales.blueprint,
    groups.blueprint,
    cancellations.blueprint,
    holds.blueprint,
    receipts.blueprint,
    partner.blueprint,
    payouts.blueprint,
    students.blueprint,
)
"""In the order of the reference."""
