"""Cases 13 to 27 of the payment brief, on the database: what the bank tells, and how the books and the partners end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from batch.bank.import_file import ImportReport, import_bank_file
from batch.bank.import_folder import REFUSED, TAKEN, import_folder
from batch.bank.import_letters import tell
from batch.bank.refusal import BankFileRefused
from ledger import partner_accounts
from ledger.accounts import BANK, BANK_CHARGES, FUNDING, IN_TRANSIT, SUSPENSE, partner_account
from ledger.books_check.bank import bank
from ledger.payouts import files
from ledger.payouts.runs import Payment, Run
from ledger.reconciliation import closing, decisions, items, position
from ledger.reconciliation.decisions import CannotSettle, Explanation
from tests.batch.bank.messages import ACCOUNT, balance, details, entry, report, statements
from tests.batch.bank.simulated_bank import amount
from tests.conftest import Database
from tests.payout_world import PAYER, World

AMOUNTS = (120_00, 70_00, 30_50)


class Story:
    """A run of three payments at the bank, and what the bank tells of it, statement after statement."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.partners = [world.partner() for _ in AMOUNTS]
        for partner, cents in zip(self.partners, AMOUNTS, strict=True):
            world.sale(partner, cents)
        self.run: Run = world.generated()
        assert self.run.file is not None
        self.message = self.run.file.message_id
        self.day = self.run.file.execution_date
        self.balance = 1_000_00
        self.granted = world.balance(FUNDING)
        self.told = 0

    @property
    def payments(self) -> list[Payment]:
        """The payments as they are now."""
        return self.world.payments(self.run)

    @property
    def states(self) -> list[str]:
        """Their states."""
        return [payment.state for payment in self.payments]

    @property
    def owed(self) -> list[int]:
        """What each partner is owed again."""
        return [self.world.balance(partner_account(partner)) for partner in self.partners]

    def take(self, content: bytes) -> ImportReport:
        """Import a file."""
        self.told += 1
        return import_bank_file(self.world.engine, content, name=f"{self.told}.xml", actor="tests")

    def statement(self, *movements: tuple[int, str]) -> bytes:
        """The next statement of the account: signed cents and what stands in each entry."""
        self.told += 1
        opening, self.balance = self.balance, self.balance + sum(cents for cents, _ in movements)
        self.day += timedelta(days=1)
        booked = f"<BookgDt><Dt>{self.day}</Dt></BookgDt>"
        told = "".join(
            entry(amount(abs(cents)), f"{booked}{inside}", "CRDT" if cents > 0 else "DBIT")
            for cents, inside in movements
        )
        day = f"{self.day}"
        balances = balance("OPBD", amount(opening), day=day) + balance("CLBD", amount(self.balance), day=day)
        return statements(f"<Stmt><Id>R-{self.told}</Id>{ACCOUNT}{balances}{told}</Stmt>", message="camt.053.001.02")

    def ids(self, line: int) -> str:
        """The references of a payment."""
        return f"<Refs><EndToEndId>{self.payments[line].end_to_end_id}</EndToEndId></Refs>"

    def debit(self, *lines: int) -> tuple[int, str]:
        """A batch debit that tells every payment."""
        told = [
            f"{self.ids(line)}<AmtDtls><TxAmt><Amt Ccy='EUR'>{amount(AMOUNTS[line])}</Amt></TxAmt></AmtDtls>"
            for line in lines
        ]
        return -sum(AMOUNTS[line] for line in lines), details(*told)

    def batch(self, cents: int) -> tuple[int, str]:
        """A batch debit by its id and total."""
        return -cents, details(batch=f"<Btch><PmtInfId>{self.message}-1</PmtInfId></Btch>")

    def back(self, line: int, *, head: str = "", reason: str = "<Rsn><Cd>AC04</Cd></Rsn>") -> tuple[int, str]:
        """A payment that comes back."""
        return AMOUNTS[line], head + details(f"{self.ids(line)}<RtrInf>{reason}</RtrInf>")

    def report(self, *inside: str, group: str = "", original: str | None = None) -> bytes:
        """A pain.002 about the run's message."""
        self.told += 1
        told = self.message if original is None else original
        head = f"<OrgnlMsgId>{told}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}"
        return report(f"<OrgnlGrpInfAndSts>{head}</OrgnlGrpInfAndSts>", *inside).replace(
            b"BANK-1", f"P-{self.told}".encode()
        )

    def rejected(self, *lines: int, status: str = "PART", code: str = "<Cd>AC04</Cd>", name: str = "RJCT") -> str:
        """The part of a report that rejects payments."""
        told = "".join(
            f"<TxInfAndSts><OrgnlEndToEndId>{self.payments[line].end_to_end_id}</OrgnlEndToEndId><TxSts>{name}</TxSts>"
            f"<StsRsnInf><Rsn>{code}</Rsn></StsRsnInf></TxInfAndSts>"
            for line in lines
        )
        sent = f"<OrgnlPmtInfId>{self.message}-1</OrgnlPmtInfId><PmtInfSts>{status}</PmtInfSts>{told}"
        return f"<OrgnlPmtInfAndSts>{sent}</OrgnlPmtInfAndSts>"

    def open(self) -> list[str]:
        """The kinds of what is open, missing news apart."""
        with self.world.engine.connect() as conn:
            return [item.kind for item in items.open_items(conn) if item.kind != "silence"]

    def number(self) -> int:
        """The only open share."""
        with self.world.engine.connect() as conn:
            wanted = text("select id from bank_share where state in ('open', 'refused', 'waiting')")
            return int(conn.execute(wanted).scalar_one())

    def mails(self) -> list[str]:
        """The subjects of the mails that are due."""
        with self.world.engine.connect() as conn:
            return list(conn.execute(text("select subject from mail_outbox order by id")).scalars())


