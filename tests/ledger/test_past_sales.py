from uuid import uuid4

from sqlalchemy import Connection

from ledger import past_sales, students
from ledger.cancellations import cancel
from ledger.refusals import Refusal
from tests.ledger.scheme import ACTOR, BOOK, HELMET, OTHER_BOOK, Line, Scheme, make_partner, make_scheme


def _sold(conn: Connection, scheme: Scheme, *lines: tuple[int, int], key=None) -> past_sales.PastSale:
    (answer,) = scheme.till.sell(conn, (scheme.cards[0], list(lines)), key=key)
    sale = past_sales.get(conn, answer.sale_id, partner_id=scheme.till.partner_id)
    assert sale is not None
    return sale


def test_a_sale_tells_who_bought_what_and_what_is_left(conn: Connection) -> None:
    scheme = make_scheme(conn, Line("123456789AB", stream="vocational", first_entry=True))
    sale = _sold(conn, scheme, (BOOK, 3000), (HELMET, 6000))
    assert sale.buyer is not None
    assert (sale.buyer.called, sale.buyer.class_name) == ("Zoé L.", "2nde 4")
    assert [(line.title, line.label, line.price) for line in sale.lines] == [
        ("Maths 2nde", "Livres scolaires", 3000),
        ("Casque", "Équipement professionnel", 6000),
    ]
    assert sale.debited == 9000
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
    sale = past_sales.get(conn, sale.sale_id, partner_id=scheme.till.partner_id)
    assert sale is not None
    assert (sale.debited, sale.refunded, sale.kept) == (5500, 3000, 2500)
    assert [line.line for line in sale.open_lines] == [2]
    assert [left.balance for left in sale.left] == [4500]


def test_a_refused_sale_took_nothing(conn: Connection) -> None:
    scheme = make_scheme(conn)
    sale = _sold(conn, scheme, (BOOK, 3000), (BOOK, 3000), (BOOK, 3000))
    assert sale.refusal is Refusal.INSUFFICIENT_BALANCE
    assert (sale.debited, sale.open_lines) == (0, ())
    assert past_sales.latest(conn, scheme.till.partner_id) == []


def test_the_newest_sales_come_first_page_after_page(conn: Connection) -> None:
    scheme = make_scheme(conn)
    made = [_sold(conn, scheme, (BOOK, 100)).sale_id for _ in range(3)]
    first = past_sales.latest(conn, scheme.till.partner_id, limit=2)
    assert [sale.sale_id for sale in first] == [made[2], made[1]]
    rest = past_sales.latest(conn, scheme.till.partner_id, before=first[-1].sale_id)
    assert [sale.sale_id for sale in rest] == [made[0]]


def test_another_partners_sale_does_not_exist(conn: Connection) -> None:
    scheme = make_scheme(conn)
    sale = _sold(conn, scheme, (BOOK, 3000))
    other = make_partner(conn, siret="21140118700029", uai="0140017T", name="Lycée Rabelais")
    assert past_sales.get(conn, sale.sale_id, partner_id=other.partner_id) is None
    assert past_sales.latest(conn, other.partner_id) == []


def test_the_sales_of_a_group_come_in_the_order_asked(conn: Connection) -> None:
    scheme = make_scheme(conn, Line("123456789AB", first_name="Zoé"), Line("223456789AB", first_name="Ali"))
    keys = [uuid4(), uuid4()]
    scheme.till.sell(conn, (scheme.cards[1], [(BOOK, 3000)]), (None, [(BOOK, 3000)]), key=keys[0])
    scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]), key=keys[1])
    found = past_sales.of_keys(conn, scheme.till.terminal_id, keys)
    assert [sale.buyer and sale.buyer.first_name for sale in found] == ["Ali", None, "Zoé"]
    assert [sale.debited for sale in found] == [3000, 0, 3000]


def test_an_erased_student_has_no_name(conn: Connection) -> None:
    scheme = make_scheme(conn)
    sale = _sold(conn, scheme, (BOOK, 3000))
    students.erase(conn, scheme.student_ids[0], actor=ACTOR)
    sale = past_sales.get(conn, sale.sale_id, partner_id=scheme.till.partner_id)
    assert sale is not None
    assert sale.buyer is not None
    assert sale.buyer.called == "élève effacé"
