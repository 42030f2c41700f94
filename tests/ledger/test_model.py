"""Whatever happens in whatever order, the books agree with a small ledger in Python, step after step.

`MODEL_STORIES=300 pytest tests/ledger/test_model.py` plays more of them.
"""

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import URL, Connection, text

from ledger import accounts, benefits, cancellations, cards, holds, lapses, partners, seals, students
from ledger.books_check import check
from ledger.calendar import school_year_at
from ledger.payouts import approval, files, outcomes, proof, runs
from ledger.payouts.freeze import freeze
from ledger.sales import AnsweredSale, KeyReused
from tests.conftest import Database
from tests.ledger import reference
from tests.ledger.reference import Answer, Asked, Card, Good, Partner, Reference, Student
from tests.ledger.scheme import ACTOR, BOOK, HELMET, KEYS, OTHER_BOOK, Line, Till, make_partner, make_scheme
from tests.payout_world import TERMS, World

NOT_SOLD = 9_789_999_999_990
ROSTER = (
    Line("123456789AB"),
    Line("123456789CD", stream="vocational", first_entry=True),
    Line("123456789EF", stream="technological"),
)
GRANTS = {(0, "books"): 7000, (1, "books"): 4000, (1, "equipment"): 10000, (2, "books"): 7000}
GOODS = {BOOK: Good("books", 3000), OTHER_BOOK: Good("books", 2500), HELMET: Good("equipment", 6000)}

prices = st.integers(1, 3100) | st.sampled_from([1, 2500, 3000, 6000])
lines = st.lists(st.tuples(st.sampled_from([BOOK, BOOK, OTHER_BOOK, HELMET, NOT_SOLD]), prices), min_size=1, max_size=3)
# A card by its place in the list of all that were ever issued; beyond the end lies a code that tells no card.
groups = st.lists(st.tuples(st.integers(0, 6), lines), min_size=1, max_size=3)
which = st.integers(0, 20)
tills = st.integers(0, 1)

T = TypeVar("T")


@dataclass
class Request:
    """Something asked under a key: asked again it gives `answer`, and another request under the key is a conflict."""

    ask: Callable[[Connection, bool], Any]
    answer: Any


@dataclass
class Sold:
    """An accepted sale, in the books and in the reference."""

    sale_id: int
    till: Till
    sale: reference.Sale


