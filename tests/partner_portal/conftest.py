"""The portal as the tests meet it: an application on a database and a Redis of its own."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from batch.queue import redis_connection
from partner_portal.app import create_app
from partner_portal.config import Assistance, Config
from tests.conftest import Database

CONFIG = Config(
    public_url="http://localhost",
    secret_key="a secret of the tests",
    encryption_keys=("a key of the tests",),
    rate_limit="100000 per minute",
    rate_limit_unknown="100000 per minute",
    assistance=Assistance("aide@example.org", "02 00 00 00 00", "tous les jours"),
)


@pytest.fixture
def config() -> Config:
    """The settings of `app`; a module that needs others overrides this."""
    return CONFIG


@pytest.fixture
def app(fresh_database: Database, redis_url: str, config: Config) -> Flask:
    """The portal on an empty scheme."""
    return create_app(config, engine=fresh_database.engine, redis=redis_connection(redis_url))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that has never been here."""
    return app.test_client()
