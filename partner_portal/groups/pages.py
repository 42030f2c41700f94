"""The pages of group purchases: put together, looked at, carried out part by part, and told student by student."""

import json
from dataclasses import asdict
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from batch.french import counted
from ledger import catalogue, classes, group_purchases, partners
from ledger.group_purchases import MOST_STUDENTS, PART, GroupPurchase
from ledger.refusals import SENTENCES
from ledger.sales import AskedTwiceAtOnce
from ledger.sold import SoldSale
from ledger.terminals import browser_terminal
from partner_portal import spreadsheets
from partner_portal.asked_numbers import number
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.groups.changes import CHANGES, Said, offers_of
from partner_portal.groups.drafts import Draft, Drafts
from partner_portal.groups.plan import Plan, plan
from partner_portal.portal import portal
from partner_portal.problems import Problem
from partner_portal.spreadsheets import Column
from partner_portal.till.page import blocked
from partner_portal.till.receipts import called

blueprint = Blueprint("groups", __name__, url_prefix="/partenaire/groupes")

PAGE = 100
MOST_OFFERS = 1_000
CHOSEN_FROM = 8
"""Licences that are chosen from an open list; more are searched by typing."""
RESULTS = (
    Column("élève", width=18),
    Column("classe", width=12),
    Column("résultat", width=14),
    Column("débité", "euros"),
    Column("reste", "euros"),
    Column("raison", width=60),
    Column("vente", width=12),
)


@blueprint.get("")
@requires("sales.make")
def index() -> str:
    """Begin one, or look at those made."""
    with portal().engine.connect() as conn:
        partner = partners.get(conn, acting_partner_id())
        made = group_purchases.latest(conn, partner.partner_id)
        own = classes.classes_of(conn, partner.uai)
    return render_template("groups/index.html", made=made, classes=own, blocked=blocked(partner))


@blueprint.post("")
@requires("sales.make")
def begin() -> ResponseReturnValue:
    """Begin with a class of the school, or with nobody."""
    name = request.form.get("class_name", "")
    cards: list[int] = []
    if name:
        with portal().engine.connect() as conn:
            cards = classes.cards_of_class(conn, partners.get(conn, acting_partner_id()).uai, name)
    draft = _drafts().begin(label=name[:80], cards=cards[:MOST_STUDENTS])
    return redirect(url_for("groups.one", key=draft.key))


@blueprint.get("/<uuid:key>")
@requires("sales.make")
def one(key: UUID) -> str:
    """A purchase: its results once it is decided, else what it would do."""
    with portal().engine.connect() as conn:
        purchase = group_purchases.get(conn, key, partner_id=acting_partner_id())
        if purchase is not None:
            return _results(conn, purchase)
    draft, noted = _draft(key), _drafts().noted(key)
    return _draft_page(draft, Said(**json.loads(noted)) if noted else None)


@blueprint.post("/<uuid:key>")
@requires("sales.make")
def change(key: UUID) -> ResponseReturnValue:
    """Add or remove students and licences.

    What a script sent is answered at once; a form by a redirection: neither a reload nor the way back repeats it.
    """
    act = CHANGES.get(request.form.get("do", ""))
    if act is None:
        raise Problem("bad_request")
    said: list[Said] = []
    draft = _drafts().change(key, lambda draft: said.append(act(draft)))
    if draft is None:
        raise _expired()
    if "X-Fragment" in request.headers:
        return _draft_page(draft, said[-1])
    _drafts().note(key, json.dumps(asdict(said[-1])))
    return redirect(url_for("groups.one", key=key, page=request.args.get("page")))


@blueprint.post("/<uuid:key>/passer")
@requires("sales.make")
def decide(key: UUID) -> ResponseReturnValue:
    """Carry out exactly what was looked at: the first part at once, the others one by one."""
    partner_id = acting_partner_id()
    draft = _drafts().get(key)
    with portal().engine.begin() as conn:
        purchase = group_purchases.get(conn, key, partner_id=partner_id)
        if purchase is None:
            if draft is None:
                raise _expired()
            if draft.digest != request.form.get("digest"):
                flash("L’achat a changé entre-temps : vérifiez-le de nouveau. Rien n’a été débité.", "warning")
                return redirect(url_for("groups.one", key=key))
            found = _plan(conn, draft)
            if not found.buyers:
                raise Problem("invalid", "Choisissez au moins un élève et une licence.")
            group_purchases.decide(
                conn,
                key,
                partner_id=partner_id,
                terminal_id=browser_terminal(conn, partner_id),
                label=draft.label or counted(len(found.buyers), "élève"),
                asked=found.asked,
                all_or_nothing=request.form.get("mode") == "all_or_nothing" and len(found.buyers) <= PART,
                actor=current_principal().actor,
            )
    _drafts().drop(key)
    return _carry_on(key)


@blueprint.post("/<uuid:key>/suite")
@requires("sales.make")
def go_on(key: UUID) -> ResponseReturnValue:
    """The next part."""
    return _carry_on(key)


