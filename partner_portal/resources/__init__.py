"""The resources of the JSON API, one module each."""

from flask_smorest import Blueprint

from partner_portal.resources import cancellations, catalogue, groups, lookups, sales, terminals

RESOURCES: tuple[Blueprint, ...] = (
    terminals.blueprint,
    lookups.blueprint,
    catalogue.blueprint,
    sales.blueprint,
    groups.blueprint,
    cancellations.blueprint,
)
"""In the order of the reference."""
