"""The journal: every transfer of a period as an accounting entry, in the columns of the French FEC.

The fichier des écritures comptables (article A47 A-1 of the Livre des procédures fiscales) has one line per side of an
entry, eighteen columns, dates as AAAAMMJJ, amounts with a decimal comma, and a tab between columns. What our books do
not know stays empty: lettering (EcritureLet, DateLet) and foreign currency (Montantdevise, Idevise).

The same period gives the same bytes once it is over: numbers, instants and amounts never change, accounts are called
by their number or by the partner's UAI (a school may change its name), and days are those of Paris.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import Connection

from ledger.calendar import paris_midnight
from ledger.chart import CHART, JOURNALS, KIND_LABELS
from ledger.streams import copied_rows, take_time

COLUMNS = (
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
)

# EcritureNum is the transfer's number, by which everything else is found. Nothing that is written here can hold a tab
# or a quotation mark, so the csv form never puts a value between quotes, which the FEC does not know. `offset 0` keeps
# PostgreSQL from writing the day out four times per line.
_ENTRIES = """
copy (
    with heading as materialized (
        select * from unnest(%(firsts)s::bigint[], %(numbers)s::text[], %(labels)s::text[])
            as h(first, number, label)
    ), journal as materialized (
        select * from unnest(%(kinds)s::transfer_kind[], %(journal_codes)s::text[], %(journal_labels)s::text[],
                             %(kind_labels)s::text[]) as j(kind, code, label, kind_label)
    )
    select j.code, j.label, t.id, d.day, h.number, h.label,
           case when side.account < 3000000000000 then side.account end,
           case when side.account < 2000000000000 then 'Avantage'
                when side.account < 3000000000000 then 'Partenaire ' || coalesce(p.uai, '') end,
           t.kind || '-' || t.document || '-' || t.line, d.day, j.kind_label,
           side.debit / 100 || ',' || lpad((side.debit %% 100)::text, 2, '0'),
           side.credit / 100 || ',' || lpad((side.credit %% 100)::text, 2, '0'),
           null, null, d.day, null, null
      from transfer t
      join journal j on j.kind = t.kind
     cross join lateral (select to_char(t.posted_at at time zone 'Europe/Paris', 'YYYYMMDD') as day offset 0) d
     cross join lateral (values (1, t.debit_account, t.amount, 0::bigint), (2, t.credit_account, 0, t.amount))
           as side(n, account, debit, credit)
      join heading h
        on h.first = case when side.account < 3000000000000 then side.account / 1000000000000 * 1000000000000
                          else side.account end
      left join partner p on p.id = side.account - 2000000000000
     where t.posted_at >= %(start)s and t.posted_at < %(end)s
     order by t.id, side.n
) to stdout (format csv, delimiter E'\\t')
"""


def export(conn: Connection, first_day: date, last_day: date) -> Iterator[bytes]:
    """Yield the journal of the days from `first_day` to `last_day`, both included, line by line in UTF-8.

    The first line names the columns. Reads as it goes, so that no period is too long.
    """
    take_time(conn)
    kinds = [(journal, kind) for journal in JOURNALS for kind in journal.kinds]
    parameters = {
        "firsts": [heading.accounts.start for heading in CHART],
        "numbers": [heading.number for heading in CHART],
        "labels": [heading.label for heading in CHART],
        "kinds": [kind for _, kind in kinds],
        "journal_codes": [journal.code for journal, _ in kinds],
        "journal_labels": [journal.label for journal, _ in kinds],
        "kind_labels": [KIND_LABELS[kind] for _, kind in kinds],
        "start": paris_midnight(first_day),
        "end": paris_midnight(last_day + timedelta(days=1)),
    }
    yield ("\t".join(COLUMNS) + "\n").encode()
    yield from copied_rows(conn, _ENTRIES, parameters)
