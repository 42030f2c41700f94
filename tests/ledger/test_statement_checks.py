"""What is found about statements before any entry is looked at: case 25 of the payment brief."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ledger.bank_messages import (
    AnnouncedTotals,
    Balance,
    Direction,
    Entry,
    FileDescription,
    MessageKind,
    Statement,
    Tally,
)
from ledger.statement_checks import (
    Consequence,
    Finding,
    MovementNames,
    Remark,
    check_chain,
    check_file,
    check_movements,
    check_repeat,
    check_statement,
    closing_balance,
    opening_balance,
    recorded,
)

OURS = "FR7610071140000000100000176"


def balance(code: str, cents: int, day: int = 14, subtype: str | None = None, currency: str = "EUR") -> Balance:
    """A balance of September 2026."""
    return Balance(code=code, subtype=subtype, signed_cents=cents, currency=currency, on=date(2026, 9, day))


STATEMENT = Statement(
    kind=MessageKind.STATEMENT,
    number=1,
    statement_id="R-257",
    account=OURS,
    currency="EUR",
    sequence=257,
    balances=(balance("OPBD", 1_000_00, 13), balance("CLBD", 940_00)),
    announced=AnnouncedTotals(entries=3, sum_cents=80_00, credit_entries=1, credit_cents=10_00, debit_entries=2),
    all_entries=Tally(1, 10_00, 2, 70_00),
    booked_entries=Tally(1, 10_00, 2, 70_00),
    currencies=frozenset({"EUR"}),
    fingerprint="f",
)


def findings(remarks: list[Remark]) -> list[Finding]:
    """Their names."""
    return [remark.finding for remark in remarks]


def test_a_statement_that_adds_up_has_nothing_against_it() -> None:
    assert check_statement(STATEMENT, [OURS]) == []


def test_25_a_statement_that_does_not_balance_is_quarantined_with_its_figures() -> None:
    (remark,) = check_statement(
        replace(STATEMENT, balances=(balance("OPBD", 1_000_00), balance("CLBD", 950_00))), [OURS]
    )
    assert (remark.finding, remark.consequence) == (Finding.UNBALANCED, Consequence.QUARANTINE)
    assert "écart de 10,00" in remark.sentence


def test_25_a_statement_without_a_balance_proves_nothing() -> None:
    assert findings(check_statement(replace(STATEMENT, balances=()), [OURS])) == [Finding.BALANCE_MISSING]
    assert findings(check_statement(replace(STATEMENT, balances=STATEMENT.balances[:1]), [OURS])) == [
        Finding.BALANCE_MISSING
    ]


def test_25_a_notification_has_no_balance_to_prove() -> None:
    assert check_statement(replace(STATEMENT, kind=MessageKind.NOTIFICATION, balances=()), [OURS]) == []


def test_25_another_account_is_quarantined() -> None:
    assert findings(check_statement(replace(STATEMENT, account="DE89370400440532013000"), [OURS])) == [
        Finding.OTHER_ACCOUNT
    ]


def test_25_our_account_by_its_national_number_is_ours() -> None:
    assert check_statement(replace(STATEMENT, account=OURS[4:]), [OURS]) == []


@pytest.mark.parametrize(
    "statement",
    [
        replace(STATEMENT, currency="CHF"),
        replace(STATEMENT, currencies=frozenset({"EUR", "USD"})),
        replace(STATEMENT, balances=(balance("OPBD", 1_000_00), balance("CLBD", 940_00, currency="SEK"))),
    ],
)
def test_25_another_currency_is_quarantined(statement: Statement) -> None:
    assert findings(check_statement(statement, [OURS])) == [Finding.OTHER_CURRENCY]


def test_25_pending_entries_are_noted_and_stay_out_of_the_balance() -> None:
    (remark,) = check_statement(
        replace(STATEMENT, announced=AnnouncedTotals(), all_entries=Tally(2, 60_00, 2, 70_00)), [OURS]
    )
    assert (remark.finding, remark.consequence) == (Finding.PENDING_ENTRIES, Consequence.NOTE)
    assert remark.sentence.startswith("1 écriture seulement annoncée :")


def test_25_totals_that_the_entries_do_not_have_are_named() -> None:
    (remark,) = check_statement(replace(STATEMENT, announced=AnnouncedTotals(entries=4, debit_cents=70_00)), [OURS])
    assert remark.finding is Finding.TOTALS_DIFFER
    assert "nombre d'écritures" in remark.sentence


def test_25_a_net_sum_is_a_sum_too() -> None:
    assert check_statement(replace(STATEMENT, announced=AnnouncedTotals(sum_cents=60_00)), [OURS]) == []


def test_25_the_same_file_twice_is_skipped_and_says_so() -> None:
    description = FileDescription(
        sha256="0", size=1, kind=MessageKind.STATEMENT, version="08", message_id="M-1", created_at=datetime.now(UTC)
    )
    assert check_file(description, None) is None
    remark = check_file(description, datetime(2026, 9, 14, 6, 5, tzinfo=UTC))
    assert remark is not None
    assert remark.consequence is Consequence.SKIP
    assert "14/09/2026 à 08:05" in remark.sentence


def test_25_the_same_statement_in_another_file_is_skipped() -> None:
    remark = check_repeat(STATEMENT, recorded(STATEMENT))
    assert remark is not None
    assert remark.consequence is Consequence.SKIP


def test_25_a_statement_that_changed_under_its_id_is_quarantined() -> None:
    remark = check_repeat(STATEMENT, replace(recorded(STATEMENT), fingerprint="other"))
    assert remark is not None
    assert (remark.finding, remark.consequence) == (Finding.STATEMENT_CHANGED, Consequence.QUARANTINE)
    assert check_repeat(STATEMENT, None) is None


def test_25_a_gap_between_two_balances_is_noted_on_either_side() -> None:
    before = replace(recorded(STATEMENT), statement_id="R-255", closing_cents=900_00)
    after = replace(recorded(STATEMENT), statement_id="R-259", opening_cents=930_00)
    remarks = check_chain(STATEMENT, before, after)
    assert findings(remarks) == [Finding.GAP, Finding.GAP]
    assert "R-255" in remarks[0].sentence
    assert "R-259" in remarks[1].sentence
    assert {remark.consequence for remark in remarks} == {Consequence.NOTE}


def test_25_neighbours_that_join_have_no_gap() -> None:
    before = replace(recorded(STATEMENT), sequence=256, closing_cents=1_000_00)
    after = replace(recorded(STATEMENT), opening_cents=940_00)
    assert check_chain(STATEMENT, before, after) == []
    assert check_chain(STATEMENT, None, None) == []


@pytest.mark.parametrize(("sequence", "noted"), [(256, False), (255, True), (None, False)])
def test_25_a_missing_number_is_noted_though_the_balances_join(sequence: int | None, noted: bool) -> None:
    before = replace(recorded(STATEMENT), sequence=sequence, closing_cents=1_000_00)
    assert findings(check_chain(STATEMENT, before, None)) == [Finding.SEQUENCE_GAP] * noted


def test_numbers_may_start_again_at_one() -> None:
    before = replace(recorded(STATEMENT), sequence=365, closing_cents=1_000_00)
    assert check_chain(replace(STATEMENT, sequence=1), before, None) == []


def test_the_previous_closing_serves_as_opening() -> None:
    statement = replace(STATEMENT, balances=(balance("PRCD", 5), balance("CLBD", 6), balance("CLAV", 7)))
    assert opening_balance(statement) == balance("PRCD", 5)
    assert closing_balance(statement) == balance("CLBD", 6)


def test_a_page_opens_and_closes_by_interim_balances() -> None:
    first = replace(STATEMENT, balances=(balance("OPBD", 1), balance("ITBD", 2)))
    middle = replace(STATEMENT, balances=(balance("ITBD", 2), balance("ITBD", 3)))
    last = replace(STATEMENT, balances=(balance("ITBD", 3, subtype="OIBD"), balance("CLBD", 4)))
    pages = [(opening_balance(page), closing_balance(page)) for page in (first, middle, last)]
    assert [(o.signed_cents, c.signed_cents) for o, c in pages if o and c] == [(1, 2), (2, 3), (3, 4)]


def test_a_statement_of_several_days_spans_from_its_first_balance_to_its_last() -> None:
    statement = replace(
        STATEMENT,
        balances=(balance("OPBD", 2, 14), balance("OPBD", 1, 13), balance("CLBD", 2, 13), balance("CLBD", 3, 14)),
    )
    opening, closing = opening_balance(statement), closing_balance(statement)
    assert opening is not None
    assert closing is not None
    assert (opening.signed_cents, closing.signed_cents) == (1, 3)


class TestMovementNames:
    """One name for one movement, whichever message tells it."""

    ENTRY = Entry(
        number=1,
        cents=4_50,
        currency="EUR",
        direction=Direction.DEBIT,
        status="BOOK",
        booking_date=date(2026, 4, 7),
        account_servicer_ref="REF-1",
    )

    def test_statement_and_notification_give_a_movement_the_same_name(self) -> None:
        in_notification = replace(self.ENTRY, number=7, value_date=date(2026, 4, 8), reference="N-7")
        assert MovementNames(OURS).name(self.ENTRY) == MovementNames(OURS).name(in_notification)

    def test_two_equal_movements_of_one_day_have_two_names(self) -> None:
        names = MovementNames(OURS)
        bare = replace(self.ENTRY, account_servicer_ref=None)
        assert names.name(bare) != names.name(bare)

    def test_25_a_movement_on_two_statements_quarantines_the_second(self) -> None:
        bare = replace(self.ENTRY, account_servicer_ref=None)
        names = {MovementNames(OURS).name(entry) for entry in (self.ENTRY, bare)}
        remark = check_movements([(self.ENTRY, MovementNames(OURS).name(self.ENTRY))], names)
        assert remark is not None
        assert (remark.finding, remark.consequence) == (Finding.MOVEMENTS_SEEN, Consequence.QUARANTINE)
        assert "REF-1" in remark.sentence
        assert check_movements([(bare, MovementNames(OURS).name(bare))], names) is None

    @pytest.mark.parametrize(
        "other",
        [
            replace(ENTRY, cents=4_51),
            replace(ENTRY, direction=Direction.CREDIT),
            replace(ENTRY, booking_date=date(2026, 4, 8)),
            replace(ENTRY, account_servicer_ref="REF-2"),
            replace(ENTRY, currency="CHF"),
        ],
    )
    def test_another_movement_has_another_name(self, other: Entry) -> None:
        assert MovementNames(OURS).name(self.ENTRY) != MovementNames(OURS).name(other)
