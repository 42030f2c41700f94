"""The desk of the Region's partner officers: applications, partners, changes of bank accounts."""

from flask import Blueprint

from partner_portal.partner_desk import accounts, decisions, files

blueprint = Blueprint("desk", __name__, url_prefix="/region/partenaires")
blueprint.register_blueprint(files.blueprint)
blueprint.register_blueprint(decisions.blueprint)
blueprint.register_blueprint(accounts.blueprint)
