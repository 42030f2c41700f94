"""The bank account: each entry of a statement moved it once and whole, and it stands where the last statement does."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from ledger.books_check.differences import Difference, Promise

_ENTRIES = text("""
    with told as (
        select e.id, e.amount from bank_entry e
         where e.told_by = 'camt.053' and exists (select from bank_share s where s.entry_id = e.id)
    ), moved as (
        select s.entry_id as id, sum(case t.debit_account when 3000000000004 then t.amount else -t.amount end) as amount
          from transfer t join bank_share s on s.id = t.document
         where t.kind in ('bank_debit', 'bank_return', 'bank_charge', 'bank_funding', 'suspense_in')
         group by s.entry_id
    )
    select id, told.amount, moved.amount as moved from told full join moved using (id)
     where told.amount is distinct from moved.amount
     order by id
""")
_BALANCE = text("""
    select bank_book_balance() as books, (select coalesce(sum(closing), 0)::bigint from bank_position) as statements
""")


def bank(conn: Connection) -> Iterator[Difference]:
    """Name each entry whose transfers are not its amount, and the account if it is not what the statements say."""
    for row in conn.execute(_ENTRIES):
        yield Difference(Promise.BANK_AGREES, f"bank entry {row.id}", _cents(row.amount), _cents(row.moved))
    balance = conn.execute(_BALANCE).one()
    if balance.books != balance.statements:
        expected = f"{balance.statements} cents on the last statements"
        yield Difference(Promise.BANK_AGREES, "bank account", expected, f"{balance.books} cents in the books")


def _cents(amount: int | None) -> str:
    return "no transfer" if amount is None else f"{amount} cents"
