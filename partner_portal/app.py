"""The portal: one Flask application of JSON API, pages and doors, put together from its parts."""

from flask import Blueprint, Flask
from flask_babel import Babel
from jinja2 import StrictUndefined
from redis import Redis
from sqlalchemy import Engine

from batch import logs
from batch.queue import redis_connection
from ledger.database import application_engine
from partner_portal import (
    agents,
    api,
    assets,
    charts,
    formats,
    home,
    limits,
    monitoring,
    navigation,
    operations,
    problems,
    reference,
    request_ids,
    security,
    style_page,
)
from partner_portal.auth import account, gate, links, oidc, sign_in
from partner_portal.auth.sessions import RedisSessions
from partner_portal.catalogue_pages import pages as catalogue_pages
from partner_portal.config import Config
from partner_portal.establishment import blueprint as establishment
from partner_portal.groups import pages as groups
from partner_portal.money import pages as money
from partner_portal.partner_desk import blueprint as partner_desk
from partner_portal.payouts import blueprint as payouts
from partner_portal.portal import Portal
from partner_portal.reconciliation import blueprint as reconciliation
from partner_portal.resources import RESOURCES
from partner_portal.sign_up import pages as sign_up
from partner_portal.strict_json import StrictJSONProvider
from partner_portal.students import STUDENT_PAGES
from partner_portal.till import page as till
from partner_portal.till import pictures
from partner_portal.till import sales as sales_pages

PAGES: tuple[Blueprint, ...] = (
    home.blueprint,
    home.partner_home,
    home.region_home,
    agents.blueprint,
    operations.blueprint,
    till.blueprint,
    pictures.blueprint,
    sales_pages.blueprint,
    catalogue_pages.blueprint,
    money.blueprint,
    payouts,
    groups.blueprint,
    sign_up.blueprint,
    establishment,
    partner_desk,
    reconciliation,
    sign_in.blueprint,
    links.blueprint,
    account.blueprint,
    oidc.blueprint,
    *STUDENT_PAGES,
    reference.blueprint,
    style_page.blueprint,
    monitoring.blueprint,
)
"""Everything that is not a resource of the API."""


class PortalApplication(Flask):
    """Flask with our JSON, which logs an unexpected error without the address: that may hold a link's secret."""

    json_provider_class = StrictJSONProvider

    def log_exception(self, exc_info: object) -> None:
        """Log an error nobody expected."""
        self.logger.error("unexpected error", exc_info=exc_info)  # type: ignore[arg-type]


def create_app(config: Config | None = None, *, engine: Engine | None = None, redis: Redis | None = None) -> Flask:
    """Make the application from the environment's settings, or from the parts given.

    Raises `ledger.data_folder.Unusable`, with a sentence for the operator, when a setting or a server cannot be used.
    """
    config = config or Config.from_environment()
    logs.configure(config.log_level, readable=config.development)
    redis = redis or redis_connection()
    app = PortalApplication(__name__)
    app.config.update(
        SECRET_KEY=config.secret_key,
        # The prefix makes browsers refuse the cookie from any other path, domain or unencrypted connection.
        SESSION_COOKIE_NAME="__Host-atouts" if config.is_secure else "atouts",
        SESSION_COOKIE_SECURE=config.is_secure,
        MAX_CONTENT_LENGTH=config.max_upload_bytes,
        MAX_FORM_MEMORY_SIZE=config.max_body_bytes,
        MAX_FORM_PARTS=2_000,
        BABEL_DEFAULT_LOCALE="fr",
        BABEL_DEFAULT_TIMEZONE="Europe/Paris",
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    sessions = RedisSessions(redis, idle_s=config.session_idle_s, absolute_s=config.session_absolute_s)
    app.session_interface = sessions
    app.extensions["atouts"] = Portal(config, engine or application_engine(), redis, sessions)
    Babel(app)

    monitoring.install(app)
    request_ids.install(app)
    security.install(app, secure=config.is_secure, trusted_proxies=config.trusted_proxies)
    problems.install(app)
    formats.install(app)
    assets.install(app)
    charts.install(app)
    navigation.install(app)
    # Who asks, then how much they ask, then whether they may: wrong secrets and wrong doors are counted too.
    app.before_request(gate.identify)
    limits.install(app)
    gate.install(app)
    oidc.install(app)
    api.install(app, RESOURCES)
    app.before_request(gate.authorise)
    for blueprint in PAGES:
        app.register_blueprint(blueprint)
    return app
