"""What guards each table that money, or the right to be paid, rests on, as this release's migrations leave it."""

from dataclasses import dataclass

EVERY_COLUMN = ("*",)
"""Of a table that is a record of the present, and no history."""


@dataclass(frozen=True, slots=True)
class Guards:
    """The guards of one table, by name. The application may change the columns of `may_update` and delete no row."""

    triggers: tuple[str, ...]
    unique: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    may_update: tuple[str, ...] = ()


TABLES: dict[str, Guards] = {
    "account": Guards(
        triggers=("account_is_guarded", "account_never_goes"),
        unique=("account_of_partner", "account_pkey", "wallet_of_student"),
        checks=("wallet_never_below_zero",),
    ),
    "transfer": Guards(
        triggers=("append_only", "transfer_moves_money"),
        unique=("business_key_posts_once", "reversed_at_most_once", "transfer_pkey"),
        checks=("amount_is_positive",),
    ),
    "seal": Guards(
        triggers=("append_only", "seal_continues_the_chain"),
        unique=("seal_hash_key", "seal_pkey", "seal_ranges_follow"),
        checks=("hashes_are_sha256", "range_is_not_empty"),
    ),
    "partner": Guards(
        triggers=("partner_contact_is_noted", "partner_opens_account"),
        unique=("partner_pkey", "partner_siret_key", "partner_uai_key"),
        checks=("partner_sale_limit_check", "partner_siret_check", "partner_uai_check"),
        may_update=EVERY_COLUMN,
    ),
    "partner_bank_account": Guards(
        triggers=("bank_account_is_guarded", "bank_accounts_stay"),
        unique=("one_current_bank_account", "one_pending_bank_account", "partner_bank_account_pkey"),
        checks=("accepted_by_somebody", "partner_bank_account_iban_check", "two_people_change_an_iban"),
        may_update=("accepted_at", "accepted_by", "usable_from", "ended_at"),
    ),
    "audit_event": Guards(triggers=("append_only",), unique=("audit_event_pkey",)),
    "sale": Guards(
        triggers=("append_only",), unique=("one_sale_per_key", "sale_pkey"), checks=("refused_means_nothing_moved",)
    ),
    "sale_line": Guards(triggers=("append_only",), unique=("sale_line_pkey",)),
    "hold": Guards(
        triggers=("append_only", "hold_reserves"),
        unique=("hold_pkey",),
        checks=("closed_with_an_outcome", "hold_amount_check", "hold_outcome_check"),
        may_update=("closed_at", "outcome"),
    ),
    "hold_closing": Guards(
        triggers=("append_only",),
        unique=("hold_closing_pkey", "one_closing_per_key"),
        checks=("hold_closing_amount_check", "hold_closing_outcome_check"),
    ),
    "cancellation": Guards(
        triggers=("append_only",),
        unique=("cancellation_pkey", "one_cancellation_per_key"),
        checks=("cancellation_refunded_check",),
    ),
    "cancellation_line": Guards(
        triggers=("append_only",), unique=("cancellation_line_pkey",), checks=("cancellation_line_amount_check",)
    ),
    "group_purchase": Guards(
        triggers=("append_only",),
        unique=("group_purchase_pkey",),
        checks=("every_line_has_a_price", "students_are_counted"),
    ),
    "partner_contact": Guards(triggers=("append_only",), unique=("partner_contact_pkey",)),
    "bank_account_call": Guards(
        triggers=("append_only", "bank_account_call_is_to_a_known_number"),
        unique=("bank_account_call_pkey",),
        checks=("bank_account_call_spoke_with_check",),
    ),
    "bank_account_check": Guards(
        triggers=("append_only",), unique=("bank_account_check_pkey",), checks=("bank_account_check_result_check",)
    ),
    "bank_account_block": Guards(
        triggers=("append_only",),
        unique=("bank_account_block_pkey", "one_open_block"),
        checks=("bank_account_block_reason_check", "lifted_by_somebody"),
        may_update=("lifted_by", "lifted_at"),
    ),
    "payout_run": Guards(
        triggers=("append_only", "payout_run_moves_by_steps"),
        unique=("one_live_run_per_week", "payout_run_pkey", "payout_run_reference_key"),
        checks=(
            "frozen_with_a_hash",
            "only_what_is_past",
            "owed_is_accounted_for",
            "payout_run_advance_ceiling_check",
            "payout_run_content_hash_check",
        ),
        may_update=("payments", "amount", "carried", "held", "owed", "flags", "content_hash"),
    ),
    "payout_payment": Guards(
        triggers=("append_only", "payout_content_is_frozen", "payout_payment_moves"),
        unique=(
            "one_payment_per_line",
            "one_payment_per_partner_and_run",
            "payout_payment_end_to_end_id_key",
            "payout_payment_pkey",
        ),
        checks=(
            "issued_with_an_id",
            "payout_payment_amount_check",
            "payout_payment_line_check",
            "payout_payment_siren_check",
            "payout_payment_transfers_check",
            "state_is_known",
        ),
        may_update=("state", "end_to_end_id", "state_reason", "state_at"),
    ),
    "payout_held": Guards(
        triggers=("append_only", "payout_content_is_frozen"),
        unique=("payout_held_pkey",),
        checks=("payout_held_reason_check",),
    ),
    "payout_line": Guards(
        triggers=("append_only", "payout_line_ends", "payout_lines_claim_transfers", "payout_lines_thaw"),
        unique=("transfer_in_one_live_line",),
    ),
    "payout_horizon": Guards(
        triggers=("append_only", "payout_horizon_is_proved"), unique=("payout_horizon_pkey",), may_update=("through",)
    ),
    "payout_approval": Guards(
        triggers=("append_only", "payout_approval_is_independent"), unique=("payout_approval_pkey",)
    ),
    "payout_file": Guards(
        triggers=("append_only", "payout_file_is_next"),
        unique=(
            "payout_file_message_id_key",
            "payout_file_message_number_key",
            "payout_file_name_key",
            "payout_file_pkey",
        ),
        checks=("payout_file_sha256_check", "payout_file_size_check"),
    ),
    "payout_file_part": Guards(
        triggers=("append_only", "payout_file_is_whole"),
        unique=("payout_file_part_pkey",),
        checks=("payout_file_part_part_check",),
    ),
    "payout_transmission": Guards(
        triggers=("append_only", "payout_transmission_is_of_the_file"),
        unique=("payout_transmission_pkey",),
        checks=("payout_transmission_channel_check",),
        may_update=("finished_at",),
    ),
    "payout_step": Guards(triggers=("append_only", "payout_step_moves_run"), unique=("payout_step_pkey",)),
    "bank_import": Guards(
        triggers=("append_only", "bank_follows_its_statements"),
        unique=("bank_import_pkey", "bank_import_sha256_key"),
        checks=("bank_import_kind_check", "bank_import_sha256_check", "bank_import_size_check"),
    ),
    "bank_statement": Guards(
        triggers=("append_only", "bank_follows_its_statements", "bank_state_moves_forward"),
        unique=("bank_statement_pkey", "statement_taken_once"),
        checks=(
            "balances_prove_it",
            "bank_statement_kind_check",
            "bank_statement_state_check",
            "dismissed_by_somebody",
        ),
        may_update=("state", "decided_by", "decided_at", "decision"),
    ),
    "bank_release": Guards(
        triggers=("append_only",),
        unique=("each_step_is_signed_once", "two_people_sign"),
        checks=("bank_release_reason_check", "bank_release_step_check"),
    ),
    "bank_adjustment": Guards(
        triggers=("append_only",),
        unique=("bank_adjustment_pkey",),
        checks=("bank_adjustment_amount_check", "bank_adjustment_kind_check"),
    ),
    "bank_entry": Guards(
        triggers=("append_only",), unique=("bank_entry_pkey", "entry_of_a_statement", "movement_moves_once")
    ),
    "bank_detail": Guards(triggers=("append_only",), unique=("bank_detail_pkey",)),
    "bank_share": Guards(
        triggers=("append_only", "bank_shares_add_up", "bank_shares_still_add_up", "bank_state_moves_forward"),
        unique=("bank_share_pkey",),
        checks=(
            "bank_share_amount_check",
            "bank_share_nature_check",
            "decided_by_somebody",
            "people_say_why",
            "state_is_known",
        ),
        may_update=("state", "decided_by", "decided_at", "decision"),
    ),
    "bank_share_payment": Guards(triggers=("append_only",), unique=("bank_share_payment_pkey",)),
    "bank_told": Guards(
        triggers=("append_only",),
        unique=("a_payment_moves_once",),
        checks=("bank_told_direction_check", "bank_told_told_by_check"),
    ),
    "bank_report": Guards(triggers=("append_only",), unique=("bank_report_pkey",)),
    "bank_rejection": Guards(triggers=("append_only",), unique=("bank_rejection_pkey",)),
    "bank_status_conflict": Guards(
        triggers=("append_only", "bank_conflict_settles_once"),
        unique=("bank_status_conflict_pkey",),
        checks=("settled_by_somebody",),
        may_update=("settled_by", "settled_at", "decision"),
    ),
    "bank_closing": Guards(
        triggers=("append_only",), unique=("bank_closing_pkey",), checks=("a_difference_is_explained",)
    ),
}

APPEND_ONLY = tuple(table for table, its in TABLES.items() if not its.may_update)
"""The tables of which the application may change nothing."""
