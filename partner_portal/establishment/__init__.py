"""A school in the partner space: its sheet, its staff, its tills, its bank account, its students without mail."""

from flask import Blueprint

from partner_portal.establishment import bank_account, sheet, staff, students, tills

blueprint = Blueprint("establishment", __name__, url_prefix="/partenaire/etablissement")
for part in (sheet.blueprint, staff.blueprint, tills.blueprint, bank_account.blueprint, students.blueprint):
    blueprint.register_blueprint(part)
