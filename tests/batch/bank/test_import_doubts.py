"""What a bank may tell in two ways, twice, or not at all, and what must not come of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from batch.bank.import_folder import TAKEN, import_folder
from batch.bank.import_letters import tell
from ledger.accounts import BANK_CHARGES, SUSPENSE
from ledger.reconciliation import decisions, items, position
from ledger.reconciliation.decisions import CannotSettle, Explanation
from tests.batch.bank.messages import ACCOUNT, balance, details, entry, statements
from tests.batch.bank.simulated_bank import amount
from tests.batch.bank.test_import_cases import AMOUNTS, Story, story
from tests.payout_world import PAYER

__all__ = ["story"]

NATIONAL_NUMBER = f"<Acct><Id><Othr><Id>{PAYER.iban[4:]}</Id></Othr></Id><Ccy>EUR</Ccy></Acct>"
SPACED = ACCOUNT.replace(PAYER.iban, f"{PAYER.iban[:4]} {PAYER.iban[4:]}")


def credited(account: str, number: int, opening: int, closing: int, *, booked: bool = True) -> bytes:
    """A statement with one credit, of an account as it is written there."""
    day = f"2026-09-{14 + number}"
    balances = balance("OPBD", amount(opening), day=day) + balance("CLBD", amount(closing), day=day)
    when = f"<BookgDt><Dt>{day}</Dt></BookgDt>" if booked else ""
    moved = entry(amount(closing - opening), when, "CRDT")
    return statements(f"<Stmt><Id>R-{number}</Id>{account}{balances}{moved}</Stmt>")


@pytest.mark.parametrize("written", [NATIONAL_NUMBER, SPACED], ids=["national number", "spaces"])
def test_an_account_that_a_bank_writes_in_two_ways_has_one_balance(story: Story, written: str) -> None:
    story.take(credited(ACCOUNT, 1, 1_000_00, 1_500_00))
    story.take(credited(written, 2, 1_500_00, 1_600_00))
    with story.world.engine.connect() as conn:
        assert position.balance(conn).books == 1_600_00
    repeated = story.take(credited(written, 1, 1_000_00, 1_500_00).replace(b"BANK-1", b"BANK-2"))
    assert repeated.aside
    assert repeated.entries == 0


def status(story: Story, line: int, code: str, name: str = "RJCT") -> str:
    """What a report says of one payment."""
    told = story.rejected(line, code=f"<Cd>{code}</Cd>", name=name)
    return told[told.index("<TxInfAndSts>") : told.rindex("</OrgnlPmtInfAndSts>")]


def listing(story: Story, *told: str) -> bytes:
    """A report that lists payments of the run's batch."""
    batch = f"<OrgnlPmtInfId>{story.message}-1</OrgnlPmtInfId><PmtInfSts>PART</PmtInfSts>"
    return story.report(f"<OrgnlPmtInfAndSts>{batch}{''.join(told)}</OrgnlPmtInfAndSts>")


def test_a_payment_that_one_report_rejects_twice_is_owed_again_once(story: Story) -> None:
    taken = story.take(listing(story, status(story, 1, "AC04"), status(story, 1, "AC04")))
    assert taken.report is not None
    assert taken.report.rejected == 1
    assert story.states == ["issued", "rejected", "issued"]
    assert story.owed == [0, 70_00, 0]


@pytest.mark.parametrize("first", ["RJCT", "ACCP"])
def test_a_report_that_rejects_and_accepts_a_payment_decides_nothing_of_it(story: Story, first: str) -> None:
    other = {"RJCT": "ACCP", "ACCP": "RJCT"}[first]
    story.take(listing(story, status(story, 1, "AC04", first), status(story, 1, "AC04", other)))
    assert story.states == ["issued"] * 3
    assert story.open() == ["contradictory"]


REFUSED_AS_DOUBLE = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>AM05</Cd></Rsn></StsRsnInf>"


def test_a_file_sent_twice_and_refused_as_a_double_is_not_paid_a_second_time(story: Story) -> None:
    story.take(story.report(group="<GrpSts>ACTC</GrpSts>"))
    story.take(story.report(group=REFUSED_AS_DOUBLE))
    assert story.states == ["issued"] * 3
    assert story.owed == [0, 0, 0]
    assert story.open() == ["said_to_be_double"] * 3
    story.take(story.statement(story.debit(0, 1, 2)))
    assert story.states == ["booked"] * 3
    assert story.open() == []


def test_a_double_refused_after_the_debit_says_nothing_new(story: Story) -> None:
    story.take(story.statement(story.debit(0, 1, 2)))
    story.take(story.report(group=REFUSED_AS_DOUBLE))
    assert story.states == ["booked"] * 3
    assert story.open() == []


def test_what_was_refused_as_a_double_and_never_left_is_owed_again_on_a_persons_word(story: Story) -> None:
    story.take(listing(story, status(story, 1, "DU04")))
    with story.world.engine.begin() as conn:
        (item,) = items.open_items(conn)
        decisions.reject_after_all(conn, item.number, reason="Confirmé par la banque.", actor="person:1", tell=tell)
    assert story.states == ["issued", "rejected", "issued"]
    assert story.owed == [0, 70_00, 0]
    assert story.open() == []
    with pytest.raises(CannotSettle), story.world.engine.begin() as conn:
        decisions.reject_after_all(conn, item.number, reason="Encore.", actor="person:1", tell=tell)


