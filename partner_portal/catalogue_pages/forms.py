"""The forms of the catalogue: a number first, then what the purchase invoice says."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, SelectField, StringField
from wtforms.validators import ValidationError

from ledger.catalogue import Offer
from partner_portal.catalogue_pages.cells import read_day, read_ean, read_real_cost, read_text


def _read_by(reader: Callable[[str], Any]) -> Callable[[FlaskForm, Field], None]:
    """A validator that keeps in `field.value` what `reader` makes of the text."""

    def validate(form: FlaskForm, field: Field) -> None:
        try:
            field.value = reader(field.data or "")
        except ValueError as error:
            raise ValidationError(str(error)) from error

    return validate


class NumberForm(FlaskForm):  # type: ignore[misc]
    """Which licence."""

    ean = StringField("ISBN ou EAN", validators=[_read_by(lambda text: read_ean(text or ""))])


class OfferForm(FlaskForm):  # type: ignore[misc]
    """What the school sells a licence for, and the invoice that says so. A product known already keeps its title."""

    title = StringField("Titre", validators=[_read_by(lambda text: read_text(text, "Le titre", 200))])
    publisher = StringField("Éditeur ou marque", validators=[_read_by(lambda text: read_text(text, "L’éditeur", 200))])
    benefit = SelectField("Avantage qui paie")
    real_cost = StringField("Coût réel d’une licence, en euros", validators=[_read_by(read_real_cost)])
    supplier = StringField("Fournisseur", validators=[_read_by(lambda text: read_text(text, "Le fournisseur", 200))])
    invoice_number = StringField(
        "Numéro de la facture", validators=[_read_by(lambda text: read_text(text, "Le numéro de la facture", 60))]
    )
    invoice_date = StringField("Date de la facture")

    def __init__(self, accepted: Mapping[str, str], today: date, *, knows_product: bool, **kwargs: Any) -> None:
        """`accepted` are the labels of the benefits that the school accepts, by code."""
        super().__init__(**kwargs)
        self.benefit.choices = list(accepted.items())
        self.invoice_date.validators = [_read_by(lambda text: read_day(text, today))]
        if knows_product:
            del self.title, self.publisher

    def offer(self, ean: str, title: str | None = None, publisher: str | None = None) -> Offer:
        """What was filled in, once it is valid."""
        return Offer(
            ean=ean,
            title=title or self.title.value,
            publisher=publisher or self.publisher.value,
            benefit=self.benefit.data,
            real_cost=self.real_cost.value,
            supplier=self.supplier.value,
            invoice_number=self.invoice_number.value,
            invoice_date=self.invoice_date.value,
        )
