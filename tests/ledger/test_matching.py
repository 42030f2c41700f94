"""What entries on the bank's statement mean for our payments: cases 19 to 26 of the payment brief, on pure values."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.bank_messages import (
    Batch,
    Charge,
    Detail,
    Direction,
    Entry,
    MessageKind,
    Reason,
    References,
    TransactionCode,
)
from ledger.expected import Expected, ExpectedPayment
from ledger.explanations import explain, learn
from ledger.return_reasons import Retry, follow_up, iso_code, words
from ledger.shares import (
    Conflict,
    ConflictKind,
    Match,
    MatchKind,
    Share,
    Unmatched,
    UnmatchedKind,
)

STATEMENT, NOTIFICATION = MessageKind.STATEMENT, MessageKind.NOTIFICATION
CREDIT, DEBIT = Direction.CREDIT, Direction.DEBIT
IBANS = ("FR7630001007941234567890185", "FR7610278021400004567890122", "DE89370400440532013000")
REJECTION = datetime(2026, 9, 14, 8, tzinfo=UTC)
RETURN_CODE = TransactionCode("PMNT", "RCDT", "RRTN")


def payment(line: int, cents: int, run: str = "AN-37", iban: str | None = None, **facts: object) -> ExpectedPayment:
    """A payment of a run, to one of three accounts in turn."""
    facts = {"not_before": date(2026, 9, 14), **facts}
    return ExpectedPayment(
        end_to_end_id=f"{run}-{line:03}",
        instruction_id=f"{run}-{line:03}",
        message_id=run,
        payment_information_id=f"{run}-1",
        cents=cents,
        iban=iban or IBANS[line % 3],
        **facts,  # type: ignore[arg-type]
    )


THREE = (payment(1, 120_00), payment(2, 70_00), payment(3, 30_50))


def entry(signed_cents: int, *details: Detail, **said: object) -> Entry:
    """A booked entry in euros."""
    return Entry(
        number=1,
        cents=abs(signed_cents),
        currency=str(said.pop("currency", "EUR")),
        direction=CREDIT if signed_cents > 0 else DEBIT,
        status=str(said.pop("status", "BOOK")),
        booking_date=date(2026, 9, 15),
        details=details,
        **said,  # type: ignore[arg-type]
    )


def detail(number: int, cents: int | None = None, direction: Direction | None = None, **said: object) -> Detail:
    """A detail whose references are given by their names."""
    names = set(References.__dataclass_fields__)
    references = {name: said.pop(name) for name in list(said) if name in names}
    return Detail(
        number=number,
        references=References(**references),  # type: ignore[arg-type]
        cents=cents,
        currency=None if cents is None else "EUR",
        direction=direction,
        **said,  # type: ignore[arg-type]
    )


def of(paid: ExpectedPayment, number: int = 1, **said: object) -> Detail:
    """The detail of a payment with its end-to-end id and amount."""
    return detail(number, paid.cents, end_to_end_id=paid.end_to_end_id, **said)


def explained(told: Entry, *payments: ExpectedPayment, told_by: MessageKind = STATEMENT) -> tuple[Share, ...]:
    """The shares of an entry, which add up to it."""
    shares = explain(told, told_by, Expected(payments))
    assert sum(share.signed_cents for share in shares) == told.signed_cents
    assert all(share.reason for share in shares)
    return shares


def ids(share: Share) -> list[str]:
    """The payments a share speaks of."""
    assert isinstance(share, Match | Conflict)
    return [paid.end_to_end_id for paid in share.payments]


def one_match(shares: tuple[Share, ...]) -> Match:
    """The only share, a match."""
    (share,) = shares
    assert isinstance(share, Match)
    return share


class TestBatchDebit:
    """Case 19: a batch debit with all, some or no details; total short by the rejects."""

    def test_19_a_batch_without_details_is_known_by_its_id_and_total(self) -> None:
        told = entry(-220_50, batches=(Batch(payment_information_id="AN-37-1", payments=3),))
        match = one_match(explained(told, *THREE))
        assert (match.kind, match.certain, ids(match)) == (
            MatchKind.DEBITED,
            True,
            ["AN-37-001", "AN-37-002", "AN-37-003"],
        )
        assert match.keys == ("PmtInfId/MsgId", "montant total")
        assert "3 virements du lot AN-37" in match.reason

    def test_19_the_message_id_serves_as_well(self) -> None:
        match = one_match(explained(entry(-220_50, batches=(Batch(message_id="AN-37"),)), *THREE))
        assert match.certain
        assert len(match.payments) == 3

    def test_19_a_batch_with_all_details_is_known_payment_by_payment(self) -> None:
        told = entry(-220_50, *(of(paid, number) for number, paid in enumerate(THREE, 1)))
        shares = explained(told, *THREE)
        assert [ids(share) for share in shares] == [["AN-37-001"], ["AN-37-002"], ["AN-37-003"]]
        assert {share.keys for share in shares if isinstance(share, Match)} == {("EndToEndId", "montant")}
        assert [share.detail for share in shares] == [1, 2, 3]

    def test_19_with_some_details_the_total_tells_the_others(self) -> None:
        told = entry(-220_50, of(THREE[1]), batches=(Batch(payment_information_id="AN-37-1"),))
        first, others = explained(told, *THREE)
        assert ids(first) == ["AN-37-002"]
        assert ids(others) == ["AN-37-001", "AN-37-003"]

    def test_19_some_details_alone_lead_to_their_batch(self) -> None:
        first, others = explained(entry(-220_50, of(THREE[1])), *THREE)
        assert ids(first) == ["AN-37-002"]
        assert ids(others) == ["AN-37-001", "AN-37-003"]

    def test_19_a_told_fee_beside_a_payment_is_not_another_payment_of_that_amount(self) -> None:
        small = payment(4, 5_00)
        told = entry(-125_00, of(THREE[0]), charges=(Charge(5_00, "EUR", DEBIT, None),))
        _, fee = explained(told, *THREE, small)
        assert isinstance(fee, Match)
        assert fee.kind is MatchKind.CHARGES

    def test_19_details_without_references_are_settled_by_the_total(self) -> None:
        told = entry(
            -220_50,
            *(
                detail(n, p.cents, end_to_end_id="NOTPROVIDED", payment_information_id="AN-37-1")
                for n, p in enumerate(THREE)
            ),
        )
        assert len(one_match(explained(told, *THREE)).payments) == 3

    def test_19_a_total_short_by_the_known_rejects_is_certain(self) -> None:
        rejected = replace(THREE[1], rejected_at=REJECTION)
        told = entry(-150_50, batches=(Batch(payment_information_id="AN-37-1"),))
        match = one_match(explained(told, THREE[0], rejected, THREE[2]))
        assert match.certain
        assert ids(match) == ["AN-37-001", "AN-37-003"]

    def test_19_a_total_short_of_one_payment_not_known_to_be_rejected_is_proposed(self) -> None:
        told = entry(-150_50, batches=(Batch(payment_information_id="AN-37-1"),))
        match = one_match(explained(told, *THREE))
        assert not match.certain
        assert ids(match) == ["AN-37-001", "AN-37-003"]
        assert match.reason.startswith("À confirmer")

    def test_19_a_total_that_nothing_explains_goes_to_suspense_with_its_figures(self) -> None:
        told = entry(-200_00, batches=(Batch(payment_information_id="AN-37-1"),))
        (share,) = explained(told, *THREE)
        assert isinstance(share, Unmatched)
        assert share.kind is UnmatchedKind.BATCH_TOTAL
        assert "220,50" in share.reason

    def test_19_a_full_debit_in_spite_of_rejects_leaves_them_in_suspense(self) -> None:
        rejected = replace(THREE[1], rejected_at=REJECTION)
        told = entry(-220_50, batches=(Batch(payment_information_id="AN-37-1"),))
        match, conflict = explained(told, THREE[0], rejected, THREE[2])
        assert ids(match) == ["AN-37-001", "AN-37-003"]
        assert isinstance(conflict, Conflict)
        assert (conflict.kind, conflict.signed_cents) == (ConflictKind.REJECTED_YET_DEBITED, -70_00)

    def test_19_the_rejects_credited_in_one_sum_close_their_conflict(self) -> None:
        rejected = [replace(paid, rejected_at=REJECTION, debited_by=STATEMENT) for paid in THREE[:2]]
        told = entry(190_00, batches=(Batch(payment_information_id="AN-37-1"),))
        (conflict,) = explained(told, *rejected, replace(THREE[2], debited_by=STATEMENT))
        assert isinstance(conflict, Conflict)
        assert (conflict.kind, conflict.signed_cents) == (ConflictKind.REJECTED_AND_CREDITED, 190_00)

    def test_19_a_batch_debited_in_two_entries_is_two_matches(self) -> None:
        expected = Expected(THREE)
        first = explain(
            entry(-120_00, of(THREE[0]), batches=(Batch(payment_information_id="AN-37-1"),)), STATEMENT, expected
        )
        learn(first, STATEMENT, expected)
        second = explain(entry(-100_50, batches=(Batch(payment_information_id="AN-37-1"),)), STATEMENT, expected)
        assert ids(first[0]) == ["AN-37-001"]
        assert ids(second[0]) == ["AN-37-002", "AN-37-003"]

    def test_19_a_total_without_any_id_is_only_proposed(self) -> None:
        match = one_match(explained(entry(-220_50), *THREE, payment(1, 99_00, run="AN-38")))
        assert not match.certain
        assert match.keys == ("montant total",)

    def test_19_a_total_without_any_id_follows_what_is_open_of_the_run(self) -> None:
        expected = Expected(THREE)

        def proposed(cents: int) -> list[str]:
            (share,) = explain(entry(-cents), STATEMENT, expected)
            return ids(share) if isinstance(share, Match) else []

        assert len(proposed(220_50)) == 3
        expected.moved(THREE[0], DEBIT, NOTIFICATION, frozenset())
        assert len(proposed(220_50)) == 3, "a notification moves nothing"
        expected.moved(THREE[0], DEBIT, STATEMENT, frozenset())
        assert (proposed(220_50), proposed(100_50)) == ([], ["AN-37-002", "AN-37-003"])
        expected.moved(THREE[1], CREDIT, STATEMENT, frozenset())
        assert len(proposed(100_50)) == 2, "what came back is still to be debited"
        expected.refused(THREE[1], REJECTION)
        assert (proposed(100_50), proposed(30_50)) == ([], ["AN-37-003"])

    def test_19_a_total_that_two_runs_have_is_not_even_proposed(self) -> None:
        (share,) = explained(entry(-99_00), payment(1, 99_00), payment(1, 99_00, run="AN-38"))
        assert isinstance(share, Unmatched)

    def test_19_a_batch_debited_twice_is_a_conflict(self) -> None:
        debited = [replace(paid, debited_by=STATEMENT) for paid in THREE]
        (share,) = explained(entry(-220_50, batches=(Batch(payment_information_id="AN-37-1"),)), *debited)
        assert isinstance(share, Conflict)
        assert share.kind is ConflictKind.DEBITED_TWICE


class TestReturn:
    """Cases 20, 21, 23 and 24: money that comes back."""

    @pytest.mark.parametrize("indicator", [True, False, None])
    def test_20_a_return_is_a_credit_whatever_the_reversal_indicator_says(self, indicator: bool | None) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        match = one_match(explained(entry(120_00, of(booked), reversal=indicator), booked))
        assert (match.kind, match.certain, match.signed_cents) == (MatchKind.RETURNED, True, 120_00)

    def test_20_a_debit_marked_as_reversal_takes_a_return_back(self) -> None:
        returned = replace(THREE[0], debited_by=STATEMENT, returned_by=STATEMENT)
        (share,) = explained(entry(-120_00, of(returned), reversal=True), returned)
        assert isinstance(share, Conflict)
        assert (share.kind, share.signed_cents) == (ConflictKind.RETURN_TAKEN_BACK, -120_00)

    def test_21_the_iso_code_counts_and_not_the_banks_own(self) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        reason = Reason(code="AC01", proprietary="914", texts=("compte inexistant",))
        match = one_match(explained(entry(120_00, of(booked, return_reason=reason)), booked))
        assert iso_code(match.reasons) == "AC01"
        assert "IBAN incorrect (AC01) : « compte inexistant »" in match.reason

    def test_21_an_iso_code_inside_the_banks_text_is_found(self) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        told = entry(120_00, of(booked), information="/TRTP/SEPA/RTRN/MS03/EREF/AN-37-001")
        assert iso_code(one_match(explained(told, booked)).reasons) == "MS03"

    def test_23_a_return_less_told_charges_is_certain(self) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        fee = Charge(5_00, "EUR", DEBIT, True)
        told = entry(115_00, detail(1, 115_00, end_to_end_id=booked.end_to_end_id, charges=(fee,)))
        match = one_match(explained(told, booked))
        assert (match.certain, match.signed_cents, match.charges_cents) == (True, 115_00, 5_00)

    def test_23_a_return_less_charges_is_certain_by_the_amount_that_was_ordered(self) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        told = entry(115_00, detail(1, 115_00, end_to_end_id=booked.end_to_end_id, instructed_cents=120_00))
        assert one_match(explained(told, booked)).certain

    def test_23_a_return_short_without_a_word_is_proposed(self) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        match = one_match(explained(entry(115_00, detail(1, 115_00, end_to_end_id=booked.end_to_end_id)), booked))
        assert not match.certain
        assert match.charges_cents == 5_00

    def test_23_a_return_of_more_than_was_paid_is_a_conflict(self) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        (share,) = explained(entry(125_00, detail(1, 125_00, end_to_end_id=booked.end_to_end_id)), booked)
        assert isinstance(share, Conflict)
        assert share.kind is ConflictKind.AMOUNT_DIFFERS

    def test_23_charges_on_the_entry_stand_beside_the_full_return(self) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        returned, fee = explained(entry(115_00, of(booked), charges=(Charge(5_00, "EUR", DEBIT, None),)), booked)
        assert (returned.signed_cents, fee.signed_cents) == (120_00, -5_00)
        assert isinstance(fee, Match)
        assert fee.kind is MatchKind.CHARGES

    def test_23_batched_returns_are_told_apart(self) -> None:
        booked = [replace(paid, debited_by=STATEMENT) for paid in THREE]
        told = entry(190_00, of(booked[0], 1), of(booked[1], 2), transaction_code=RETURN_CODE)
        assert [ids(share) for share in explained(told, *booked)] == [["AN-37-001"], ["AN-37-002"]]

    def test_23_a_return_weeks_late_is_known_among_later_runs(self) -> None:
        old = replace(payment(1, 70_00, run="AN-30"), debited_by=STATEMENT)
        later = [replace(payment(1, 70_00, run=f"AN-{week}"), debited_by=STATEMENT) for week in range(31, 37)]
        assert ids(one_match(explained(entry(70_00, of(old)), old, *later))) == ["AN-30-001"]

    def test_23_a_return_before_the_debit_is_taken_and_says_so(self) -> None:
        expected = Expected(THREE[:1])
        returned = explain(entry(120_00, of(THREE[0])), STATEMENT, expected)
        learn(returned, STATEMENT, expected)
        match = one_match(returned)
        assert match.certain
        assert match.debit_awaited
        debit = one_match(explain(entry(-120_00, of(THREE[0])), STATEMENT, expected))
        assert (debit.kind, debit.certain, debit.told_before) == (MatchKind.DEBITED, True, False)

    @pytest.mark.parametrize("order", [(STATEMENT, NOTIFICATION), (NOTIFICATION, STATEMENT)])
    def test_23_a_return_told_by_053_and_054_counts_once(self, order: tuple[MessageKind, MessageKind]) -> None:
        expected = Expected([replace(THREE[0], debited_by=STATEMENT)])
        told = entry(120_00, of(THREE[0]))
        first, second = order
        once = explain(told, first, expected)
        learn(once, first, expected)
        again = one_match(explain(told, second, expected))
        assert not one_match(once).told_before
        assert again.told_before

    def test_23_two_returns_on_two_statements_are_a_conflict(self) -> None:
        returned = replace(THREE[0], debited_by=STATEMENT, returned_by=STATEMENT)
        (share,) = explained(entry(120_00, of(returned)), returned)
        assert isinstance(share, Conflict)
        assert share.kind is ConflictKind.RETURNED_TWICE

    def test_23_two_details_of_one_entry_for_one_payment_are_a_conflict(self) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        _, second = explained(entry(240_00, of(booked, 1), of(booked, 2)), booked)
        assert isinstance(second, Conflict)
        assert second.kind is ConflictKind.RETURNED_TWICE

    def test_23_a_credit_after_a_double_debit_is_its_correction_until_that_is_made_good(self) -> None:
        expected = Expected([replace(THREE[0], debited_by=STATEMENT)])
        learn(explain(entry(-120_00, of(THREE[0])), STATEMENT, expected), STATEMENT, expected)
        credit = entry(120_00, of(THREE[0], return_reason=Reason(code="AC04")))
        (share,) = explain(credit, STATEMENT, expected)
        assert isinstance(share, Conflict)
        assert (share.kind, share.signed_cents) == (ConflictKind.DOUBLE_CREDITED, 120_00)
        expected.debited_twice(THREE[0], still=False)
        assert one_match(explain(credit, STATEMENT, expected)).kind is MatchKind.RETURNED

    def test_24_the_return_of_a_reissued_payment_told_again_changes_nothing(self) -> None:
        first = replace(THREE[0], debited_by=STATEMENT, returned_by=NOTIFICATION, replaced_by="AN-38-001R")
        reissue = payment(1, 120_00, run="AN-38")
        match = one_match(explained(entry(120_00, of(first)), first, reissue))
        assert match.told_before
        assert ids(match) == ["AN-37-001"]

    def test_24_a_second_return_of_a_reissued_payment_names_the_reissue(self) -> None:
        first = replace(THREE[0], debited_by=STATEMENT, returned_by=STATEMENT, replaced_by="AN-38-001R")
        (share,) = explained(entry(120_00, of(first)), first)
        assert isinstance(share, Conflict)
        assert "AN-38-001R" in share.reason

    def test_24_a_rejected_payment_debited_after_its_reissue_names_the_reissue(self) -> None:
        first = replace(THREE[0], rejected_at=REJECTION, replaced_by="AN-38-001R")
        (share,) = explained(entry(-120_00, of(first)), first)
        assert isinstance(share, Conflict)
        assert share.kind is ConflictKind.REJECTED_YET_DEBITED
        assert "AN-38-001R" in share.reason


class TestWeakKeys:
    """Case 22: NOTPROVIDED ids, only UETR or MsgId, and what is left after that."""

    UETR = "255ae394-9965-4438-ac86-f406feada396"

    def test_22_the_uetr_alone_is_enough_in_any_case_of_letters(self) -> None:
        told = entry(-120_00, detail(1, 120_00, end_to_end_id="NOTPROVIDED", uetr=self.UETR.upper()))
        match = one_match(explained(told, replace(THREE[0], uetr=self.UETR), *THREE[1:]))
        assert match.certain
        assert match.keys == ("UETR", "montant")

    def test_22_the_banks_own_reference_leads_a_return_back_to_its_debit(self) -> None:
        expected = Expected(THREE)
        debit = explain(entry(-120_00, of(THREE[0], transaction_id="BK-77")), STATEMENT, expected)
        learn(debit, STATEMENT, expected)
        told = entry(120_00, detail(1, 120_00, end_to_end_id="NOTPROVIDED", transaction_id="BK-77"))
        match = one_match(explain(told, STATEMENT, expected))
        assert (ids(match), match.keys) == (["AN-37-001"], ("TxId", "montant"))

    def test_22_a_reference_that_several_payments_share_leads_nowhere(self) -> None:
        shared = [replace(paid, debited_by=STATEMENT, bank_references=frozenset({"BATCH-1"})) for paid in THREE]
        (share,) = explained(entry(120_00, detail(1, 120_00, account_servicer_ref="BATCH-1")), *shared)
        assert isinstance(share, Unmatched)

    def test_22_the_message_id_with_account_and_amount_is_certain(self) -> None:
        told = entry(-120_00, detail(1, 120_00, message_id="AN-37", creditor_account=THREE[0].iban))
        match = one_match(explained(told, *THREE))
        assert match.certain
        assert match.keys == ("MsgId", "IBAN", "montant")

    def test_22_the_message_id_with_an_amount_is_proposed(self) -> None:
        booked = [replace(paid, debited_by=STATEMENT) for paid in THREE]
        match = one_match(explained(entry(120_00, detail(1, 120_00, message_id="AN-37")), *booked))
        assert not match.certain
        assert ids(match) == ["AN-37-001"]

    def test_22_account_and_amount_of_one_open_payment_are_certain_for_a_debit(self) -> None:
        told = entry(-120_00, detail(1, 120_00, end_to_end_id="NOTPROVIDED", creditor_account=THREE[0].iban))
        match = one_match(explained(told, *THREE))
        assert match.certain
        assert match.keys == ("IBAN", "montant")

    def test_22_account_and_amount_of_two_runs_are_proposed_oldest_first(self) -> None:
        old, new = payment(1, 120_00), payment(1, 120_00, run="AN-38")
        match = one_match(explained(entry(-120_00, detail(1, creditor_account=old.iban)), old, new))
        assert not match.certain
        assert ids(match) == ["AN-37-001"]

    def test_22_a_debit_before_the_execution_date_is_not_that_payment(self) -> None:
        later = payment(1, 120_00, not_before=date(2026, 9, 21))
        (share,) = explained(entry(-120_00, detail(1, creditor_account=later.iban)), later)
        assert isinstance(share, Unmatched)

    def test_22_a_credit_from_a_partners_account_is_a_return_only_when_the_bank_says_so(self) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        told = entry(120_00, detail(1, debtor_account=booked.iban))
        assert not one_match(explained(told, booked)).certain
        assert one_match(explained(replace(told, transaction_code=RETURN_CODE), booked)).certain

    def test_22_our_id_in_a_free_text_is_proposed(self) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        match = one_match(explained(entry(120_00, information="RETOUR VIREMENT AN-37-001 CPTE CLOS"), booked))
        assert not match.certain
        assert ids(match) == ["AN-37-001"]

    def test_22_our_id_with_another_amount_in_a_free_text_proves_nothing(self) -> None:
        (share,) = explained(entry(119_00, information="RETOUR VIREMENT AN-37-001"), THREE[0])
        assert isinstance(share, Unmatched)

    def test_a_debit_of_another_amount_under_our_id_is_a_conflict(self) -> None:
        (share,) = explained(entry(-119_00, detail(1, 119_00, end_to_end_id="AN-37-001")), *THREE)
        assert isinstance(share, Conflict)
        assert share.kind is ConflictKind.AMOUNT_DIFFERS

    def test_a_movement_of_nobody_says_what_the_bank_said_of_it(self) -> None:
        (share,) = explained(
            entry(-12_00, detail(1, 12_00, end_to_end_id="PRLV-EDF", creditor_account="FR76EDF")), *THREE
        )
        assert isinstance(share, Unmatched)
        assert "PRLV-EDF" in share.reason
        assert "FR76EDF" in share.reason

    def test_a_fee_that_quotes_a_payment_is_a_fee_all_the_same(self) -> None:
        told = entry(
            -2_50, detail(1, 2_50, end_to_end_id="AN-37-001"), transaction_code=TransactionCode("PMNT", "ICDT", "CHRG")
        )
        match = one_match(explained(told, *THREE))
        assert (match.kind, match.certain, match.payments) == (MatchKind.CHARGES, True, ())

    def test_the_banks_own_reference_with_another_amount_proves_nothing(self) -> None:
        known = replace(THREE[0], debited_by=STATEMENT, bank_references=frozenset({"BK-77"}))
        (share,) = explained(entry(-2_50, detail(1, 2_50, account_servicer_ref="BK-77")), known)
        assert isinstance(share, Unmatched)

    def test_a_rejected_payment_that_alone_fits_a_debit_without_ids_is_in_conflict(self) -> None:
        rejected = replace(THREE[0], rejected_at=REJECTION)
        (share,) = explained(entry(-120_00, detail(1, creditor_account=rejected.iban)), rejected)
        assert isinstance(share, Conflict)
        assert (share.kind, share.keys) == (ConflictKind.REJECTED_YET_DEBITED, ("IBAN", "montant"))
        expected = Expected([rejected])
        learn([share], STATEMENT, expected)
        assert expected.payment(rejected.end_to_end_id) == rejected, "an amount proves nothing that could be learned"

    def test_of_several_rejected_payments_an_amount_tells_none_and_a_text_may(self) -> None:
        rejected = [replace(payment(1, 120_00, run=run), rejected_at=REJECTION) for run in ("AN-36", "AN-37")]
        told = entry(-120_00, detail(1, creditor_account=rejected[0].iban))
        (share,) = explained(told, *rejected)
        assert isinstance(share, Unmatched)
        (share,) = explained(replace(told, information="VIREMENT AN-37-001"), *rejected)
        assert ids(share) == ["AN-37-001"]

    def test_a_debit_days_after_a_rejection_is_that_of_the_payment_which_was_not_rejected(self) -> None:
        rejected, other = replace(payment(1, 120_00), rejected_at=REJECTION), payment(1, 120_00, run="AN-36")
        match = one_match(explained(entry(-120_00, detail(1, creditor_account=other.iban)), rejected, other))
        assert (match.certain, ids(match)) == (True, ["AN-36-001"])

    def test_a_debit_that_may_be_that_of_a_payment_rejected_since_is_only_proposed(self) -> None:
        rejected = replace(payment(1, 120_00), rejected_at=REJECTION + timedelta(days=2))
        other = payment(1, 120_00, run="AN-38")
        told = entry(-120_00, detail(1, creditor_account=other.iban))
        match = one_match(explained(told, rejected, other))
        assert (match.kind, match.certain, ids(match)) == (MatchKind.DEBITED, False, ["AN-38-001"])
        match = one_match(explained(told, replace(rejected, returned_by=STATEMENT), other))
        assert (match.kind, match.certain, ids(match)) == (MatchKind.OFFSET, False, ["AN-37-001"])
        assert "rejeté et recrédité" in match.reason
        match = one_match(explained(told, replace(rejected, debited_by=STATEMENT), other))
        assert (match.kind, match.certain, ids(match)) == (MatchKind.DEBITED, True, ["AN-38-001"])

    def test_what_was_notified_is_likely_and_not_certain_while_another_payment_fits(self) -> None:
        notified, other = payment(1, 120_00, debited_by=NOTIFICATION), payment(1, 120_00, run="AN-36")
        match = one_match(explained(entry(-120_00, detail(1, creditor_account=other.iban)), other, notified))
        assert (match.certain, ids(match)) == (False, ["AN-37-001"])

    def test_a_credit_without_ids_owes_nothing_again_where_it_may_be_that_of_a_rejected_payment(self) -> None:
        rejected = payment(1, 120_00, rejected_at=REJECTION, debited_by=STATEMENT)
        other = payment(1, 120_00, run="AN-36", debited_by=STATEMENT)
        told = entry(120_00, detail(1, debtor_account=other.iban), transaction_code=RETURN_CODE)
        assert not one_match(explained(told, rejected, other)).certain

    def test_our_own_account_in_a_detail_speaks_against_nobody(self) -> None:
        booked = replace(THREE[0], debited_by=STATEMENT)
        told = entry(120_00, detail(1, 120_00, message_id="AN-37", debtor_account="FR-OURS"))
        match = one_match(explain(told, STATEMENT, Expected([booked, *THREE[1:]], own_accounts=["FR-OURS"])))
        assert ids(match) == ["AN-37-001"]

    def test_a_fee_of_the_bank_is_known_by_its_transaction_code(self) -> None:
        match = one_match(explained(entry(-2_50, transaction_code=TransactionCode("PMNT", "MDOP", "CHRG")), *THREE))
        assert (match.kind, match.certain) == (MatchKind.CHARGES, True)


class TestAside:
    """Cases 25 and 26: what has no effect, and details against their entry."""

    @pytest.mark.parametrize("status", ["PDNG", "INFO", "FUTR", "own:BOOK"])
    def test_25_an_announced_entry_has_no_effect(self, status: str) -> None:
        (share,) = explained(entry(-120_00, of(THREE[0]), status=status), *THREE)
        assert isinstance(share, Unmatched)
        assert share.kind is UnmatchedKind.PENDING

    def test_25_another_currency_is_never_a_payment_of_ours(self) -> None:
        (share,) = explained(entry(-120_00, of(THREE[0]), currency="CHF"), *THREE)
        assert isinstance(share, Unmatched)
        assert share.kind is UnmatchedKind.OTHER_CURRENCY

    def test_an_entry_of_nothing_has_no_share(self) -> None:
        assert explained(entry(0), *THREE) == ()

    def test_26_a_return_netted_in_a_batch_debit_keeps_its_own_direction(self) -> None:
        old = replace(payment(1, 20_00, run="AN-36"), debited_by=STATEMENT)
        told = entry(-100_00, of(THREE[0], 1, direction=DEBIT), of(old, 2, direction=CREDIT))
        debit, credit = explained(told, *THREE, old)
        assert (debit.signed_cents, ids(debit)) == (-120_00, ["AN-37-001"])
        assert (credit.signed_cents, ids(credit)) == (20_00, ["AN-36-001"])

    def test_26_a_lone_detail_told_from_the_other_side_follows_its_entry(self) -> None:
        match = one_match(explained(entry(-120_00, of(THREE[0], direction=CREDIT)), *THREE))
        assert (match.kind, match.signed_cents) == (MatchKind.DEBITED, -120_00)

    def test_26_details_that_do_not_add_up_leave_a_named_rest(self) -> None:
        matched, rest = explained(entry(-130_00, of(THREE[0]), detail(2, 5_00)), *THREE)[::2]
        assert (matched.signed_cents, rest.signed_cents) == (-120_00, -5_00)
        assert isinstance(rest, Unmatched)
        assert rest.kind is UnmatchedKind.BATCH_TOTAL

    def test_26_details_of_nobody_that_do_not_add_up_leave_a_named_rest(self) -> None:
        _, rest = explained(entry(-13_00, detail(1, 12_00, creditor_account="FR76EDF"), detail(2)), *THREE)
        assert isinstance(rest, Unmatched)
        assert (rest.kind, rest.signed_cents) == (UnmatchedKind.REMAINDER, -1_00)


class TestFollowUp:
    """What is to be done about each reason."""

    def test_rr04_is_never_sent_again(self) -> None:
        assert follow_up([Reason(code="RR04")], returned=True).retry is Retry.NEVER

    @pytest.mark.parametrize("code", ["AC01", "AC04", "AC06", "MD07", "RC01"])
    def test_a_wrong_account_waits_for_a_new_one(self, code: str) -> None:
        what = follow_up([Reason(code=code)], returned=False)
        assert (what.retry, what.blocks_iban) == (Retry.AFTER_NEW_IBAN, True)

    def test_a_return_blocks_the_account_whatever_its_reason(self) -> None:
        assert not follow_up([Reason(code="TM01")], returned=False).blocks_iban
        assert follow_up([Reason(code="TM01")], returned=True).blocks_iban
        assert follow_up([], returned=True).blocks_iban

    def test_18_a_narrative_alone_is_read_by_a_person(self) -> None:
        reasons = [Reason(code="NARR", texts=("Format de compte invalide",))]
        assert follow_up(reasons, returned=False).retry is Retry.AFTER_CHECK
        assert words(reasons) == "motif donné en texte libre (NARR) : « Format de compte invalide »"

    def test_18_an_unknown_code_is_named_and_read_by_a_person(self) -> None:
        what = follow_up([Reason(code="ZZ99")], returned=False)
        assert (what.retry, what.label) == (Retry.AFTER_CHECK, "motif ZZ99 inconnu")

    def test_21_a_proprietary_code_before_the_iso_one_is_passed_over(self) -> None:
        assert iso_code([Reason(proprietary="914"), Reason(code="NARR"), Reason(code="AC04")]) == "AC04"
        assert iso_code([Reason(proprietary="914")]) is None


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[ExpectedPayment], Entry, MessageKind]:
    """Any payments with any past, and an entry that speaks of some of them more or less well."""
    payments = []
    for run in ("AN-36", "AN-37"):
        for line in range(draw(st.integers(0, 4))):
            payments.append(
                payment(
                    line,
                    draw(st.integers(1, 5)) * 10_00,
                    run=run,
                    rejected_at=draw(st.sampled_from([None, None, REJECTION])),
                    debited_by=draw(st.sampled_from([None, STATEMENT, NOTIFICATION])),
                    returned_by=draw(st.sampled_from([None, None, STATEMENT, NOTIFICATION])),
                )
            )
    ends = [paid.end_to_end_id for paid in payments] + ["NOTPROVIDED", None]
    details = [
        detail(
            number,
            draw(st.sampled_from([None, 10_00, 20_00, 30_00])),
            draw(st.sampled_from([None, CREDIT, DEBIT])),
            end_to_end_id=draw(st.sampled_from(ends)),
            message_id=draw(st.sampled_from([None, None, "AN-37"])),
            creditor_account=draw(st.sampled_from([None, *IBANS])),
        )
        for number in range(1, draw(st.integers(0, 4)) + 1)
    ]
    told = entry(
        draw(st.integers(-12, 12)) * 10_00,
        *details,
        batches=draw(st.sampled_from([(), (Batch(payment_information_id="AN-37-1"),), (Batch(message_id="AN-36"),)])),
        charges=draw(st.sampled_from([(), (Charge(10_00, "EUR", DEBIT, None),)])),
    )
    return payments, told, draw(st.sampled_from([STATEMENT, NOTIFICATION]))


@given(stories())
def test_every_cent_of_an_entry_has_a_name(story: tuple[list[ExpectedPayment], Entry, MessageKind]) -> None:
    payments, told, told_by = story
    for share in explained(told, *payments, told_by=told_by):
        assert share.signed_cents != 0


@given(stories())
def test_what_is_certain_happens_to_a_payment_once(story: tuple[list[ExpectedPayment], Entry, MessageKind]) -> None:
    payments, told, told_by = story
    happened = [
        (share.kind, paid.end_to_end_id)
        for share in explained(told, *payments, told_by=told_by)
        if isinstance(share, Match) and share.certain and share.kind is not MatchKind.CHARGES and not share.told_before
        for paid in share.payments
    ]
    assert len(happened) == len(set(happened))


@given(stories())
def test_a_certain_match_is_worth_its_payments(story: tuple[list[ExpectedPayment], Entry, MessageKind]) -> None:
    payments, told, told_by = story
    for share in explained(told, *payments, told_by=told_by):
        if isinstance(share, Match) and share.certain and share.payments:
            assert sum(paid.cents for paid in share.payments) == abs(share.signed_cents) + share.charges_cents
            assert not any(paid.rejected for paid in share.payments)


@given(stories())
def test_an_entry_told_again_by_the_other_message_changes_nothing(
    story: tuple[list[ExpectedPayment], Entry, MessageKind],
) -> None:
    payments, told, told_by = story
    expected = Expected(payments)
    first = explain(told, told_by, expected)
    learn(first, told_by, expected)
    matched = {p.end_to_end_id for s in first if isinstance(s, Match) and s.certain for p in s.payments}
    other = NOTIFICATION if told_by is STATEMENT else STATEMENT
    again = [share for share in explain(told, other, expected) if isinstance(share, Match) and share.certain]
    fresh = {p.end_to_end_id for share in again if not share.told_before for p in share.payments}
    assert not fresh & matched