@blueprint.get("/<uuid:key>/export")
@requires("sales.make")
def export(key: UUID) -> Response:
    """The result of every student as a spreadsheet."""
    with portal().engine.connect() as conn:
        purchase = _purchase(conn, key)
        rows = [_row(sale) for sale in group_purchases.results(conn, purchase)]
    return spreadsheets.download(f"achat-{purchase.label}", RESULTS, rows, spreadsheets.wanted_form())


@blueprint.post("/<uuid:key>/reprendre")
@requires("sales.make")
def retry(key: UUID) -> ResponseReturnValue:
    """A new draft with those who were refused, and what they were to take."""
    with portal().engine.connect() as conn:
        purchase = _purchase(conn, key)
        found = group_purchases.results(conn, purchase)
    refused = [asked for asked, sale in zip(purchase.sales, found, strict=False) if sale.refusal is not None]
    eans = list(dict.fromkeys(f"{line.ean:013}" for asked in refused for line in asked.lines))
    cards = {asked.card_id: {f"{line.ean:013}" for line in asked.lines} for asked in refused if asked.card_id}
    draft = _drafts().begin(
        label=f"{purchase.label} (reprise)"[:80],
        cards=list(cards),
        eans=eans,
        without={card: left for card, took in cards.items() if (left := [ean for ean in eans if ean not in took])},
    )
    return redirect(url_for("groups.one", key=draft.key))


@blueprint.post("/<uuid:key>/abandonner")
@requires("sales.make")
def give_up(key: UUID) -> ResponseReturnValue:
    """Forget a draft."""
    _drafts().drop(key)
    flash("Achat groupé abandonné : rien n’a été débité.")
    return redirect(url_for("groups.index"))


# -- pages -------------------------------------------------------------------------------------------------------------


def _draft_page(draft: Draft, said: Said | None = None) -> str:
    page = max(request.args.get("page", default=1, type=number), 1)
    with portal().engine.connect() as conn:
        partner = partners.get(conn, acting_partner_id())
        found = _plan(conn, draft)
        own = classes.classes_of(conn, partner.uai)
        offered = catalogue.search(conn, partner.partner_id, limit=MOST_OFFERS)
    shown = found.places[(page - 1) * PAGE : page * PAGE]
    return render_template(
        "groups/draft.html",
        draft=draft,
        plan=found,
        shown=shown,
        page=page,
        pages=-(-len(found.places) // PAGE) or 1,
        classes=own,
        offered=[offer for offer in offered if offer.ean not in draft.eans],
        said=said,
        blocked=blocked(partner),
        chosen_from=CHOSEN_FROM,
        may_be_whole=len(found.buyers) <= PART,
    )


def _results(conn: Connection, purchase: GroupPurchase) -> str:
    page = max(request.args.get("page", default=1, type=number), 1)
    # Who was refused comes first: that is what there is to do something about.
    found = sorted(group_purchases.results(conn, purchase), key=lambda sale: sale.refusal is None)
    return render_template(
        "groups/results.html",
        progress=group_purchases.progress(conn, purchase),
        refused=sum(sale.refusal is not None for sale in found),
        shown=found[(page - 1) * PAGE : page * PAGE],
        page=page,
        pages=-(-len(found) // PAGE) or 1,
        sentences=SENTENCES,
    )


def _row(sale: SoldSale) -> tuple[object, ...]:
    refused = sale.refusal is not None
    return (
        called(sale),
        sale.class_name,
        "refusé" if refused else "débité",
        sale.debited,
        min((left.balance for left in sale.left), default=None),
        SENTENCES[sale.refusal] if sale.refusal is not None else "",
        "" if refused else str(sale.sale_id),
    )


def _carry_on(key: UUID) -> ResponseReturnValue:
    with portal().engine.connect() as conn:
        purchase = _purchase(conn, key)
    try:
        group_purchases.carry_on(portal().engine, purchase)
    except AskedTwiceAtOnce:
        flash("Cet achat est déjà en cours ailleurs : patientez un instant.", "warning")
    return redirect(url_for("groups.one", key=key))


def _plan(conn: Connection, draft: Draft) -> Plan:
    accepts = partners.get(conn, draft.partner_id).accepts
    return plan(draft, classes.members(conn, draft.cards, accepts=accepts), offers_of(conn, draft.eans))


def _drafts() -> Drafts:
    return Drafts(portal().redis, acting_partner_id())


def _draft(key: UUID) -> Draft:
    draft = _drafts().get(key)
    if draft is None:
        raise _expired()
    return draft


def _purchase(conn: Connection, key: UUID) -> GroupPurchase:
    purchase = group_purchases.get(conn, key, partner_id=acting_partner_id())
    if purchase is None:
        raise _expired()
    return purchase


def _expired() -> Problem:
    return Problem(
        "not_found", "Cet achat groupé n’existe pas, ou sa préparation date de plus d’un jour. Recommencez-la."
    )
