"""The check of the books follows the money to the payouts: nothing is paid twice, wrongly, or forgotten."""

import pytest
from sqlalchemy import text

from ledger.books_check import Promise, check
from tests.conftest import Database
from tests.payout_world import World

PAYOUT_PROMISES = (Promise.PAID_ONCE, Promise.PAYOUT_AGREES, Promise.GUARD_STANDS)


@pytest.fixture
def world(fresh_database: Database) -> World:
    """Two partners: one is paid by a frozen run, with two sales of which one was given back, one has yet to be."""
    world = World(fresh_database.engine, fresh_database.owner_engine)
    partner = world.partner()
    world.sale(partner, 7000)
    world.refund(partner, world.sale(partner, 4000))
    world.freeze()
    world.sale(world.partner(), 1250)
    return world


def differences(world: World) -> list[tuple[Promise, str, str, str]]:
    """What the check finds about payouts; the sales of this world are posted without a till."""
    with world.engine.begin() as conn:
        return [
            (one.promise, one.subject, one.expected, one.found) for one in check(conn) if one.promise in PAYOUT_PROMISES
        ]


def past_the_guards(world: World, *statements: str) -> None:
    with world.owner.begin() as conn:
        conn.execute(text("set local session_replication_role = replica"))
        for statement in statements:
            conn.execute(text(statement))


def numbers(world: World) -> tuple[int, int, int, int]:
    """A payment, its partner, and the first transfer that it pays; and the other partner."""
    with world.engine.begin() as conn:
        return tuple(  # type: ignore[return-value]
            conn.execute(
                text("""
                    select p.id, p.partner_id, (select min(transfer_id) from payout_line where payment_id = p.id),
                           (select max(id) from partner)
                      from payout_payment p
                """)
            ).one()
        )


def test_a_sound_run_has_no_differences(world: World) -> None:
    assert differences(world) == []


def test_a_transfer_paid_twice_is_named(world: World) -> None:
    payment, partner, transfer, _ = numbers(world)
    past_the_guards(
        world,
        "drop index transfer_in_one_live_line",
        f"""
        insert into payout_payment (run_id, line, partner_id, bank_account_id, name, iban, bic, siren, amount,
                                    transfers, transfers_digest)
        select run_id, 2, {partner + 1}, bank_account_id, name, iban, bic, siren, 7000, 1, '' from payout_payment
        """,
        f"""
        insert into payout_line (payment_id, transfer_id, amount) select max(id), {transfer}, 7000 from payout_payment
        """,
    )
    found = {(promise, subject) for promise, subject, *_ in differences(world)}
    assert (Promise.PAID_ONCE, f"transfer {transfer}") in found
    # It is another partner's transfer, too.
    assert (Promise.PAYOUT_AGREES, f"payment {payment + 1} line for transfer {transfer}") in found
    assert (Promise.GUARD_STANDS, "unique index transfer_in_one_live_line") in found


def test_a_payment_of_another_amount_is_named(world: World) -> None:
    payment, partner, *_ = numbers(world)
    past_the_guards(world, "update payout_payment set amount = amount + 1")
    assert differences(world) == [
        (Promise.PAYOUT_AGREES, f"payment {payment}", "7001 cents, planned", "lines of 7000 cents, payout of 0 cents"),
        (
            Promise.PAYOUT_AGREES,
            f"partner {partner}",
            "7000 cents to be paid",
            "7001 cents in runs to come, 0 cents in none",
        ),
    ]


def test_a_line_of_another_amount_is_named(world: World) -> None:
    payment, _, transfer, _ = numbers(world)
    past_the_guards(world, f"update payout_line set amount = amount - 1 where transfer_id = {transfer}")
    assert [(subject, expected, found) for _, subject, expected, found in differences(world)] == [
        (f"payment {payment} line for transfer {transfer}", "7000 cents of this partner", "6999 cents"),
        (f"payment {payment}", "7000 cents, planned", "lines of 6999 cents, payout of 0 cents"),
    ]


@pytest.mark.parametrize("amount", [300, -300])
def test_a_debt_given_up_is_paid_or_kept_back_like_a_sale_and_named_when_it_is_forged(
    fresh_database: Database, amount: int
) -> None:
    world = World(fresh_database.engine, fresh_database.owner_engine)
    partner = world.partner()
    world.sale(partner, 7000)
    given_up = world.write_off(partner, amount)
    assert world.freeze().amount == 7000 + amount
    assert differences(world) == []

    payment, *_ = numbers(world)
    past_the_guards(world, f"update transfer set amount = 299 where id = {given_up}")
    forged = amount // 300 * 299
    assert [(subject, expected, found) for _, subject, expected, found in differences(world)] == [
        (f"payment {payment} line for transfer {given_up}", f"{forged} cents of this partner", f"{amount} cents"),
        (
            f"partner {partner}",
            f"{7000 + forged} cents to be paid",
            f"{7000 + amount} cents in runs to come, 0 cents in none",
        ),
    ]


def test_a_payment_in_the_books_that_no_run_made_is_named(world: World) -> None:
    *_, other = numbers(world)
    past_the_guards(
        world,
        "insert into transfer (debit_account, credit_account, amount, document, kind, line, school_year) "
        f"values (2000000000000 + {other}, 3000000000003, 1250, 999, 'payout', 1, 2026)",
    )
    subjects = [(subject, expected) for _, subject, expected, _ in differences(world)]
    assert subjects == [("payment 999", "no payment"), (f"partner {other}", "0 cents to be paid")]


def test_a_sale_hidden_from_the_runs_is_named(world: World) -> None:
    *_, other = numbers(world)
    past_the_guards(world, f"insert into payout_horizon (partner_id, through) values ({other}, 1000000)")
    ((promise, subject, _, found),) = differences(world)
    assert (promise, subject) == (Promise.PAYOUT_AGREES, f"partner {other}")
    assert found.endswith("is in no run")


def test_what_the_bank_sent_back_is_owed_again_and_nothing_else_is(world: World) -> None:
    payment, partner, *_ = numbers(world)
    transfer = f"""
        insert into transfer (debit_account, credit_account, amount, document, kind, line, school_year, reverses)
        values (%s, 7000, {payment}, '%s', 1, 2026, %s)
    """
    account = f"2000000000000 + {partner}"
    past_the_guards(
        world,
        transfer % (f"{account}, 3000000000003", "payout", "null"),
        "update payout_payment set state = 'rejected', end_to_end_id = 'X'",
    )
    unpaid = (Promise.PAYOUT_AGREES, f"payment {payment}", "7000 cents owed again, rejected", "not owed again")
    assert unpaid in differences(world)
    paid = "(select id from transfer where kind = 'payout')"
    past_the_guards(world, transfer % (f"3000000000003, {account}", "payout_reopened", paid))
    assert differences(world) == []
    past_the_guards(world, "update payout_payment set state = 'booked'")
    owed = f"7000 cents owed again of payment {payment}"
    assert (Promise.PAYOUT_AGREES, f"payment {payment}", "not owed again", owed) in differences(world)
