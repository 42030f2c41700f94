"""The portal's browser and server, for journeys that go through its pages."""

from tests.partner_portal.conftest import app, books, config, more_pages, page, portal_url, redis

__all__ = ["app", "books", "config", "more_pages", "page", "portal_url", "redis"]