@pytest.fixture
def story(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A run at the bank; whatever a test tells, the bank account in the books is that of the statements."""
    monkeypatch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    world = World(fresh_database.engine, fresh_database.owner_engine)
    story = Story(world)
    yield story
    with world.engine.connect() as conn:
        found = position.balance(conn)
        differences = list(bank(conn))
    assert found.books == found.statements == -world.balance(BANK)
    assert differences == []
    world.assert_sound()


# -- status reports --------------------------------------------------------------------------------------------------


def test_13_a_batch_rejected_as_a_whole_is_owed_again_as_a_whole(story: Story) -> None:
    story.take(story.report(story.rejected(status="RJCT")))
    assert story.states == ["rejected"] * 3
    assert story.owed == list(AMOUNTS)
    assert story.world.in_transit == 0


def test_14_the_batch_is_believed_against_an_accepting_group(story: Story) -> None:
    story.take(story.report(story.rejected(status="RJCT"), group="<GrpSts>ACTC</GrpSts>"))
    assert story.states == ["rejected"] * 3


def test_15_a_partial_report_rejects_what_it_lists_only(story: Story) -> None:
    story.take(story.report(story.rejected(1), group="<GrpSts>PART</GrpSts>"))
    assert story.states == ["issued", "rejected", "issued"]
    assert story.owed == [0, 70_00, 0]
    assert [subject for subject in story.mails() if "pas arrivé" in subject] != []
    with story.world.engine.connect() as conn:
        assert partner_accounts.get(conn, story.payments[1].frozen.bank_account_id).blocked_reason


@pytest.mark.parametrize(("original", "states"), [(" {} ", "rejected"), ("", "rejected"), ("AUTRE-1", "issued")])
def test_16_the_original_message_id_may_be_padded_missing_or_foreign(story: Story, original: str, states: str) -> None:
    content = story.report(story.rejected(status="RJCT"), original=original.format(story.message))
    story.take(content.replace(b"<OrgnlMsgId></OrgnlMsgId>", b""))
    assert story.states == [states] * 3
    assert story.open() == ([] if states == "rejected" else ["unknown_message"])


def test_17_a_report_repeated_changes_nothing(story: Story) -> None:
    content = story.report(story.rejected(1))
    story.take(content)
    assert story.take(content).seen is not None
    story.take(story.report(story.rejected(1)))
    assert story.owed == [0, 70_00, 0]
    assert len(story.mails()) == 1


def test_17_a_rejection_after_the_booking_waits_for_the_return(story: Story) -> None:
    story.take(story.statement(story.debit(0, 1, 2)))
    story.take(story.report(story.rejected(1)))
    assert story.states == ["booked"] * 3
    assert story.open() == ["rejected_after_booking"]
    story.take(story.statement(story.back(1)))
    assert story.states == ["booked", "returned", "booked"]
    assert story.open() == []
    assert story.world.run(story.run.id).state in ("partial", "generated")


def test_17_a_rejected_payment_that_is_debited_all_the_same_is_settled_once_it_is_credited(story: Story) -> None:
    story.take(story.report(story.rejected(1)))
    story.take(story.statement(story.debit(1)))
    assert story.open() == ["rejected_yet_debited"]
    assert story.world.balance(SUSPENSE) == -70_00
    story.take(story.statement(story.back(1)))
    assert story.open() == []
    assert story.world.balance(SUSPENSE) == 0
    assert story.owed == [0, 70_00, 0]


def unnamed(story: Story, line: int) -> str:
    """A detail that gives the account and nothing of ours."""
    iban = story.payments[line].frozen.iban
    return details(f"<RltdPties><CdtrAcct><Id><IBAN>{iban}</IBAN></Id></CdtrAcct></RltdPties>")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_17_a_rejected_payment_debited_without_our_ids_is_paired_with_its_credit_in_every_order(
    story: Story, order: tuple[int, ...]
) -> None:
    files = [
        story.report(story.rejected(1)).replace(b"2026-09-15T06", f"{story.day + timedelta(days=1)}T06".encode()),
        story.statement((-70_00, unnamed(story, 1))),
        story.statement((70_00, details(story.ids(1)))),
    ]
    for number in order:
        story.take(files[number])
    assert (story.open(), story.world.balance(SUSPENSE), story.world.balance(BANK_CHARGES)) == ([], 0, 0)
    assert (story.owed, story.world.in_transit) == ([0, 70_00, 0], 150_50)


def test_17_the_pairing_says_what_it_rests_on(story: Story) -> None:
    story.take(story.report(story.rejected(1)))
    story.take(story.statement((-70_00, unnamed(story, 1))))
    assert story.open() == ["rejected_yet_debited"]
    story.take(story.statement((70_00, details(story.ids(1)))))
    with story.world.engine.connect() as conn:
        told = conn.execute(text("select reason, decision from bank_share where nature = 'conflict' order by id")).all()
    assert told[0].reason.startswith("IBAN et montant : virement")
    assert [row.decision[:15] for row in told] == ["Compensé par l’"] * 2


@pytest.mark.parametrize("reason", ["", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"])
def test_17_a_credit_after_a_double_debit_corrects_it_and_owes_nothing_again(story: Story, reason: str) -> None:
    story.take(story.statement(story.debit(0, 1, 2), (-70_00, story.debit(1)[1])))
    assert story.open() == ["debited_twice"]
    story.take(story.statement((70_00, details(story.ids(1) + reason))))
    assert (story.states, story.owed, story.open()) == (["booked"] * 3, [0, 0, 0], [])
    assert (story.world.balance(SUSPENSE), story.world.in_transit) == (0, 0)
    story.take(story.statement(story.back(1)))
    assert (story.states, story.owed) == (["booked", "returned", "booked"], [0, 70_00, 0]), "now both came back"


def test_17_part_of_a_double_debit_that_comes_back_waits_for_a_person_and_is_no_return(story: Story) -> None:
    story.take(story.statement(story.debit(0, 1, 2), (-70_00, story.debit(1)[1])))
    story.take(story.statement((69_00, details(story.ids(1)))))
    assert sorted(story.open()) == ["debited_twice", "double_credited"]
    with story.world.engine.begin() as conn:
        (credit,) = [item.number for item in items.open_items(conn) if (item.amount or 0) > 0]
        with pytest.raises(CannotSettle, match="débité deux fois"):
            decisions.explain_by_payment(
                conn, credit, str(story.payments[1].end_to_end_id), reason="x", actor="person:1", tell=tell
            )
    assert (story.states, story.owed) == (["booked"] * 3, [0, 0, 0])


def test_17_a_double_debit_and_both_its_credits_may_be_on_one_statement(story: Story) -> None:
    back = (70_00, details(story.ids(1)))
    story.take(story.statement(story.debit(0, 1, 2), story.debit(1), back, back))
    assert (story.states, story.owed) == (["booked", "returned", "booked"], [0, 70_00, 0])
    assert (story.open(), story.world.balance(SUSPENSE)) == ([], 0)


def test_17_a_debit_that_two_payments_may_be_is_settled_by_a_person(story: Story) -> None:
    shared = story.world.partner(account=story.payments[1].frozen.iban)
    story.world.sale(shared, 70_00)
    other = story.world.generated(datetime.now(UTC), weekly=False)
    told = story.report(story.rejected(1)).replace(b"2026-09-15T06", f"{story.day + timedelta(days=1)}T06".encode())
    story.take(told)
    story.take(story.statement((-70_00, unnamed(story, 1))))
    story.take(story.statement((70_00, details(story.ids(1)))))
    assert sorted(story.open()) == ["offset", "rejected_and_credited"]
    assert story.world.payments(other)[0].state == "issued"
    with story.world.engine.begin() as conn:
        (proposal,) = [item for item in items.open_items(conn) if item.proposed]
        decisions.accept(conn, proposal.number, actor="person:1", tell=tell)
    assert (story.open(), story.world.balance(SUSPENSE)) == ([], 0)
    story.take(story.statement((-70_00, unnamed(story, 1))))
    assert story.world.payments(other)[0].state == "booked", "the next one is the other's"


def test_18_a_reason_in_words_and_unknown_codes(story: Story) -> None:
    told = story.rejected(0, code="<Cd>NARR</Cd>")
    story.take(story.report(told.replace("</Rsn></StsRsnInf>", "</Rsn><AddtlInf>VOIR AGENCE</AddtlInf></StsRsnInf>")))
    story.take(story.report(story.rejected(1, name="ZZZZ")))
    assert story.states == ["rejected", "issued", "issued"]
    assert story.payments[0].state_reason == "NARR"
    assert story.open() == ["unknown_code"]
    with story.world.engine.begin() as conn:
        (conflict,) = [item for item in items.open_items(conn) if item.subject == "conflict"]
        decisions.settle_conflict(conn, conflict.number, reason="Vu avec la banque", actor="person:1")
    assert story.open() == []


# -- statements ------------------------------------------------------------------------------------------------------


def test_19_a_batch_short_of_a_reject_that_is_told_later(story: Story) -> None:
    story.take(story.statement(story.batch(AMOUNTS[0] + AMOUNTS[2])))
    assert story.open() == ["debited"], "proposed: one payment fits what is missing"
    assert story.world.balance(SUSPENSE) == -(AMOUNTS[0] + AMOUNTS[2])
    assert story.take(story.report(story.rejected(1))).cleared == 1
    assert story.states == ["booked", "rejected", "booked"]
    assert (story.open(), story.world.balance(SUSPENSE), story.world.in_transit) == ([], 0, 0)


def test_19_a_proposal_is_accepted_or_refused_by_a_person(story: Story) -> None:
    story.take(story.statement(story.batch(AMOUNTS[0] + AMOUNTS[2])))
    with story.world.engine.begin() as conn:
        decisions.accept(conn, story.number(), actor="person:1", tell=tell)
    assert story.states == ["booked", "issued", "booked"]
    story.take(story.statement((-70_00, "")))
    number = story.number()
    with story.world.engine.begin() as conn:
        decisions.refuse(conn, number, reason="C’est un prélèvement", actor="person:1")
    story.take(story.statement((1_00, details("<Refs><EndToEndId>X</EndToEndId></Refs>"))))
    assert sorted(story.open()) == ["debited", "unknown"], "a refused proposal is not proposed again"
    with story.world.engine.begin() as conn:
        with pytest.raises(CannotSettle):
            decisions.accept(conn, number, actor="person:1", tell=tell)
        decisions.explain_by_payment(
            conn, number, str(story.payments[1].end_to_end_id), reason="Confirmé", actor="person:1", tell=tell
        )
    assert story.states == ["booked"] * 3
    assert story.world.in_transit == 0


@pytest.mark.parametrize("told", ["", "<RvslInd>true</RvslInd>", "<RvslInd>false</RvslInd>"])
def test_20_a_return_is_one_whatever_the_reversal_indicator_says(story: Story, told: str) -> None:
    story.take(story.statement(story.debit(0, 1, 2)))
    story.take(story.statement(story.back(1, head=told)))
    assert story.states == ["booked", "returned", "booked"]
    assert story.owed == [0, 70_00, 0]
    assert story.world.in_transit == 0


def test_21_the_iso_code_counts_wherever_it_stands(story: Story) -> None:
    story.take(story.statement(story.debit(0, 1, 2)))
    story.take(story.statement(story.back(1, reason="<Rsn><Prtry>914</Prtry></Rsn><AddtlInf>AC01 IBAN</AddtlInf>")))
    assert story.payments[1].state_reason == "AC01"


def test_22_without_our_ids_the_amount_alone_is_only_proposed(story: Story) -> None:
    story.take(story.statement((-sum(AMOUNTS), details("<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"))))
    assert story.open() == ["debited"]
    with story.world.engine.begin() as conn:
        decisions.accept(conn, story.number(), actor="person:1", tell=tell)
    assert story.states == ["booked"] * 3


def test_23_a_return_less_charges_owes_the_whole_again(story: Story) -> None:
    story.take(story.statement(story.debit(0, 1, 2)))
    fee = "<Chrgs><Rcrd><Amt Ccy='EUR'>3.50</Amt></Rcrd></Chrgs>"
    inside = details(f"{story.ids(1)}<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>")
    story.take(story.statement((66_50, fee + inside)))
    assert story.states == ["booked", "returned", "booked"]
    assert (story.owed, story.world.balance(BANK_CHARGES), story.world.in_transit) == ([0, 70_00, 0], -3_50, 0)


def test_23_a_return_before_the_debit_and_told_twice_counts_once(story: Story) -> None:
    content = story.statement(story.back(1))
    story.take(content)
    notified = content.replace(b"camt.053", b"camt.054").replace(b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn")
    start, _, rest = notified.replace(b"Stmt>", b"Ntfctn>").partition(b"<Bal>")
    story.take(start + rest[rest.rindex(b"</Bal>") + len(b"</Bal>") :])
    assert (story.states, story.owed) == (["issued", "returned", "issued"], [0, 70_00, 0])
    story.take(story.statement(story.debit(0, 1, 2)))
    assert story.states == ["booked", "returned", "booked"]
    assert (story.world.in_transit, story.world.balance(SUSPENSE)) == (0, 0)


def test_24_the_return_of_a_payment_that_was_issued_again_stays_that_of_the_first(story: Story) -> None:
    story.take(story.report(story.rejected(1)))
    with story.world.engine.begin() as conn:
        partner_accounts.unblock(conn, story.payments[1].frozen.bank_account_id, actor="person:5")
    again = story.world.generated(datetime.now(UTC), weekly=False)
    (second,) = story.world.payments(again)
    assert str(second.end_to_end_id).endswith("-R1")
    story.take(story.statement(story.debit(1)))
    story.take(story.statement(story.back(1)))
    assert story.open() == []
    assert story.world.payments(again)[0].state == "issued"
    assert story.owed == [0, 0, 0], "paid again already, so not owed a second time"


def test_25_pending_entries_have_no_effect(story: Story) -> None:
    content = story.statement(story.debit(0, 1, 2)).replace(b"<Sts>BOOK</Sts>", b"<Sts>PDNG</Sts>")
    closing_balance = amount(story.balance).encode()
    content = content.replace(closing_balance, b"1000.00")
    story.take(content)
    assert story.states == ["issued"] * 3
    assert -story.world.balance(BANK) == 1_000_00


def test_25_a_gap_is_in_suspense_until_the_missing_statement_comes(story: Story) -> None:
    first, missing, last = (story.statement((-10_00, "<AddtlNtryInf>x</AddtlNtryInf>")) for _ in range(3))
    story.take(first)
    story.take(last)
    assert "gap" in story.open()
    assert story.world.balance(SUSPENSE) == -30_00
    story.take(missing)
    assert "gap" not in story.open()
    assert story.world.balance(SUSPENSE) == -30_00
    assert story.world.balance(FUNDING) - story.granted == 1_000_00


def test_25_statements_may_come_backwards(story: Story) -> None:
    told = [story.statement((-10_00, "")) for _ in range(3)]
    for content in reversed(told):
        story.take(content)
    assert story.world.balance(FUNDING) - story.granted == 1_000_00
    assert "gap" not in story.open()


@pytest.mark.parametrize("change", ["unbalanced", "account", "currency"])
def test_25_what_proves_nothing_is_kept_aside_without_effect(story: Story, change: str) -> None:
    content = story.statement(story.debit(0, 1, 2))
    wrong = {
        "unbalanced": content.replace(amount(story.balance).encode(), b"999.99"),
        "account": content.replace(b"FR7610071140000000100000176", b"FR7630001007941234567890185"),
        "currency": content.replace(b"Ccy='EUR'", b"Ccy='CHF'"),
    }[change]
    told = story.take(wrong)
    assert told.aside
    assert (story.states, story.world.balance(BANK)) == (["issued"] * 3, 0)
    assert story.open() == ["quarantined"]
    assert story.take(wrong).aside, "dropped again it is judged again"
    assert story.open() == ["quarantined"]
    with story.world.engine.begin() as conn:
        (item,) = [one for one in items.open_items(conn) if one.subject == "statement"]
        decisions.dismiss(conn, item.number, reason="La banque en envoie un autre", actor="person:1")
    story.take(content)
    assert (story.states, story.open()) == (["booked"] * 3, [])


def test_25_an_overlapping_statement_is_kept_aside(story: Story) -> None:
    cents, inside = story.debit(0, 1, 2)
    movement = (cents, f"<AcctSvcrRef>B-1</AcctSvcrRef>{inside}")
    story.take(story.statement(movement))
    story.day -= timedelta(days=1)
    assert story.take(story.statement(movement)).aside
    assert -story.world.balance(BANK) == 1_000_00 + cents


def test_26_details_on_the_other_side_of_their_entry(story: Story) -> None:
    story.take(story.statement(story.debit(0, 1, 2)))
    credit = (
        f"{story.ids(1)}<Amt Ccy='EUR'>70.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
    )
    story.take(story.statement((70_00, details(credit))).replace(b"camt.053.001.02", b"camt.053.001.04"))
    assert story.states == ["booked", "returned", "booked"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.replace(b"120.00", b"12..34", 1).replace(b"779.50", b"12..34"),
        lambda content: content.replace(b"iso:20022", b"iso:20023"),
        lambda content: content[:-40],
        lambda content: content.replace(b"<Document", b"<!DOCTYPE x []><Document", 1),
    ],
)
def test_27_a_file_that_cannot_be_trusted_leaves_no_trace(story: Story, spoil: object) -> None:
    with pytest.raises(BankFileRefused):
        story.take(spoil(story.statement(story.debit(0, 1, 2))))  # type: ignore[operator]
    with story.world.engine.connect() as conn:
        assert conn.execute(text("select count(*) from bank_import")).scalar_one() == 0


# -- promises --------------------------------------------------------------------------------------------------------


def test_the_same_bytes_twice_say_when_they_came_first(story: Story) -> None:
    content = story.statement(story.debit(0, 1, 2))
    story.take(content)
    again = story.take(content)
    assert again.seen is not None
    assert "a déjà été déposé" in again.sentences()[0]


def test_the_database_itself_refuses_a_second_effect_and_a_change_of_what_was_told(story: Story) -> None:
    story.take(story.statement(story.debit(0, 1, 2)))
    for statement in (
        "insert into bank_told select payment_id, direction, told_by, share_id from bank_told limit 1",
        "update bank_share set state = 'open'",
        "insert into bank_share (entry_id, amount, nature, kind, certain, reason, state)"
        " select entry_id, 1, 'unmatched', 'unknown', false, 'x', 'open' from bank_share limit 1",
        "update bank_entry set amount = 1",
        "delete from bank_statement",
    ):
        with pytest.raises((IntegrityError, ProgrammingError)), story.world.engine.begin() as conn:
            conn.execute(text(statement))


def test_no_import_is_committed_while_the_bank_account_is_not_the_statements(story: Story) -> None:
    with story.world.owner.connect() as conn:
        conn.execute(
            text("""
                insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year)
                values ('bank_charge', :charges, :bank, 100, 1, 9, 2026)
            """),
            {"charges": BANK_CHARGES, "bank": BANK},
        )
        conn.execute(
            text("""
                insert into bank_import (sha256, name, size, kind, version, message_id, created_at, imported_by)
                values (sha256('x'), 'x', 1, 'camt.053', '08', 'x', now(), 'x')
            """)
        )
        with pytest.raises(IntegrityError, match="bank account"):
            conn.commit()


def test_the_check_of_the_books_names_the_entry_that_moved_otherwise(story: Story) -> None:
    story.take(story.statement(story.debit(0, 1, 2)))
    with story.world.owner.connect() as conn:
        conn.execute(text("alter table transfer disable trigger append_only"))
        conn.execute(text("update transfer set amount = amount + 1 where kind = 'bank_debit' and amount = 7000"))
        found = [difference.subject.partition(" ")[2].split()[0] for difference in bank(conn)]
        conn.rollback()
    assert found == ["entry", "account"]


def test_an_unknown_movement_waits_in_suspense_until_it_is_explained(story: Story) -> None:
    story.take(story.statement((500_00, ""), (-4_20, "")))
    assert story.world.balance(SUSPENSE) == 500_00 - 4_20
    with story.world.engine.begin() as conn:
        for item in items.open_items(conn):
            if item.amount:
                what = Explanation.FUNDING if item.amount > 0 else Explanation.CHARGES
                decisions.explain(conn, item.number, what, reason="Dotation et frais", actor="person:1")
    assert (story.world.balance(SUSPENSE), story.world.balance(BANK_CHARGES)) == (0, -4_20)


def test_a_run_is_closed_at_zero_or_with_a_signed_explanation(story: Story) -> None:
    world = story.world
    with world.engine.begin() as conn:
        number = files.begin_transmission(conn, story.run, channel="directory", destination="/x", actor="tests")
        files.finish_transmission(conn, story.run, number, actor="tests")
    with world.engine.begin() as conn, pytest.raises(CannotSettle):
        closing.close_run(conn, story.run.id, actor="person:1")
    story.take(story.statement(story.debit(0, 1, 2), (-70_00, story.debit(1)[1])))
    assert world.run(story.run.id).state == "booked"
    with world.engine.begin() as conn:
        with pytest.raises(CannotSettle, match="Débité deux fois"):
            closing.close_run(conn, story.run.id, actor="person:1")
        decisions.sign(conn, story.number(), reason="La banque rembourse le 12", actor="person:1")
        with pytest.raises(CannotSettle, match="zéro"):
            closing.close_run(conn, story.run.id, actor="person:1")
        closing.close_run(conn, story.run.id, reason="Double débit signalé à la banque", actor="person:1")
    assert world.run(story.run.id).state == "reconciled"
    story.take(story.statement(story.back(2)))
    assert world.run(story.run.id).state == "partial", "a late return opens it again"


def test_the_watched_folder_takes_what_is_sound_and_puts_the_rest_aside(story: Story, tmp_path: Path) -> None:
    (tmp_path / "releve.xml").write_bytes(story.statement(story.debit(0, 1, 2)))
    (tmp_path / "photo.xml").write_bytes(b"JFIF")
    dropped = import_folder(story.world.engine, tmp_path, settled_for=-1)
    assert [one.report is not None for one in dropped] == [False, True]
    assert (tmp_path / TAKEN / "releve.xml").exists()
    assert "refusé" in (tmp_path / REFUSED / "photo.xml.txt").read_text(encoding="utf-8")
    assert import_folder(story.world.engine, tmp_path, settled_for=-1) == []
    assert story.world.balance(IN_TRANSIT) == 0
