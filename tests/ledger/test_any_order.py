"""Whatever order a bank's files come in, and however often, they tell the same story of each payment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from ledger.bank_messages import (
    Batch,
    Detail,
    Direction,
    Entry,
    InstructionStatus,
    MessageKind,
    Reason,
    References,
    StatusReport,
    TransactionStatus,
)
from ledger.expected import Expected, ExpectedPayment, worth
from ledger.explanations import explain, learn
from ledger.payment_statuses import StatusConflict, decide, learn_statuses
from ledger.shares import Match

REPORTED = datetime(2026, 9, 14, 8, tzinfo=UTC)
MessageOf = Callable[[Expected], bool]


@dataclass(frozen=True)
class Bank:
    """What a bank did with one run: what it rejected, and what came back later."""

    payments: tuple[ExpectedPayment, ...]
    rejected: frozenset[int]
    returned: frozenset[int]
    details: bool

    def pick(self, lines: frozenset[int]) -> list[ExpectedPayment]:
        """The payments on these lines."""
        return [self.payments[line] for line in sorted(lines)]

    @property
    def executed(self) -> list[ExpectedPayment]:
        """What it debited."""
        return self.pick(frozenset(range(len(self.payments))) - self.rejected)

    def debit(self) -> Entry:
        """One batch, told by its total or payment by payment."""
        details = tuple(self._detail(n, paid) for n, paid in enumerate(self.executed, 1)) if self.details else ()
        batch = Batch(payment_information_id="AN-37-1")
        return self._entry(Direction.DEBIT, worth(self.executed), details=details, batches=(batch,))

    def returns(self) -> list[Entry]:
        """One credit for each payment that came back."""
        return [self._entry(Direction.CREDIT, p.cents, details=(self._detail(1, p),)) for p in self.pick(self.returned)]

    def _detail(self, number: int, paid: ExpectedPayment) -> Detail:
        references = References(end_to_end_id=paid.end_to_end_id, payment_information_id="AN-37-1")
        return Detail(number=number, references=references, cents=paid.cents, currency="EUR")

    def _entry(self, direction: Direction, cents: int, **said: object) -> Entry:
        return Entry(
            number=1,
            cents=cents,
            currency="EUR",
            direction=direction,
            status="BOOK",
            booking_date=date(2026, 9, 15),
            **said,  # type: ignore[arg-type]
        )

    def messages(self) -> list[MessageOf]:
        """All it sends: a report if it rejects, and every movement on a statement and in a notification."""
        told: list[MessageOf] = [self._report] if self.rejected else []
        for entry in (*([self.debit()] if self.executed else []), *self.returns()):
            told += [self._telling(entry, MessageKind.STATEMENT), self._telling(entry, MessageKind.NOTIFICATION)]
        return told

    def _report(self, expected: Expected) -> bool:
        report = StatusReport(original_message_id="AN-37", original_message_name="pain.001.001.09", status="PART")
        transactions = tuple(
            TransactionStatus(end_to_end_id=paid.end_to_end_id, status="RJCT", reasons=(Reason("AC04"),))
            for paid in self.pick(self.rejected)
        )
        instruction = InstructionStatus(payment_information_id="AN-37-1", status="PART", transactions=transactions)
        decisions = list(decide(report, [instruction], REPORTED, expected))
        assert not any(isinstance(decision, StatusConflict) for decision in decisions)
        learn_statuses(decisions, REPORTED, expected)
        return True

    @staticmethod
    def _telling(entry: Entry, told_by: MessageKind) -> MessageOf:
        def tell(expected: Expected) -> bool:
            """Whether the entry is explained for certain, as open items are tried again after each file."""
            shares = explain(entry, told_by, expected)
            certain = all(isinstance(share, Match) and share.certain for share in shares)
            if certain:
                learn(shares, told_by, expected)
            return certain

        return tell


@st.composite
def banks(draw: st.DrawFn) -> Bank:
    """A run of one to five payments of few different amounts, and what became of them."""
    amounts = draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    lines = st.frozensets(st.integers(0, len(amounts) - 1))
    rejected = draw(lines)
    return Bank(
        payments=tuple(
            ExpectedPayment(
                end_to_end_id=f"AN-37-{line}",
                instruction_id=f"AN-37-{line}",
                message_id="AN-37",
                payment_information_id="AN-37-1",
                cents=amount * 10_00,
                iban=f"FR76{line}",
            )
            for line, amount in enumerate(amounts)
        ),
        rejected=rejected,
        returned=draw(lines) - rejected,
        details=draw(st.booleans()),
    )


@given(banks(), st.data())
def test_the_end_does_not_depend_on_the_order_of_the_messages(bank: Bank, data: st.DataObject) -> None:
    expected = Expected(bank.payments)
    waiting: list[MessageOf] = []
    for message in data.draw(st.permutations(bank.messages())):
        if message(expected):
            # What waited may be clear now.
            waiting = [told for told in waiting if not told(expected)]
        else:
            waiting.append(message)
    assert waiting == []
    known = expected.run("AN-37")
    assert {line for line, paid in enumerate(known) if paid.rejected} == bank.rejected
    assert {line for line, paid in enumerate(known) if paid.returned_by} == bank.returned
    assert {paid.end_to_end_id for paid in known if paid.debited_by} == {paid.end_to_end_id for paid in bank.executed}
    assert {paid.debited_by for paid in known} <= {None, MessageKind.STATEMENT}
