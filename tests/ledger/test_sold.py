from uuid import uuid4

from sqlalchemy import Connection

from ledger import sold, students
from ledger.cancellations import cancel
from ledger.refusals import Refusal
from tests.ledger.scheme import ACTOR, BOOK, HELMET, OTHER_BOOK, Line, Scheme, make_partner, make_scheme


def _sold(conn: Connection, scheme: Scheme, *lines: tuple[int, int]) -> sold.SoldSale:
    (answer,) = scheme.till.sell(conn, (scheme.cards[0], list(lines)))
    return _again(conn, scheme, answer.sale_id)


def _again(conn: Connection, scheme: Scheme, sale_id: int) -> sold.SoldSale:
    sale = sold.sale_of_partner(conn, sale_id, scheme.till.partner_id)
    assert sale is not None
    return sale


def test_a_sale_tells_who_bought_what_and_what_is_left(conn: Connection) -> None:
    scheme = make_scheme(conn, Line("123456789AB", stream="vocational", first_entry=True))
    sale = _sold(conn, scheme, (BOOK, 3000), (HELMET, 6000))
    assert (sale.first_name, sale.initial, sale.class_name) == ("Zoé", "L", "2nde 4")
    assert [(line.title, line.label, line.price, line.state) for line in sale.lines] == [
        ("Maths 2nde", "Livres scolaires", 3000, "accepted"),
        ("Casque", "Équipement professionnel", 6000, "accepted"),
    ]
    assert (sale.debited, sale.refunded, sale.state) == (9000, 0, "accepted")
    assert [(left.label, left.balance) for left in sale.left] == [
        ("Livres scolaires", 1000),
        ("Équipement professionnel", 4000),
    ]


def test_a_cancelled_line_stays_and_its_benefit_tells_what_came_back(conn: Connection) -> None:
    scheme = make_scheme(conn)
    sale = _sold(conn, scheme, (BOOK, 3000), (OTHER_BOOK, 2500))
    assert [left.balance for left in sale.left] == [1500]
    cancel(
        conn,
        sale.sale_id,
        partner_id=scheme.till.partner_id,
        origin=ACTOR,
        key=uuid4(),
        request_hash=b"1",
        lines=[1],
    )
    sale = _again(conn, scheme, sale.sale_id)
    assert (sale.debited, sale.refunded, sale.state) == (5500, 3000, "partly_cancelled")
    assert [line.state for line in sale.lines] == ["cancelled", "accepted"]
    assert [left.balance for left in sale.left] == [4500]


def test_a_refused_sale_took_nothing_and_is_not_listed(conn: Connection) -> None:
    scheme = make_scheme(conn)
    sale = _sold(conn, scheme, (BOOK, 3000), (BOOK, 3000), (BOOK, 3000))
    assert sale.refusal is Refusal.INSUFFICIENT_BALANCE
    assert (sale.debited, sale.state) == (0, "refused")
    assert sold.sales_of_partner(conn, scheme.till.partner_id) == []


def test_the_newest_sales_come_first_page_after_page(conn: Connection) -> None:
    scheme = make_scheme(conn)
    made = [_sold(conn, scheme, (BOOK, 100)) for _ in range(3)]
    first = sold.sales_of_partner(conn, scheme.till.partner_id, limit=2)
    assert [sale.sale_id for _, sale in first] == [made[2].sale_id, made[1].sale_id]
    rest = sold.sales_of_partner(conn, scheme.till.partner_id, before=first[-1][0])
    assert [sale.sale_id for _, sale in rest] == [made[0].sale_id]
    now = made[0].sold_at
    assert len(sold.sales_of_partner(conn, scheme.till.partner_id, start=now)) == 3
    assert sold.sales_of_partner(conn, scheme.till.partner_id, end=now) == []


def test_another_partners_sale_does_not_exist(conn: Connection) -> None:
    scheme = make_scheme(conn)
    sale = _sold(conn, scheme, (BOOK, 3000))
    other = make_partner(conn, siret="21140118700029", uai="0140017T", name="Lycée Rabelais")
    assert sold.sale_of_partner(conn, sale.sale_id, other.partner_id) is None
    assert sold.sales_of_partner(conn, other.partner_id) == []


def test_an_erased_student_has_no_name(conn: Connection) -> None:
    scheme = make_scheme(conn)
    sale = _sold(conn, scheme, (BOOK, 3000))
    students.erase(conn, scheme.student_ids[0], actor=ACTOR)
    sale = _again(conn, scheme, sale.sale_id)
    assert (sale.first_name, sale.initial) == ("", "")
