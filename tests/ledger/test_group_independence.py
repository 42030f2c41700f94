"""Each sale of a group is accepted or refused for itself, so no student may be in it twice."""

from uuid import uuid4

import pytest
from sqlalchemy import Connection

from ledger import cards, students
from ledger.calendar import school_year_at
from ledger.refusals import Refusal
from ledger.sales import CardTwice
from tests.ledger.scheme import ACTOR, BOOK, KEYS, OTHER_BOOK, Line, make_scheme


def test_a_card_that_stands_twice_in_a_group_is_sent_back_before_anything_is_decided(conn: Connection) -> None:
    scheme = make_scheme(conn, Line("123456789AB"), Line("123456789CD"))
    one, other = scheme.cards
    key = uuid4()
    with pytest.raises(CardTwice) as twice:
        scheme.till.sell(conn, (one, [(BOOK, 3000)]), (other, [(BOOK, 3000)]), (one, [(OTHER_BOOK, 2500)]), key=key)
    assert (twice.value.item, twice.value.again) == (1, 3)
    assert scheme.balance(conn, 0) == 7000
    assert scheme.till.sell(conn, (one, [(BOOK, 3000), (OTHER_BOOK, 2500)]), key=key)[0].refusal is None


def test_codes_that_tell_no_card_may_be_as_many_as_they_are(conn: Connection) -> None:
    scheme = make_scheme(conn)
    answers = scheme.till.sell(conn, (None, [(BOOK, 3000)]), (None, [(BOOK, 3000)]))
    assert all(answer.refusal for answer in answers)


@pytest.mark.parametrize("old_card_first", [True, False])
def test_what_a_replaced_card_asks_for_is_not_counted_against_the_new_one(
    conn: Connection, old_card_first: bool
) -> None:
    scheme = make_scheme(conn)
    (old,) = scheme.cards
    new = cards.reissue(conn, KEYS, scheme.student_ids[0], reason="perdue", actor=ACTOR).card_id
    both = [old, new] if old_card_first else [new, old]
    answers = scheme.till.sell(conn, *((card, [(BOOK, 3000), (OTHER_BOOK, 2500)]) for card in both))
    told = dict(zip(both, answers, strict=True))
    assert told[old].refusal is Refusal.CARD_REVOKED
    assert told[new].refusal is None
    assert [line.balance_after for line in told[new].lines] == [4000, 1500]
    assert scheme.balance(conn, 0) == 1500


def test_a_student_who_has_left_gets_no_new_card(conn: Connection) -> None:
    scheme = make_scheme(conn)
    year = school_year_at(scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 1)]))[0].asked_at)
    students.withdraw(conn, scheme.student_ids[0], year, actor=ACTOR)
    with pytest.raises(cards.NotEnrolled):
        cards.reissue(conn, KEYS, scheme.student_ids[0], reason="perdue", actor=ACTOR)
