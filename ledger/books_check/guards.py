"""The guards: the triggers, indexes, constraints and rights by which the database keeps the promises all stand."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from ledger.books_check.differences import Difference, Promise

TRIGGERS = {
    ("transfer", "transfer_moves_money"),
    ("transfer", "append_only"),
    ("account", "account_is_guarded"),
    ("account", "account_never_goes"),
    ("seal", "append_only"),
    ("seal", "seal_continues_the_chain"),
    ("sale", "append_only"),
    ("sale_line", "append_only"),
    ("hold", "hold_reserves"),
    ("hold", "append_only"),
    ("hold_closing", "append_only"),
    ("cancellation", "append_only"),
    ("cancellation_line", "append_only"),
    ("group_purchase", "append_only"),
    ("payout_line", "append_only"),
    ("payout_line", "payout_lines_thaw"),
    ("payout_payment", "append_only"),
    ("payout_payment", "payout_payment_moves"),
    ("payout_run", "append_only"),
    ("audit_event", "append_only"),
    ("bank_import", "append_only"),
    ("bank_import", "bank_follows_its_statements"),
    ("bank_statement", "bank_state_moves_forward"),
    ("bank_entry", "append_only"),
    ("bank_share", "append_only"),
    ("bank_share", "bank_shares_add_up"),
    ("bank_share", "bank_shares_still_add_up"),
    ("bank_share", "bank_state_moves_forward"),
    ("bank_told", "append_only"),
}
UNIQUE_INDEXES = {
    "transfer_pkey",
    "business_key_posts_once",
    "reversed_at_most_once",
    "account_pkey",
    "wallet_of_student",
    "account_of_partner",
    "seal_pkey",
    "seal_ranges_follow",
    "one_sale_per_key",
    "one_closing_per_key",
    "one_cancellation_per_key",
    "transfer_in_one_live_line",
    "statement_taken_once",
    "movement_moves_once",
    "a_payment_moves_once",
}
CHECKS = {
    ("account", "wallet_never_below_zero"),
    ("transfer", "amount_is_positive"),
    ("sale", "refused_means_nothing_moved"),
    ("seal", "range_is_not_empty"),
    ("seal", "hashes_are_sha256"),
}
APPEND_ONLY = (
    "transfer",
    "account",
    "seal",
    "sale",
    "sale_line",
    "hold_closing",
    "cancellation",
    "cancellation_line",
    "group_purchase",
    "audit_event",
)


def guards(conn: Connection) -> Iterator[Difference]:
    """Name each guard of the books that is missing, switched off or not valid, and each right too many."""
    standing = conn.execute(
        text("""
            select c.relname::text, t.tgname::text from pg_trigger t join pg_class c on c.oid = t.tgrelid
             where c.relnamespace = 'atouts'::regnamespace and t.tgenabled in ('O', 'A')
        """)
    )
    for table, name in sorted(TRIGGERS - set(map(tuple, standing))):
        yield _missing(f"trigger {name} on {table}")
    unique = conn.scalars(
        text("""
            select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid
             where c.relnamespace = 'atouts'::regnamespace and i.indisunique and i.indisvalid and i.indisready
        """)
    )
    for name in sorted(UNIQUE_INDEXES.difference(unique)):
        yield _missing(f"unique index {name}")
    checks = conn.execute(
        text("""
            select c.relname::text, k.conname::text from pg_constraint k join pg_class c on c.oid = k.conrelid
             where k.connamespace = 'atouts'::regnamespace and k.contype = 'c' and k.convalidated
        """)
    )
    for table, name in sorted(CHECKS - set(map(tuple, checks))):
        yield _missing(f"constraint {name} on {table}")
    rights = conn.execute(
        text("""
            select t.name, r.name as right
              from unnest(cast(:tables as text[])) as t(name), unnest(array['UPDATE', 'DELETE', 'TRUNCATE']) as r(name)
             where case r.name when 'UPDATE' then has_any_column_privilege('atouts_app', 'atouts.' || t.name, r.name)
                               else has_table_privilege('atouts_app', 'atouts.' || t.name, r.name) end
             order by 1, 2
        """),
        {"tables": list(APPEND_ONLY)},
    )
    for row in rights:
        yield Difference(Promise.GUARD_STANDS, f"table {row.name}", "append-only for atouts_app", f"may {row.right}")


def _missing(guard: str) -> Difference:
    return Difference(Promise.GUARD_STANDS, guard, "in force", "missing or switched off")
