"""The guards: the triggers, indexes, constraints and rights by which the database keeps the promises all stand."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from ledger.books_check.differences import Difference, Promise
from ledger.books_check.guard_list import TABLES


def guards(conn: Connection) -> Iterator[Difference]:
    """Name each guard of the books that is missing, switched off or not valid, and each right too many."""
    standing = conn.execute(
        text("""
            select c.relname::text, t.tgname::text from pg_trigger t join pg_class c on c.oid = t.tgrelid
             where c.relnamespace = 'atouts'::regnamespace and t.tgenabled in ('O', 'A')
        """)
    )
    triggers = {(table, name) for table, its in TABLES.items() for name in its.triggers}
    for table, name in sorted(triggers - set(map(tuple, standing))):
        yield _missing(f"trigger {name} on {table}")
    unique = conn.scalars(
        text("""
            select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid
             where c.relnamespace = 'atouts'::regnamespace and i.indisunique and i.indisvalid and i.indisready
        """)
    )
    for name in sorted({name for its in TABLES.values() for name in its.unique}.difference(unique)):
        yield _missing(f"unique index {name}")
    checks = conn.execute(
        text("""
            select c.relname::text, k.conname::text from pg_constraint k join pg_class c on c.oid = k.conrelid
             where k.connamespace = 'atouts'::regnamespace and k.contype = 'c' and k.convalidated
        """)
    )
    constraints = {(table, name) for table, its in TABLES.items() for name in its.checks}
    for table, name in sorted(constraints - set(map(tuple, checks))):
        yield _missing(f"constraint {name} on {table}")
    yield from _rights_too_many(conn)


def _rights_too_many(conn: Connection) -> Iterator[Difference]:
    """What the application may do to rows that are there, beyond what its release lets it."""
    rights = conn.execute(
        text("""
            select t.name, 'UPDATE ' || string_agg(a.attname, ', ' order by a.attnum) as right
              from unnest(cast(:tables as text[])) as t(name)
              join pg_attribute a
                on a.attrelid = to_regclass('atouts.' || t.name) and a.attnum > 0 and not a.attisdropped
             where has_column_privilege('atouts_app', a.attrelid, a.attnum, 'UPDATE')
               and not (t.name || '.' || a.attname = any(cast(:columns as text[]))
                        or t.name || '.*' = any(cast(:columns as text[])))
             group by t.name
            union all
            select t.name, r.name
              from unnest(cast(:tables as text[])) as t(name), unnest(array['DELETE', 'TRUNCATE']) as r(name)
             where has_table_privilege('atouts_app', to_regclass('atouts.' || t.name), r.name)
             order by 1, 2
        """),
        {
            "tables": list(TABLES),
            "columns": [f"{table}.{column}" for table, its in TABLES.items() for column in its.may_update],
        },
    )
    for row in rights:
        yield Difference(Promise.GUARD_STANDS, f"table {row.name}", "no such right of atouts_app", f"may {row.right}")


def _missing(guard: str) -> Difference:
    return Difference(Promise.GUARD_STANDS, guard, "in force", "missing or switched off")