class Books(RuleBasedStateMachine):
    """The books beside the reference. Each step is one transaction or several, committed."""

    def __init__(self, server: URL, template: str) -> None:
        super().__init__()
        self.database = Database.make(server, template)
        self.world = World(self.database.engine, self.database.owner_engine)
        self.begin = self.database.engine.begin
        with self.begin() as conn:
            self.year = school_year_at(conn.execute(text("select now()")).scalar_one())
            scheme = make_scheme(conn, *ROSTER)
            other = make_partner(conn, siret="21500129800003", uai="0500016W", name="Lycée Grignard")
        self.tills = [scheme.till, other]
        self.student_ids = scheme.student_ids
        self.cards = list(scheme.cards)
        self.requests: list[Request] = []
        self.sold: list[Sold] = []
        self.frozen: list[runs.Run] = []
        self.sent: list[runs.Payment] = []
        self.expected = Reference(
            partners={number: Partner({"books", "equipment"}, GOODS) for number in range(2)},
            students={number: Student() for number in range(len(ROSTER))},
            cards={card: Card(number) for number, card in enumerate(scheme.cards)},
        )
        for (student, benefit), amount in GRANTS.items():
            self.expected.grant(student, benefit, amount)

    def teardown(self) -> None:
        """When the story is over the books are proved, and their history sealed and verified."""
        self.seal()
        with self.begin() as conn:
            assert list(check(conn)) == []
            assert proof.unbalanced(conn) == []
            assert proof.hidden(conn) == []
            assert seals.verify(conn) == seals.Verification(*self.history(conn), (), 0)
        self.database.drop()

    def history(self, conn: Connection) -> tuple[int, int]:
        seals_made, transfers = conn.execute(
            text("select (select count(*) from seal), (select count(*) from transfer)")
        ).one()
        return seals_made, transfers

    @invariant()
    def the_books_agree_with_the_reference(self) -> None:
        with self.begin() as conn:
            kept = conn.execute(text("select id, owner_id, balance, held from account where id < 2000000000000"))
            wallets = {row.id: (row.balance, row.held) for row in kept}
            named = conn.execute(
                text("select a.id, owner_id, code from account a join benefit b on b.id = a.benefit_id")
            )
            by_name = {(self.student_ids.index(row.owner_id), row.code): wallets[row.id] for row in named}
            totals = conn.execute(text("select account_id, sum(amount)::bigint as total from entry group by 1"))
            summed = {row.account_id: row.total for row in totals}
        expected = self.expected
        assert by_name == {name: (wallet.balance, wallet.held) for name, wallet in expected.wallets.items()}
        assert {account: balance for account, (balance, _) in wallets.items()} == {
            account: balance for account, balance in summed.items() if account < accounts.PARTNERS.start
        }
        assert [summed.get(till.account, 0) for till in self.tills] == [
            expected.partners[number].owed for number in range(2)
        ]
        regions_own = {accounts.FUNDING: -expected.granted, accounts.LAPSED: expected.lapsed}
        regions_own[accounts.IN_TRANSIT] = expected.in_transit
        assert {account: summed.get(account, 0) for account in regions_own} == regions_own

    # -- what a till asks ----------------------------------------------------------------------------------------

    @rule(till=tills, group=groups, together=st.booleans(), reserve=st.sampled_from([None, None, 0, 1]))
    def sell(
        self, till: int, group: list[tuple[int, list[tuple[int, int]]]], together: bool, reserve: int | None
    ) -> None:
        """One sale or several, at once or as a reservation: of an hour, or of no time at all."""
        asked: list[Asked] = []
        for place, wanted in group:
            card = self.cards[place] if place < len(self.cards) else None
            if card is None or all(card != other for other, _ in asked):
                asked.append((card, wanted))
        key = uuid4()
        with self.begin() as conn:
            until = None
            if reserve is not None:
                until = conn.execute(text("select now()")).scalar_one() + timedelta(hours=reserve)
            options = {"all_or_nothing": together, "held_until": until}
            answers = self.tills[till].sell(conn, *asked, key=key, **options)  # type: ignore[arg-type]
        expected, made = self.expected.sell(
            till, asked, all_or_nothing=together, hold=reserve is not None, time_is_up=reserve == 0
        )
        assert [told(answer) for answer in answers] == expected
        assert not any(answer.replayed for answer in answers)
        self.sold += [
            Sold(answer.sale_id, self.tills[till], sale)
            for answer, sale in zip(answers, made, strict=True)
            if sale is not None
        ]

        def ask(conn: Connection, differently: bool) -> list[AnsweredSale]:
            changed = {"all_or_nothing": together is not differently}
            return self.tills[till].sell(conn, *asked, key=key, **(options | changed))  # type: ignore[arg-type]

        self.requests.append(Request(ask, [replace(answer, replayed=True) for answer in answers]))

    @precondition(lambda self: self.sold)
    @rule(n=which, numbers=st.none() | st.lists(st.integers(1, 4), min_size=1, max_size=3))
    def cancel(self, n: int, numbers: list[int] | None) -> None:
        """Give a sale back, whole or in part, whoever was paid for it meanwhile."""
        sold = pick(self.sold, n)
        key = uuid4()

        def ask(conn: Connection, differently: bool) -> cancellations.Cancellation:
            return cancellations.cancel(
                conn,
                sold.sale_id,
                partner_id=sold.till.partner_id,
                origin=f"terminal:{sold.till.terminal_id}",
                key=key,
                request_hash=digest("another" if differently else "the same"),
                lines=numbers,
            )

        if sold.sale.hold not in (None, "captured"):
            with pytest.raises(cancellations.UnknownSale), self.begin() as conn:
                ask(conn, False)
            return
        there = {number for number, line in enumerate(sold.sale.lines, start=1) if not line.cancelled}
        wanted = sorted(there) if numbers is None else sorted(set(numbers))
        if not wanted or not there.issuperset(wanted):
            with pytest.raises(cancellations.NothingToCancel) as refused, self.begin() as conn:
                ask(conn, False)
            assert refused.value.lines == tuple(number for number in wanted if number not in there)
            return
        with self.begin() as conn:
            answer = ask(conn, False)
        assert (answer.refunded, answer.lapsed) == self.expected.cancel(sold.sale, wanted)
        wallets = [sold.sale.lines[number - 1].wallet for number in wanted]
        assert [line.balance_after for line in answer.lines] == [wallet.available for wallet in wallets]
        self.requests.append(Request(ask, replace(answer, replayed=True)))

    @precondition(lambda self: any(sold.sale.hold for sold in self.sold))
    @rule(n=which, wanted=st.sampled_from(["captured", "voided"]))
    def close_hold(self, n: int, wanted: str) -> None:
        """Take a reservation up, or give it up; in time, too late, or a second time."""
        sold = pick([sold for sold in self.sold if sold.sale.hold], n)
        close = holds.capture if wanted == "captured" else holds.void
        key = uuid4()

        def ask(conn: Connection, differently: bool) -> holds.ClosedHold:
            return close(
                conn,
                sold.sale_id,
                partner_id=sold.till.partner_id,
                origin=f"terminal:{sold.till.terminal_id}",
                key=key,
                request_hash=digest("another" if differently else "the same"),
            )

        before = "expired" if sold.sale.hold == "open" and sold.sale.time_is_up else sold.sale.hold
        if before not in ("open", wanted):
            with pytest.raises(holds.HoldIsClosed) as refused, self.begin() as conn:
                ask(conn, False)
            assert refused.value.outcome == before
            return
        with self.begin() as conn:
            answer = ask(conn, False)
        amount = sum(line.price for line in sold.sale.lines)
        assert (answer.outcome, answer.amount, answer.again) == (wanted, amount, before == wanted)
        if before == "open":
            self.expected.close(sold.sale, wanted)
            self.requests.append(Request(ask, replace(answer, again=True)))

    @precondition(lambda self: self.requests)
    @rule(n=which)
    def ask_again(self, n: int) -> None:
        """The answer was lost: the same request gives the first answer, whatever has happened since."""
        request = pick(self.requests, n)
        with self.begin() as conn:
            assert request.ask(conn, False) == request.answer

    @precondition(lambda self: self.requests)
    @rule(n=which)
    def reuse_a_key(self, n: int) -> None:
        """A key that was used for another request is a conflict, and changes nothing."""
        with pytest.raises(KeyReused), self.begin() as conn:
            pick(self.requests, n).ask(conn, True)

    # -- what happens by itself, and what the Region does ----------------------------------------------------------

    @rule()
    def expire_holds(self) -> None:
        with self.begin() as conn:
            closed = holds.expire(conn)
        due = [sold.sale for sold in self.sold if sold.sale.hold == "open" and sold.sale.time_is_up]
        for sale in due:
            self.expected.close(sale, "expired")
        assert closed == sum(len(sale.lines) for sale in due)

    @rule(benefit=st.sampled_from(["books", "equipment"]), passes=st.booleans())
    def move_the_deadline(self, benefit: str, passes: bool) -> None:
        """A deadline passes, or the Region gives a later one."""
        with self.database.owner_engine.begin() as conn:
            conn.execute(
                text("""
                    update benefit set usable_until = case when :passes then now() else replaced_at end where code = :b
                """),
                {"passes": passes, "b": benefit},
            )
        (self.expected.too_late.add if passes else self.expected.too_late.discard)(benefit)

    @rule()
    def lapse(self) -> None:
        with self.begin() as conn:
            lapsed = lapses.lapse_batch(conn)
        assert lapsed.amount == self.expected.lapse()

    @rule()
    def grant_again(self) -> None:
        """A second grant run, or one of two at once, grants nothing."""
        with self.begin() as conn:
            assert [granted.opened for granted in benefits.grant(conn, self.year, actor=ACTOR)] == [0, 0]

    @rule(till=tills)
    def suspend_or_reinstate(self, till: int) -> None:
        partner = self.expected.partners[till]
        partner.suspended = not partner.suspended
        with self.begin() as conn:
            if partner.suspended:
                partners.suspend(conn, self.tills[till].partner_id, reason="contrôle", actor=ACTOR)
            else:
                partners.reinstate(conn, self.tills[till].partner_id, actor=ACTOR)

    @rule(till=tills, accepts=st.sets(st.sampled_from(["books", "equipment"])), limit=st.sampled_from([2000, 50_000]))
    def change_the_terms(self, till: int, accepts: set[str], limit: int) -> None:
        """What a partner may charge to, and up to how much."""
        with self.database.owner_engine.begin() as conn:
            conn.execute(
                text("update partner set accepts = :accepts, sale_limit = :limit where id = :id"),
                {"accepts": sorted(accepts), "limit": limit, "id": self.tills[till].partner_id},
            )
        self.expected.partners[till].accepts, self.expected.partners[till].sale_limit = accepts, limit

    @rule(student=st.integers(0, 2))
    def replace_the_card(self, student: int) -> None:
        if not self.expected.students[student].enrolled or len(self.cards) > 6:
            return
        with self.begin() as conn:
            card = cards.reissue(conn, KEYS, self.student_ids[student], reason="perdue", actor=ACTOR)
        for old in self.expected.cards.values():
            old.revoked = old.revoked or old.student == student
        self.expected.cards[card.card_id] = Card(student)
        self.cards.append(card.card_id)

    @precondition(lambda self: len(self.sold) > 3)
    @rule()
    def withdraw_the_last_student(self) -> None:
        with self.begin() as conn:
            students.withdraw(conn, self.student_ids[2], self.year, actor=ACTOR)
        self.expected.withdraw(2)

    # -- payouts -------------------------------------------------------------------------------------------------

    @rule()
    def freeze(self) -> None:
        """Freeze all that is owed and in no run yet."""
        with self.begin() as conn:
            cutoff = conn.execute(text("select now()")).scalar_one()
            number = freeze(conn, cutoff=cutoff, terms=TERMS, actor="job:payouts", weekly=False, patience=5)
            run = runs.get(conn, number)
        with self.begin() as conn:
            paid = {payment.frozen.partner_id: payment.frozen.amount for payment in runs.payments(conn, number)}
        expected = {
            self.tills[number].partner_id: partner.open
            for number, partner in self.expected.partners.items()
            if partner.open >= TERMS.minimum and not partner.suspended
        }
        assert paid == expected
        for number, till in enumerate(self.tills):
            self.expected.partners[number].open -= paid.get(till.partner_id, 0)
        if paid:
            self.frozen.append(run)

    @precondition(lambda self: self.frozen)
    @rule()
    def refuse_the_run(self) -> None:
        """One person refuses it: everything is free again."""
        run = self.frozen.pop()
        with self.begin() as conn:
            for payment in runs.payments(conn, run.id):
                self.partner(payment).open += payment.frozen.amount
            approval.refuse(conn, run.id, actor="person:1", reason="à revoir")

    @precondition(
        lambda self: self.frozen and not any(partner.suspended for partner in self.expected.partners.values())
    )
    @rule()
    def pay_the_run(self) -> None:
        """Two people approve it, and its file is made: the amounts leave the partners' accounts."""
        run = self.world.approve(self.frozen.pop())
        with self.begin() as conn:
            run = files.lock_for_file(conn, run.id)
            number = files.next_number(conn, run)
            message = f"ATOUTS-{number.number:06d}"
            files.issue(conn, run, message)
            files.store(
                conn,
                run,
                number,
                message_id=message,
                execution_date=date(2026, 9, 8),
                name=f"{message}.xml",
                content=io.BytesIO(message.encode()),
                actor="person:1",
            )
            payments = list(runs.payments(conn, run.id))
        for payment in payments:
            self.partner(payment).owed -= payment.frozen.amount
            self.expected.in_transit += payment.frozen.amount
        self.sent += payments

    @precondition(lambda self: self.sent)
    @rule(n=which)
    def send_a_payment_back(self, n: int) -> None:
        """The bank rejects a payment: it is owed again, once, however often the bank says so."""
        payment = pick(self.sent, n)
        for _ in range(2):
            with self.begin() as conn:
                outcomes.send_back(conn, payment.id, "rejected", reason="AC04", block=False, actor="job:bank")
        self.sent.remove(payment)
        self.expected.in_transit -= payment.frozen.amount
        self.partner(payment).owed += payment.frozen.amount
        self.partner(payment).open += payment.frozen.amount

    def partner(self, payment: runs.Payment) -> Partner:
        """The payee, in the reference."""
        (number,) = (n for n, till in enumerate(self.tills) if till.partner_id == payment.frozen.partner_id)
        return self.expected.partners[number]

    @rule()
    def seal(self) -> None:
        with self.begin() as conn:
            seals.seal(conn)


def pick(things: Sequence[T], n: int) -> T:
    return things[n % len(things)]


def digest(content: str) -> bytes:
    return hashlib.sha256(content.encode()).digest()


def told(answer: AnsweredSale) -> Answer:
    """An answer in the reference's words."""
    return Answer(
        answer.refusal,
        answer.amount,
        tuple(line.balance_after for line in answer.lines),
        tuple(line.refusal for line in answer.lines),
    )


def test_the_books_agree_with_a_ledger_in_python(server_url: URL, template_database: str) -> None:
    stories = int(os.environ.get("MODEL_STORIES", "12"))
    run_state_machine_as_test(
        lambda: Books(server_url, template_database),
        settings=settings(max_examples=stories, stateful_step_count=40, deadline=None),
    )
