"""Each sale of a group is accepted or refused for itself, also where one student is in it twice."""

import pytest
from sqlalchemy import Connection

from ledger.refusals import Refusal
from tests.ledger.scheme import BOOK, OTHER_BOOK, make_scheme

KNOWN = "`sell` counts the lines of refused sales against the later sales of the same student in the group"


@pytest.mark.xfail(strict=True, reason=KNOWN)
def test_a_sale_refused_for_its_price_takes_nothing_from_the_students_next_one(conn: Connection) -> None:
    scheme = make_scheme(conn)
    card = scheme.cards[0]
    first, second = scheme.till.sell(conn, (card, [(BOOK, 3001)]), (card, [(BOOK, 3000), (OTHER_BOOK, 2500)]))
    assert first.refusal is Refusal.PRICE_ABOVE_REAL_COST
    assert second.refusal is None
    assert [line.balance_after for line in second.lines] == [4000, 1500]


@pytest.mark.xfail(strict=True, reason=KNOWN)
def test_a_sale_refused_for_its_balance_takes_nothing_from_the_students_next_one(conn: Connection) -> None:
    scheme = make_scheme(conn)
    card = scheme.cards[0]
    first, second = scheme.till.sell(conn, (card, [(BOOK, 3000)] * 3), (card, [(BOOK, 3000)]))
    assert first.refusal is Refusal.INSUFFICIENT_BALANCE
    assert second.refusal is None


def test_two_sales_to_one_student_in_a_group_draw_on_one_balance(conn: Connection) -> None:
    scheme = make_scheme(conn)
    card = scheme.cards[0]
    answers = scheme.till.sell(conn, *[(card, [(BOOK, 3000)])] * 3)
    assert [answer.refusal for answer in answers] == [None, None, Refusal.INSUFFICIENT_BALANCE]
    assert scheme.balance(conn, 0) == 1000