def test_a_conflict_of_another_kind_owes_nothing_again(story: Story) -> None:
    story.take(listing(story, status(story, 1, "AC04"), status(story, 1, "AC04", "ACCP")))
    with story.world.engine.connect() as conn:
        (item,) = items.open_items(conn)
        with pytest.raises(CannotSettle):
            decisions.reject_after_all(conn, item.number, reason="Non.", actor="person:1", tell=tell)


@pytest.mark.parametrize("day", ["", "<BookgDt><Dt>0001-01-01</Dt></BookgDt>"], ids=["no day", "the first of all days"])
def test_an_entry_without_a_day_that_makes_sense_is_taken_and_can_be_explained(story: Story, day: str) -> None:
    told = credited(ACCOUNT, 1, 1_000_00, 1_500_00, booked=False)
    story.take(told.replace(b"<Sts>BOOK</Sts>", f"<Sts>BOOK</Sts>{day}".encode()))
    assert story.open() == ["unknown"]
    with story.world.engine.begin() as conn:
        decisions.explain(conn, story.number(), Explanation.FUNDING, reason="Alimentation.", actor="person:1")
    assert story.open() == []
    assert story.world.balance(SUSPENSE) == 0


def test_a_file_that_breaks_the_import_does_not_keep_the_files_behind_it_waiting(story: Story, tmp_path: Path) -> None:
    (tmp_path / "1.xml").write_bytes(story.statement(story.debit(0, 1, 2)))
    (tmp_path / "2.xml").write_bytes(credited(ACCOUNT, 1, 1_000_00, 1_500_00))
    with story.world.owner.begin() as conn:
        conn.execute(text("alter table bank_import add constraint broken check (name <> '1.xml')"))
    with pytest.raises(ExceptionGroup, match=r"1\.xml"):
        import_folder(story.world.engine, tmp_path, settled_for=-1)
    assert (tmp_path / "1.xml").exists()
    assert (tmp_path / TAKEN / "2.xml").exists()


def test_no_statement_is_taken_later_of_a_file_that_is_known_unless_the_books_follow_it(story: Story) -> None:
    story.take(credited(ACCOUNT, 1, 1_000_00, 1_500_00))
    with story.world.engine.connect() as conn:
        conn.execute(
            text("""
                insert into bank_statement (import_id, number, kind, account, statement_id, fingerprint, last_day,
                                            created_at, opening, closing, booked, entries, state)
                select import_id, 2, kind, account, 'R-2', 'x', last_day + 1, created_at, closing, closing + 100, 100,
                       1, state
                  from bank_statement
            """)
        )
        with pytest.raises(IntegrityError, match="bank account in the books"):
            conn.commit()


def test_what_is_proposed_stays_so_when_a_person_decides_about_something_else(story: Story) -> None:
    named = f"<RltdPties><DbtrAcct><Id><IBAN>{PAYER.iban}</IBAN></Id></DbtrAcct></RltdPties>"
    told = [(-cents, details(f"<Refs><MsgId>{story.message}</MsgId></Refs>{named}")) for cents in AMOUNTS[:2]]
    story.take(story.statement(*told))
    assert story.open() == ["debited", "debited"]
    with story.world.engine.begin() as conn:
        first = min(item.number for item in items.open_items(conn) if item.proposed)
        decisions.accept(conn, first, actor="person:1", tell=tell)
    assert story.open() == ["debited"]


@pytest.mark.parametrize("what", [Explanation.CHARGES, Explanation.FUNDING])
def test_one_person_explains_little_that_left_and_two_explain_more(story: Story, what: Explanation) -> None:
    story.take(story.statement((-20_00, "")))
    before = story.world.balance(what.account)
    with story.world.engine.begin() as conn:
        decisions.explain(conn, story.number(), what, reason="Frais de rejet.", actor="person:1")
    story.take(story.statement((-20_01, "")))
    number = story.number()
    with story.world.engine.begin() as conn:
        with pytest.raises(CannotSettle, match="un approbateur des paiements"):
            decisions.explain(conn, number, what, reason="Frais de rejet.", actor="person:1")
        decisions.sign(conn, number, reason="Frais de rejet, selon la banque.", actor="person:1")
        with pytest.raises(CannotSettle, match="qu’une personne explique seule"):
            decisions.explain(conn, number, what, reason="Frais de rejet.", actor="person:1")
        decisions.explain(conn, number, what, reason="Vu l’avis de la banque.", actor="person:2")
    assert (story.world.balance(SUSPENSE), story.world.balance(what.account) - before) == (0, -40_01)


def test_what_a_bank_kept_of_a_return_is_one_persons_word_up_to_a_ceiling(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.take(story.statement(story.debit(0, 1, 2)))
    story.take(story.statement((49_99, "")))
    number = story.number()
    with story.world.engine.begin() as conn:

        def explain(actor: str) -> None:
            reference = str(story.payments[1].end_to_end_id)
            decisions.explain_by_payment(conn, number, reference, reason="Retour.", actor=actor, tell=tell)

        with pytest.raises(CannotSettle, match="20,01"):
            explain("person:1")
        monkeypatch.setenv("ATOUTS_BANK_CHARGES_LIMIT_CENTS", "2001")
        explain("person:1")
    assert (story.states, story.owed) == (["booked", "returned", "booked"], [0, 70_00, 0])
    assert story.world.balance(BANK_CHARGES) == -20_01
