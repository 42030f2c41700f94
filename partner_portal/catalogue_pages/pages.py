"""The school's catalogue: looked through by everybody at the school, changed by its managers."""

from datetime import UTC, date, datetime

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from batch.french import counted, euros
from ledger import benefits, catalogue, partners
from ledger.calendar import paris_date
from ledger.catalogue import Offer
from partner_portal import spreadsheets
from partner_portal.asked_numbers import number
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.catalogue_pages import imports
from partner_portal.catalogue_pages.cells import read_ean
from partner_portal.catalogue_pages.forms import NumberForm, OfferForm
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.spreadsheets import Column, UnreadableFile

blueprint = Blueprint("catalogue_pages", __name__, url_prefix="/partenaire/catalogue")

PAGE = 50
COLUMNS = (
    Column("isbn", width=15),
    Column("titre", width=44),
    Column("éditeur", width=26),
    Column("avantage", width=24),
    Column("coût réel", "euros"),
    Column("fournisseur", width=26),
    Column("facture", width=18),
    Column("date facture", "day"),
)
"""As an import reads them: what is exported can be corrected and imported again."""


@blueprint.get("")
@requires("catalogue.read")
def index() -> str:
    """What the school sells."""
    words = request.args.get("q", "").strip()[:100]
    after = request.args.get("apres", default=0, type=number)
    with portal().engine.connect() as conn:
        found = catalogue.search(conn, acting_partner_id(), words=words, after=after, limit=PAGE + 1)
        labels = benefits.labels(conn)
    page = found[:PAGE]
    following = None
    if len(found) > PAGE:
        following = url_for("catalogue_pages.index", q=words or None, apres=int(page[-1].ean))
    return render_template(
        "catalogue/index.html", offers=page, words=words, labels=labels, following=following, is_first=after == 0
    )


@blueprint.get("/export")
@requires("catalogue.read")
def export() -> Response:
    """The whole catalogue as a spreadsheet."""
    with portal().engine.connect() as conn:
        offers = _whole(conn)
        labels = benefits.labels(conn)
    return spreadsheets.download("catalogue", COLUMNS, _cells(offers, labels), spreadsheets.wanted_form())


@blueprint.get("/modele")
@requires("catalogue.edit")
def template() -> Response:
    """An empty file to fill in."""
    return spreadsheets.download("modele-catalogue", COLUMNS, (), spreadsheets.wanted_form())


@blueprint.route("/ajouter", methods=["GET", "POST"])
@requires("catalogue.edit")
def add() -> ResponseReturnValue:
    """Which licence to add: by its number."""
    form = NumberForm()
    if form.validate_on_submit():
        return redirect(url_for("catalogue_pages.edit", ean=form.ean.value))
    return render_template("catalogue/add.html", form=form), 422 if form.errors else 200


@blueprint.route("/<ean>", methods=["GET", "POST"])
@requires("catalogue.edit")
def edit(ean: str) -> ResponseReturnValue:
    """One licence: its real cost and the invoice that says so."""
    partner_id = acting_partner_id()
    with portal().engine.begin() as conn:
        accepted = _accepted(conn)
        product = catalogue.known_products(conn, [_checked(ean)]).get(ean)
        (offer,) = catalogue.search(conn, partner_id, ean=ean) or (None,)
        form = OfferForm(accepted, _today(), knows_product=product is not None, data=_filled(offer))
        if not form.validate_on_submit():
            page = render_template("catalogue/edit.html", form=form, ean=ean, product=product, offer=offer)
            return page, 422 if form.errors else 200
        entered = form.offer(ean, product.title, product.publisher) if product else form.offer(ean)
        catalogue.offer(conn, partner_id, [entered], actor=current_principal().actor)
    flash(f"« {entered.title} » est au catalogue au coût réel de {euros(entered.real_cost)}.", "success")
    return redirect(url_for("catalogue_pages.index"))


@blueprint.post("/<ean>/retirer")
@requires("catalogue.edit")
def withdraw(ean: str) -> ResponseReturnValue:
    """Take a licence out: it can no longer be sold; sales made stay."""
    with portal().engine.begin() as conn:
        gone = catalogue.withdraw(conn, acting_partner_id(), _checked(ean), actor=current_principal().actor)
    flash("La licence est retirée du catalogue." if gone else "Cette licence n’était plus au catalogue.", "success")
    return redirect(url_for("catalogue_pages.index"))


@blueprint.route("/importer", methods=["GET", "POST"])
@requires("catalogue.edit")
def load() -> ResponseReturnValue:
    """A file of licences: all are entered, or none."""
    report, fault = None, ""
    if request.method == "POST":
        try:
            report = _load()
        except UnreadableFile as error:
            fault = str(error)
    page = render_template("catalogue/load.html", columns=imports.COLUMNS.values(), report=report, fault=fault)
    return page, 422 if fault or (report and report.wrong) else 200


def _load() -> imports.Report:
    with spreadsheets.uploaded(request.files.get("file")) as file:
        lines = imports.read_lines(file.lines())
    with portal().engine.begin() as conn:
        eans = imports.eans_in(lines)
        report = imports.check(
            lines,
            accepted=_accepted(conn),
            products=catalogue.known_products(conn, eans),
            offers={offer.ean: offer for offer in _whole(conn)},
            today=_today(),
        )
        if not report.wrong:
            catalogue.offer(conn, acting_partner_id(), report.offers, actor=current_principal().actor)
            flash(f"{counted(len(report.lines), 'licence')} au catalogue.", "success")
    return report


def _whole(conn: Connection) -> list[Offer]:
    return catalogue.search(conn, acting_partner_id(), limit=imports.MOST_LINES * 2)


def _accepted(conn: Connection) -> dict[str, str]:
    labels = benefits.labels(conn)
    return {code: labels.get(code, code) for code in partners.get(conn, acting_partner_id()).accepts}


def _cells(offers: list[Offer], labels: dict[str, str]) -> list[tuple[object, ...]]:
    return [
        (
            offer.ean,
            offer.title,
            offer.publisher,
            labels.get(offer.benefit, offer.benefit),
            offer.real_cost,
            offer.supplier,
            offer.invoice_number,
            offer.invoice_date,
        )
        for offer in offers
    ]


def _filled(offer: Offer | None) -> dict[str, str | None]:
    if offer is None:
        return {}
    return {
        "benefit": offer.benefit,
        "real_cost": f"{offer.real_cost // 100},{offer.real_cost % 100:02}",
        "supplier": offer.supplier,
        "invoice_number": offer.invoice_number,
        "invoice_date": f"{offer.invoice_date:%d/%m/%Y}" if offer.invoice_date else None,
    }


def _checked(ean: str) -> str:
    try:
        return read_ean(ean)
    except ValueError as error:
        raise Problem("not_found", str(error)) from error


def _today() -> date:
    return paris_date(datetime.now(UTC))
