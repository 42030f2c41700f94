"""The guards: triggers, functions, indexes, constraints and rights by which the database keeps the promises all stand.

`guards.json` tells how this release's migrations leave them: each guard by name, with its definition. It is a file of
the program, so whoever changes the database has not changed it. A migration that changes a guard changes the file as
well: see `tests/ledger/write_guards.py`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from ledger.books_check.differences import Difference, Promise

FILE = Path(__file__).with_suffix(".json")
GUARDS: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))

_HARMLESS_WHEN_ADDED = ("check", "foreign key", "unique index", "columns", "view")
"""Kinds of which the database may have more than the release: they refuse more, or nobody asks them."""

# Bodies are told by their SHA-256. PostgreSQL writes definitions from what it parsed: 15 and 18 write the same, save
# for the names of tables before the columns of a view.
_STANDING = text("""
    with owner as (
        select nspowner as id, oid as schema from pg_namespace where nspname = 'atouts'
    ), held as (
        select c.oid, c.relname as name, c.relkind, c.relacl,
               case when c.relowner <> owner.id then ', of another owner' else '' end
               || case when c.relrowsecurity then ', with row security' else '' end as remarks
          from pg_class c join owner on owner.schema = c.relnamespace where c.relkind in ('r', 'v', 'S')
    ), right_given as (
        select h.name, a.grantee, a.privilege_type as what from held h, aclexplode(h.relacl) a
        union all
        select h.name, a.grantee, a.privilege_type || ' ' || t.attname
          from held h join pg_attribute t on t.attrelid = h.oid, aclexplode(t.attacl) a
        union all
        select 'schema', a.grantee, a.privilege_type
          from pg_namespace n join owner on owner.schema = n.oid, aclexplode(n.nspacl) a
    )
    select 'columns of ' || h.name as guard,
           string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                                case when a.attnotnull then 'not null' end, nullif(a.attidentity, ''),
                                nullif(a.attgenerated, ''), pg_get_expr(d.adbin, d.adrelid)),
                      ', ' order by a.attnum) || h.remarks as definition
      from held h
      join pg_attribute a on a.attrelid = h.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = h.oid and d.adnum = a.attnum
     where h.relkind = 'r' group by h.name, h.remarks
    union all
    select 'unique index ' || i.indexrelid::regclass,
           case when i.indisvalid and i.indisready then '' else 'not valid: ' end || pg_get_indexdef(i.indexrelid)
      from held h join pg_index i on i.indrelid = h.oid where i.indisunique
    union all
    select case k.contype when 'f' then 'foreign key ' else 'check ' end || k.conname || ' on ' || h.name,
           case when exists (select from pg_trigger t where t.tgconstraint = k.oid and t.tgenabled not in ('O', 'A'))
                then 'switched off: ' else '' end || pg_get_constraintdef(k.oid)
      from held h join pg_constraint k on k.conrelid = h.oid where k.contype in ('c', 'f')
    union all
    select 'trigger ' || t.tgname || ' on ' || h.name,
           case when t.tgenabled in ('O', 'A') then '' else 'switched off: ' end || pg_get_triggerdef(t.oid, true)
      from held h join pg_trigger t on t.tgrelid = h.oid where not t.tgisinternal
    union all
    select 'function ' || p.oid::regprocedure,
           concat_ws(' ', l.lanname, p.provolatile, case when p.prosecdef then 'security definer' end,
                     array_to_string(p.proconfig, ' '), case when p.proowner <> owner.id then 'of another owner' end,
                     encode(sha256(convert_to(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), 'UTF8')), 'hex'))
      from pg_proc p join owner on owner.schema = p.pronamespace join pg_language l on l.oid = p.prolang
    union all
    select 'view ' || h.name || h.remarks,
           encode(sha256(convert_to(regexp_replace(pg_get_viewdef(h.oid), '\\m(' || tables.names || ')\\.', '', 'g'),
                                    'UTF8')), 'hex')
      from held h, (select string_agg(name, '|') as names from held where relkind = 'r') tables where h.relkind = 'v'
    union all
    select 'rule ' || r.rulename || ' on ' || h.name, pg_get_ruledef(r.oid)
      from held h join pg_rewrite r on r.ev_class = h.oid where r.rulename <> '_RETURN'
    union all
    select 'policy ' || p.polname || ' on ' || h.name, coalesce(pg_get_expr(p.polqual, p.polrelid), 'all rows')
      from held h join pg_policy p on p.polrelid = h.oid
    union all
    select 'right of ' || coalesce(r.rolname, 'everybody') || ' on ' || g.name, string_agg(g.what, ', ' order by g.what)
      from right_given g join owner on owner.id <> g.grantee left join pg_roles r on r.oid = g.grantee
     -- Who but reads, for a report or a copy, is no danger to the books.
     where coalesce(r.rolname, 'atouts_app') = 'atouts_app' or g.what not like 'SELECT%' and g.what <> 'USAGE'
     group by r.rolname, g.name
    union all
    select 'role ' || r.rolname,
           concat_ws(', ', 'owner of nothing', case when r.rolsuper then 'but superuser' end,
                     case when r.rolcreaterole then 'but maker of roles' end,
                     case when r.rolreplication then 'but replica' end,
                     case when has_parameter_privilege(r.oid, 'session_replication_role', 'set')
                          then 'but puts triggers to sleep' end,
                     (select string_agg('but member of ' || m.rolname, ', ' order by m.rolname)
                        from pg_roles m, owner
                       where m.oid <> r.oid and pg_has_role(r.oid, m.oid, 'member')
                         and (m.oid = owner.id or m.rolname in ('pg_write_all_data', 'pg_execute_server_program'))))
      from pg_roles r where r.rolname = 'atouts_app'
    union all
    select 'triggers asleep for ' || coalesce(r.rolname, 'everybody') || ' in ' || coalesce(d.datname, 'any database'),
           given
      from pg_db_role_setting s cross join unnest(s.setconfig) given
      left join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase
     where given ~* '^session_replication_role=' and coalesce(d.datname, current_database()) = current_database()
""")


def standing(conn: Connection) -> dict[str, str]:
    """Every guard that the database has now, and its definition."""
    return {row.guard: row.definition for row in conn.execute(_STANDING)}


def guards(conn: Connection) -> Iterator[Difference]:
    """Name each guard that is missing, switched off, changed, or not the release's, and each right too many."""
    found = standing(conn)
    for guard in sorted(GUARDS.keys() | found):
        expected, there = GUARDS.get(guard, "none"), found.get(guard, "none")
        if guard.startswith("right of "):
            differs = not set(there.split(", ")) <= {*expected.split(", "), "none"}
        else:
            differs = there != expected and not (guard not in GUARDS and guard.startswith(_HARMLESS_WHEN_ADDED))
        if differs:
            yield Difference(Promise.GUARD_STANDS, guard, expected, there)
