"""Every piece of the visual system on one page, for whoever builds pages; on a developer's machine only."""

from flask import Blueprint, render_template
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, EmailField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired

from partner_portal.auth.gate import requires
from partner_portal.charts import Bar
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("style_page", __name__)


class SampleForm(FlaskForm):  # type: ignore[misc]
    """One field of each kind."""

    name = StringField("Raison sociale", validators=[DataRequired("Indiquez la raison sociale.")])
    email = EmailField("Adresse électronique")
    benefit = SelectField("Avantage", choices=["Livres scolaires", "Équipement professionnel"])
    since = DateField("Depuis le")
    remark = TextAreaField("Remarque")
    mode = RadioField("Si un élève n’a pas assez", choices=["Passer aux suivants", "Tout refuser"])
    agreed = BooleanField("Je m’engage à facturer le coût réel")


@blueprint.get("/style")
@requires("public.read")
def page() -> str:
    """The visual system."""
    if not portal().config.development:
        raise Problem("not_found")
    form = SampleForm(meta={"csrf": False})
    form.validate()
    weeks = [Bar(f"{week:02d}", amount * 100) for week, amount in enumerate((0, 12, 380, 1250, 940, 410, 220, 90), 34)]
    return render_template("style.html", form=form, weeks=weeks)
