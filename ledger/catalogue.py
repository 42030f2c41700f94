"""The catalogue: what each partner sells, and the real cost above which it may not charge.

The partner commits itself to charge each student the real cost of the licence, nothing more. The cost is the one on the
invoice by which it bought the licences; a sale above it is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from ledger import audit
from ledger.identifiers import parse_ean


@dataclass(frozen=True, slots=True)
class Offer:
    """A product as one partner sells it; `real_cost` in cents, `benefit` the code of the one that pays."""

    ean: str
    title: str
    publisher: str
    benefit: str
    real_cost: int
    supplier: str | None = None
    invoice_number: str | None = None
    invoice_date: date | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A product as every partner knows it: with the title and publisher that the first one entered."""

    ean: str
    title: str
    publisher: str
    benefit: str


def known_products(conn: Connection, eans: Sequence[str]) -> dict[str, Product]:
    """Those of the products with these EANs that some partner has entered, by EAN."""
    rows = conn.execute(
        text("select ean, title, publisher, benefit from product where ean = any(cast(:eans as bigint[]))"),
        {"eans": [int(ean) for ean in eans]},
    )
    found = [Product(f"{row.ean:013}", row.title, row.publisher, row.benefit) for row in rows]
    return {product.ean: product for product in found}


def offer(conn: Connection, partner_id: int, offers: Sequence[Offer], *, actor: str) -> int:
    """Put products into a partner's catalogue, or their new real costs; return how many were given.

    A product is the same for every partner: its title and publisher are those first entered. Raises `InvalidIdentifier`
    for a wrong EAN, before anything is changed.
    """
    numbers = [int(parse_ean(given.ean)) for given in offers]
    conn.execute(
        text("""
            with given as (
                select * from unnest(cast(:eans as bigint[]), cast(:titles as text[]), cast(:publishers as text[]),
                                     cast(:benefits as text[]), cast(:costs as bigint[]),
                                     cast(:suppliers as text[]), cast(:invoices as text[]), cast(:dates as date[]))
                    as g(ean, title, publisher, benefit, real_cost, supplier, invoice_number, invoice_date)
            ), product_there as (
                insert into product (ean, title, publisher, benefit)
                select ean, title, publisher, benefit from given on conflict (ean) do nothing
            )
            insert into offer (partner_id, ean, benefit, real_cost, supplier, invoice_number, invoice_date)
            select :partner, ean, benefit, real_cost, supplier, invoice_number, invoice_date from given
            on conflict (partner_id, ean) do update
               set benefit = excluded.benefit, real_cost = excluded.real_cost, supplier = excluded.supplier,
                   invoice_number = excluded.invoice_number, invoice_date = excluded.invoice_date, withdrawn_at = null
        """),
        {
            "partner": partner_id,
            "eans": numbers,
            "titles": [given.title for given in offers],
            "publishers": [given.publisher for given in offers],
            "benefits": [given.benefit for given in offers],
            "costs": [given.real_cost for given in offers],
            "suppliers": [given.supplier for given in offers],
            "invoices": [given.invoice_number for given in offers],
            "dates": [given.invoice_date for given in offers],
        },
    )
    audit.record(
        conn,
        actor=actor,
        action="catalogue.offer",
        subject=f"partner:{partner_id}",
        details={given.ean: given.real_cost for given in offers},
    )
    return len(numbers)


def withdraw(conn: Connection, partner_id: int, ean: str, *, actor: str) -> bool:
    """Take a product out of a partner's catalogue; whether it was there."""
    gone = conn.execute(
        text("""
            update offer set withdrawn_at = now()
             where partner_id = :partner and ean = :ean and withdrawn_at is null
        """),
        {"partner": partner_id, "ean": int(parse_ean(ean))},
    )
    if gone.rowcount:
        audit.record(
            conn, actor=actor, action="catalogue.withdraw", subject=f"partner:{partner_id}", details={"ean": ean}
        )
    return bool(gone.rowcount)


def search(
    conn: Connection, partner_id: int, *, words: str = "", ean: str | None = None, after: int = 0, limit: int = 50
) -> list[Offer]:
    """What a partner sells whose title or publisher holds all `words`, or that has this EAN, in the order of EAN.

    Words are found whatever their accents and capitals. `after` is the EAN of the last one already seen.
    """
    rows = conn.execute(
        text("""
            with wanted as materialized (select folded(word) as word from unnest(cast(:words as text[])) word)
            select o.ean, p.title, p.publisher, o.benefit, o.real_cost, o.supplier, o.invoice_number, o.invoice_date
              from offer o join product p using (ean)
             where o.partner_id = :partner and o.withdrawn_at is null and o.ean > :after
               and (cast(:ean as bigint) is null or o.ean = :ean)
               and 0 < all (select strpos(p.searched, word) from wanted)
             order by o.ean limit :limit
        """),
        {
            "partner": partner_id,
            "after": after,
            "ean": None if ean is None else int(ean),
            "words": words.split(),
            "limit": limit,
        },
    )
    return [Offer(ean=f"{row.ean:013}", **{k: v for k, v in row._mapping.items() if k != "ean"}) for row in rows]
