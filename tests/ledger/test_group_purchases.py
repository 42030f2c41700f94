from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from ledger import classes, group_purchases, students
from ledger.group_purchases import GroupPurchase
from ledger.refusals import Refusal
from ledger.sales import AskedLine, AskedSale
from ledger.terminals import browser_terminal
from tests.conftest import Database
from tests.ledger.scheme import ACTOR, BOOK, SCHOOL, Line, Scheme, make_scheme


def _decided(engine: Engine, scheme: Scheme, *, price: int = 3000, all_or_nothing: bool = False) -> GroupPurchase:
    key: UUID = uuid4()
    with engine.begin() as conn:
        for _ in range(2):
            group_purchases.decide(
                conn,
                key,
                partner_id=scheme.till.partner_id,
                terminal_id=browser_terminal(conn, scheme.till.partner_id),
                label="2nde 4",
                asked=[AskedSale(card, [AskedLine(BOOK, price)]) for card in scheme.cards],
                all_or_nothing=all_or_nothing,
                actor=ACTOR,
            )
        purchase = group_purchases.get(conn, key, partner_id=scheme.till.partner_id)
    assert purchase is not None
    return purchase


@pytest.fixture
def engine(fresh_database: Database) -> Engine:
    return fresh_database.engine


def _class(engine: Engine, size: int) -> Scheme:
    with engine.begin() as conn:
        return make_scheme(conn, *[Line(f"{number:09d}AB", first_name=f"Élève {number}") for number in range(size)])


def test_a_large_group_is_done_part_by_part_and_each_part_once(engine: Engine) -> None:
    scheme = _class(engine, 120)
    purchase = _decided(engine, scheme)
    assert len(purchase.part_keys) == 2
    first = group_purchases.carry_on(engine, purchase)
    assert (first.answered, first.is_done) == (100, False)
    for _ in range(3):
        done = group_purchases.carry_on(engine, purchase)
    assert (done.answered, done.accepted, done.debited, done.is_done) == (120, 120, 360_000, True)
    with engine.connect() as conn:
        found = group_purchases.results(conn, purchase)
        assert [sale.first_name for sale in found] == [f"Élève {number}" for number in range(120)]
        assert conn.execute(text("select count(*) from sale")).scalar_one() == 120
        noted = text("select count(*) from audit_event where actor = :actor and subject like 'sale:%'")
        assert conn.execute(noted, {"actor": ACTOR}).scalar_one() == 120
        (listed,) = group_purchases.latest(conn, scheme.till.partner_id)
        assert listed == done
        assert group_purchases.get(conn, purchase.key, partner_id=scheme.till.partner_id + 1) is None


def test_those_who_have_not_enough_are_refused_and_the_others_are_not(engine: Engine) -> None:
    scheme = _class(engine, 3)
    with engine.begin() as conn:
        scheme.till.sell(conn, (scheme.cards[1], [(BOOK, 3000), (BOOK, 3000)]))
    done = group_purchases.carry_on(engine, _decided(engine, scheme))
    assert (done.answered, done.accepted, done.debited) == (3, 2, 6000)


def test_all_or_nothing_debits_nobody_when_one_is_refused(engine: Engine) -> None:
    scheme = _class(engine, 3)
    with engine.begin() as conn:
        scheme.till.sell(conn, (scheme.cards[1], [(BOOK, 3000), (BOOK, 3000)]))
    purchase = _decided(engine, scheme, all_or_nothing=True)
    done = group_purchases.carry_on(engine, purchase)
    assert (done.accepted, done.debited) == (0, 0)
    with engine.connect() as conn:
        reasons = [sale.refusal for sale in group_purchases.results(conn, purchase)]
    assert reasons == [Refusal.GROUP_REFUSED, Refusal.INSUFFICIENT_BALANCE, Refusal.GROUP_REFUSED]


@pytest.mark.parametrize("statement", ["update group_purchase set label = 'x'", "delete from group_purchase"])
def test_what_was_decided_does_not_change(fresh_database: Database, statement: str) -> None:
    _decided(fresh_database.engine, _class(fresh_database.engine, 1))
    for engine in (fresh_database.engine, fresh_database.owner_engine):
        with engine.begin() as conn, pytest.raises(DBAPIError):
            conn.execute(text(statement))


def test_a_class_is_told_with_what_each_student_can_spend(conn: Connection) -> None:
    scheme = make_scheme(
        conn,
        Line("123456789AB", first_name="Zoé", last_name="Martin"),
        Line("223456789AB", first_name="Ali", last_name="Auger", stream="vocational", first_entry=True),
        Line("323456789AB", class_name="CAP 1"),
    )
    scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))
    found = classes.classes_of(conn, SCHOOL)
    assert [(one.name, one.students) for one in found] == [("2nde 4", 2), ("CAP 1", 1)]
    cards = classes.cards_of_class(conn, SCHOOL, "2nde 4")
    assert cards == [scheme.cards[1], scheme.cards[0]]
    ali, zoe, stranger = classes.members(conn, [*cards, 42], accepts=["books", "equipment"])
    assert (ali.called, ali.class_name, ali.available) == ("Ali A.", "2nde 4", {"books": 4000, "equipment": 10000})
    assert zoe.available == {"books": 4000}
    assert stranger.refusal is Refusal.UNKNOWN_CARD
    assert classes.members(conn, cards, accepts=["books"])[0].available == {"books": 4000}


def test_a_student_who_has_left_is_in_no_class(conn: Connection) -> None:
    scheme = make_scheme(conn)
    year = conn.execute(text("select max(school_year) from enrolment")).scalar_one()
    students.withdraw(conn, scheme.student_ids[0], year, actor=ACTOR)
    assert classes.classes_of(conn, SCHOOL) == []
    (member,) = classes.members(conn, scheme.cards, accepts=["books"])
    assert member.refusal is Refusal.STUDENT_NOT_ENROLLED
