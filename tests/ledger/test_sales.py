"""What a till can ask for, and what it is answered."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text

from ledger import cancellations, holds, partners, students, terminals
from ledger.refusals import SENTENCES, Refusal
from ledger.sales import AskedLine, AskedSale, KeyReused, UnknownTerminal, sell
from tests.conftest import as_owner
from tests.ledger.scheme import ACTOR, BOOK, HELMET, OTHER_BOOK, Line, Till, make_partner, make_scheme


def test_a_sale_debits_the_wallet_and_credits_the_partner(conn: Connection) -> None:
    scheme = make_scheme(conn)
    (answer,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (OTHER_BOOK, 2500)]))
    assert answer.refusal is None
    assert answer.amount == 5500
    assert [line.balance_after for line in answer.lines] == [4000, 1500]
    assert scheme.balance(conn, 0) == 1500
    assert owed(conn, scheme.till) == 5500


def owed(conn: Connection, till: Till) -> int:
    return int(
        conn.execute(
            text("select coalesce(sum(amount), 0) from entry where account_id = :a"), {"a": till.account}
        ).scalar_one()
    )


def test_every_reason_has_a_sentence_and_is_in_the_database(conn: Connection) -> None:
    reasons = conn.scalars(text("select unnest(enum_range(null::refusal))::text")).all()
    assert set(reasons) == {reason.value for reason in Refusal}
    assert set(SENTENCES) == set(Refusal)


def refusal_of(scheme_sale: list) -> Refusal | None:
    (answer,) = scheme_sale
    assert answer.amount == 0
    return answer.refusal


def test_a_wallet_is_never_overdrawn(conn: Connection) -> None:
    scheme = make_scheme(conn)
    scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (BOOK, 3000)]))
    (answer,) = scheme.till.sell(conn, (scheme.cards[0], [(OTHER_BOOK, 1001)]))
    assert answer.refusal is Refusal.INSUFFICIENT_BALANCE
    assert answer.lines[0].balance_after == 1000
    assert scheme.balance(conn, 0) == 1000


def test_one_bad_line_refuses_the_whole_sale(conn: Connection) -> None:
    scheme = make_scheme(conn)
    (answer,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (OTHER_BOOK, 2501)]))
    assert answer.refusal is Refusal.PRICE_ABOVE_REAL_COST
    assert [line.refusal for line in answer.lines] == [None, Refusal.PRICE_ABOVE_REAL_COST]
    assert scheme.balance(conn, 0) == 7000


def test_each_main_reason(conn: Connection) -> None:
    scheme = make_scheme(conn, Line("123456789AB"), Line("123456789CD"))
    till = scheme.till
    good = scheme.cards[0]
    assert refusal_of(till.sell(conn, (None, [(BOOK, 3000)]))) is Refusal.UNKNOWN_CARD
    assert refusal_of(till.sell(conn, (good ^ 1, [(BOOK, 3000)]))) is Refusal.UNKNOWN_CARD
    assert refusal_of(till.sell(conn, (good, [(9_789_999_999_990, 100)]))) is Refusal.PRODUCT_NOT_COVERED
    assert refusal_of(till.sell(conn, (good, [(HELMET, 100)]))) is Refusal.BENEFIT_NOT_GRANTED
    conn.execute(text("update partner set accepts = '{equipment}' where id = :p"), {"p": till.partner_id})
    assert refusal_of(till.sell(conn, (good, [(BOOK, 100)]))) is Refusal.BENEFIT_NOT_ACCEPTED
    as_owner(conn, "update partner set accepts = '{books}', sale_limit = 99 where id = :p", p=till.partner_id)
    assert refusal_of(till.sell(conn, (good, [(BOOK, 100)]))) is Refusal.LIMIT_REACHED
    as_owner(conn, "update partner set sale_limit = 50000 where id = :p", p=till.partner_id)
    students.withdraw(conn, scheme.student_ids[1], 2026, actor=ACTOR)
    assert refusal_of(till.sell(conn, (scheme.cards[1], [(BOOK, 100)]))) is Refusal.STUDENT_NOT_ENROLLED
    conn.execute(text("update card set revoked_at = now(), reason = 'perdue' where id = :c"), {"c": good})
    assert refusal_of(till.sell(conn, (good, [(BOOK, 100)]))) is Refusal.CARD_REVOKED
    conn.execute(text("update card set revoked_at = null where id = :c"), {"c": good})
    as_owner(conn, "update benefit set usable_until = now()")
    assert refusal_of(till.sell(conn, (good, [(BOOK, 100)]))) is Refusal.DEADLINE_PASSED
    as_owner(conn, "update benefit set usable_until = now() + interval '1 microsecond'")
    assert till.sell(conn, (good, [(BOOK, 100)]))[0].refusal is None
    partners.suspend(conn, till.partner_id, reason="contrôle", actor=ACTOR)
    assert refusal_of(till.sell(conn, (good, [(BOOK, 100)]))) is Refusal.PARTNER_SUSPENDED
    terminals.revoke_terminal(conn, till.terminal_id, partner_id=till.partner_id, actor=ACTOR)
    assert refusal_of(till.sell(conn, (good, [(BOOK, 100)]))) is Refusal.TERMINAL_REVOKED


def test_a_partner_in_waiting_sells_nothing(conn: Connection) -> None:
    scheme = make_scheme(conn)
    conn.execute(text("update partner set status = 'submitted' where id = :p"), {"p": scheme.till.partner_id})
    answer = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))
    assert refusal_of(answer) is Refusal.PARTNER_NOT_VALIDATED


def test_a_wrong_secret_is_nobody(conn: Connection) -> None:
    scheme = make_scheme(conn)
    impostor = Till(scheme.till.partner_id, scheme.till.terminal_id, "guess")
    with pytest.raises(UnknownTerminal):
        impostor.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))


def test_the_same_key_gives_the_first_answer_whatever_changed(conn: Connection) -> None:
    scheme = make_scheme(conn)
    key = uuid4()
    (first,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]), key=key)
    conn.execute(text("update card set revoked_at = now(), reason = 'perdue' where id = :c"), {"c": scheme.cards[0]})
    partners.suspend(conn, scheme.till.partner_id, reason="contrôle", actor=ACTOR)
    (again,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]), key=key)
    assert again.replayed
    assert not first.replayed
    assert (again.sale_id, again.amount, again.lines, again.asked_at) == (
        first.sale_id,
        first.amount,
        first.lines,
        first.asked_at,
    )
    assert scheme.balance(conn, 0) == 4000


def test_a_refusal_is_replayed_too(conn: Connection) -> None:
    scheme = make_scheme(conn)
    key = uuid4()
    as_owner(conn, "update benefit set usable_until = now()")
    assert refusal_of(scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 1)]), key=key)) is Refusal.DEADLINE_PASSED
    as_owner(conn, "update benefit set usable_until = now() + interval '1 day'")
    assert refusal_of(scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 1)]), key=key)) is Refusal.DEADLINE_PASSED


def test_a_code_without_a_card_is_refused_for_its_own_reason_and_stays_so(conn: Connection) -> None:
    scheme = make_scheme(conn)

    def ask(reason: Refusal | None) -> Refusal | None:
        sale = AskedSale(None, [AskedLine(BOOK, 3000)], reason)
        request = {"terminal_id": scheme.till.terminal_id, "secret_hash": None, "key": key, "request_hash": b"h"}
        return refusal_of(sell(conn, sales=[sale], **request))  # type: ignore[arg-type]

    key = uuid4()
    assert ask(Refusal.CODE_EXPIRED) is Refusal.CODE_EXPIRED
    assert ask(None) is Refusal.CODE_EXPIRED
    key = uuid4()
    assert ask(None) is Refusal.UNKNOWN_CARD


def test_the_same_key_for_another_request_is_a_conflict(conn: Connection) -> None:
    scheme = make_scheme(conn)
    key = uuid4()
    scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]), key=key)
    with pytest.raises(KeyReused):
        scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 2999)]), key=key)


def test_a_group_answers_each_student_and_stands_or_falls_when_asked(conn: Connection) -> None:
    scheme = make_scheme(conn, *(Line(f"12345678{n}AB", stream="vocational") for n in range(3)))
    scheme.till.sell(conn, (scheme.cards[1], [(BOOK, 3000)]))
    wanted = [(card, [(BOOK, 1500)]) for card in scheme.cards]
    each = scheme.till.sell(conn, *wanted)
    assert [answer.refusal for answer in each] == [None, Refusal.INSUFFICIENT_BALANCE, None]
    together = scheme.till.sell(conn, *wanted, all_or_nothing=True)
    assert [answer.refusal for answer in together] == [
        Refusal.GROUP_REFUSED,
        Refusal.INSUFFICIENT_BALANCE,
        Refusal.GROUP_REFUSED,
    ]
    assert [scheme.balance(conn, n) for n in range(3)] == [2500, 1000, 2500]


def test_a_sale_may_draw_on_two_benefits(conn: Connection) -> None:
    scheme = make_scheme(conn, Line("123456789AB", stream="vocational", first_entry=True))
    (answer,) = scheme.till.sell(conn, (scheme.cards[0], [(HELMET, 6000), (BOOK, 1000), (BOOK, 3000)]))
    assert answer.refusal is None
    assert [line.balance_after for line in answer.lines] == [4000, 3000, 0]


def test_a_cancelled_line_comes_back_once(conn: Connection) -> None:
    scheme = make_scheme(conn)
    (sale,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (OTHER_BOOK, 2500)]))
    key = uuid4()

    def cancel(**changes: object) -> cancellations.Cancellation:
        request = {"partner_id": scheme.till.partner_id, "origin": "terminal:1", "key": key, "request_hash": b"h"}
        return cancellations.cancel(conn, sale.sale_id, **(request | changes))  # type: ignore[arg-type]

    with pytest.raises(cancellations.UnknownSale):
        cancel(partner_id=scheme.till.partner_id + 1)
    done = cancel(lines=[2])
    assert (done.refunded, done.lapsed) == (2500, 0)
    assert done.lines[0].balance_after == 4000
    assert scheme.balance(conn, 0) == 4000
    replay = cancel(lines=[2])
    assert replay.replayed
    assert replay.lines == done.lines
    with pytest.raises(KeyReused):
        cancel(lines=[2], request_hash=b"other")
    with pytest.raises(cancellations.NothingToCancel) as nothing:
        cancel(lines=[2], key=uuid4())
    assert nothing.value.lines == (2,)
    assert cancel(key=uuid4()).refunded == 3000
    assert scheme.balance(conn, 0) == 7000
    assert owed(conn, scheme.till) == 0


def test_a_refund_after_the_deadline_lapses_at_once(conn: Connection) -> None:
    scheme = make_scheme(conn)
    (sale,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))
    as_owner(conn, "update benefit set usable_until = now()")
    done = cancellations.cancel(
        conn, sale.sale_id, partner_id=scheme.till.partner_id, origin="terminal:1", key=uuid4(), request_hash=b"h"
    )
    assert (done.refunded, done.lapsed) == (3000, 3000)
    assert scheme.balance(conn, 0) == 4000
    assert owed(conn, scheme.till) == 0


def test_a_hold_reserves_and_is_captured_once(conn: Connection) -> None:
    scheme = make_scheme(conn)
    until = conn.execute(text("select now() + interval '1 hour'")).scalar_one()
    (held,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (BOOK, 3000)]), held_until=until)
    assert scheme.balance(conn, 0) == 7000
    assert refusal_of(scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 2000)]))) is Refusal.INSUFFICIENT_BALANCE
    first = asks(scheme.till)
    done = holds.capture(conn, held.sale_id, **first)
    assert (done.again, done.amount) == (False, 6000)
    for request in (first, asks(scheme.till)):
        again = holds.capture(conn, held.sale_id, **request)
        assert (again.again, again.amount, again.closed_at) == (True, 6000, done.closed_at)
    assert scheme.balance(conn, 0) == 1000
    with pytest.raises(KeyReused):
        holds.capture(conn, held.sale_id, **first | {"request_hash": b"other"})
    with pytest.raises(holds.HoldIsClosed):
        holds.void(conn, held.sale_id, **asks(scheme.till))
    with pytest.raises(holds.UnknownHold):
        holds.void(conn, held.sale_id, **asks(scheme.till) | {"partner_id": scheme.till.partner_id + 1})


def test_a_suspended_partner_debits_nothing_that_it_had_reserved(conn: Connection) -> None:
    scheme = make_scheme(conn)
    until = conn.execute(text("select now() + interval '1 hour'")).scalar_one()
    (held,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]), held_until=until)
    (captured,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 1000)]), held_until=until)
    before = asks(scheme.till)
    holds.capture(conn, captured.sale_id, **before)
    partners.suspend(conn, scheme.till.partner_id, reason="Contrôle", actor=ACTOR)
    with pytest.raises(holds.MayNotSell) as refused:
        holds.capture(conn, held.sale_id, **asks(scheme.till))
    assert refused.value.refusal is Refusal.PARTNER_SUSPENDED
    assert owed(conn, scheme.till) == 1000
    assert holds.capture(conn, captured.sale_id, **before).again, "what was answered before is answered again"
    assert holds.void(conn, held.sale_id, **asks(scheme.till)).outcome == "voided"


def asks(till: Till) -> dict[str, Any]:
    """A request under a key of its own."""
    return {"partner_id": till.partner_id, "origin": ACTOR, "key": uuid4(), "request_hash": b"h"}


def test_a_hold_expires_by_itself(conn: Connection) -> None:
    scheme = make_scheme(conn)
    until = conn.execute(text("select now()")).scalar_one()
    (held,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]), held_until=until)
    with pytest.raises(holds.HoldIsClosed):
        holds.capture(conn, held.sale_id, **asks(scheme.till))
    assert holds.expire(conn) == 1
    assert holds.expire(conn) == 0
    (sale,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (BOOK, 3000)]))
    assert sale.refusal is None


def test_an_unknown_terminal_is_told_apart_from_a_refusal(conn: Connection) -> None:
    make_partner(conn)
    with pytest.raises(UnknownTerminal):
        sell(conn, terminal_id=999, secret_hash=None, key=uuid4(), request_hash=b"h", sales=[])
