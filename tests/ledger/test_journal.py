"""The journal in the columns of the French accounting entries file."""

import csv
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from uuid import uuid4

from sqlalchemy import Connection, text

from ledger import cancellations
from ledger.calendar import paris_date
from ledger.journal import COLUMNS, export
from tests.conftest import Database
from tests.ledger.scheme import BOOK, OTHER_BOOK, Line, Scheme, make_scheme


def book(conn: Connection) -> Scheme:
    scheme = make_scheme(conn, Line("123456789AB"))
    (sale,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (OTHER_BOOK, 205)]))
    cancellations.cancel(
        conn,
        sale.sale_id,
        partner_id=scheme.till.partner_id,
        origin="terminal:1",
        key=uuid4(),
        request_hash=b"h",
        lines=[2],
    )
    return scheme


def today(conn: Connection) -> date:
    return paris_date(conn.execute(text("select now()")).scalar_one())


def rows_of(conn: Connection, first: date, last: date) -> list[dict[str, str]]:
    content = b"".join(export(conn, first, last)).decode()
    assert '"' not in content
    return list(csv.DictReader(StringIO(content), delimiter="\t", quoting=csv.QUOTE_NONE))


def test_the_journal_has_the_eighteen_columns_of_the_fec(conn: Connection) -> None:
    header = next(export(conn, date(2026, 9, 1), date(2026, 9, 30))).decode()
    assert header == (
        "JournalCode\tJournalLib\tEcritureNum\tEcritureDate\tCompteNum\tCompteLib\tCompAuxNum\tCompAuxLib\tPieceRef\t"
        "PieceDate\tEcritureLib\tDebit\tCredit\tEcritureLet\tDateLet\tValidDate\tMontantdevise\tIdevise\n"
    )
    assert len(COLUMNS) == 18


def test_each_transfer_is_an_entry_of_two_lines(conn: Connection) -> None:
    scheme = book(conn)
    day = today(conn)
    rows = rows_of(conn, day, day)
    uai = conn.scalar(text("select uai from partner"))
    lines = [
        (row["JournalCode"], row["CompteNum"], row["CompAuxLib"], row["EcritureLib"], row["Debit"], row["Credit"])
        for row in rows
    ]
    assert lines == [
        ("AV", "657400", "", "Attribution", "70,00", "0,00"),
        ("AV", "467100", "Avantage", "Attribution", "0,00", "70,00"),
        ("VE", "467100", "Avantage", "Vente", "30,00", "0,00"),
        ("VE", "467200", f"Partenaire {uai}", "Vente", "0,00", "30,00"),
        ("VE", "467100", "Avantage", "Vente", "2,05", "0,00"),
        ("VE", "467200", f"Partenaire {uai}", "Vente", "0,00", "2,05"),
        ("VE", "467200", f"Partenaire {uai}", "Remboursement", "2,05", "0,00"),
        ("VE", "467100", "Avantage", "Remboursement", "0,00", "2,05"),
    ]
    assert {row["EcritureDate"] for row in rows} == {row["ValidDate"] for row in rows} == {f"{day:%Y%m%d}"}
    assert rows[3]["CompAuxNum"] == str(scheme.till.account)
    assert rows[3]["PieceRef"].startswith("sale-")
    for debit, credit in zip(rows[::2], rows[1::2], strict=True):
        assert debit["EcritureNum"] == credit["EcritureNum"]
        assert debit["Debit"] == credit["Credit"]


def test_the_journal_balances(conn: Connection) -> None:
    book(conn)
    rows = rows_of(conn, today(conn), today(conn))

    def total(column: str) -> Decimal:
        return sum((Decimal(row[column].replace(",", ".")) for row in rows), Decimal(0))

    assert total("Debit") == total("Credit") == Decimal("104.10")


def at(conn: Connection, transfer: int, instant: str) -> None:
    """Have a transfer posted at another instant, as only the owner can."""
    conn.execute(
        text("update transfer set posted_at = cast(:at as timestamptz) where id = :id"), {"id": transfer, "at": instant}
    )


def test_days_are_those_of_paris(owner_conn: Connection) -> None:
    book(owner_conn)
    owner_conn.execute(text("set local session_replication_role = replica"))
    first, second, *_ = owner_conn.scalars(text("select id from transfer order by id")).all()
    at(owner_conn, first, "2026-08-31 21:59:59.999999Z")
    at(owner_conn, second, "2026-08-31 22:00:00Z")  # midnight of 1 September in Paris
    august = rows_of(owner_conn, date(2026, 8, 31), date(2026, 8, 31))
    september = rows_of(owner_conn, date(2026, 9, 1), date(2026, 9, 1))
    assert [(row["EcritureNum"], row["EcritureDate"]) for row in august] == [(str(first), "20260831")] * 2
    assert [(row["EcritureNum"], row["EcritureDate"]) for row in september] == [(str(second), "20260901")] * 2


def test_the_same_period_gives_the_same_bytes(fresh_database: Database) -> None:
    with fresh_database.engine.begin() as conn:
        book(conn)
        day = today(conn)
    with fresh_database.engine.begin() as conn:
        before = b"".join(export(conn, day, day))
    with fresh_database.engine.begin() as conn:
        conn.execute(text("update partner set name = 'Lycée \"Malherbe\"\t\n', town = 'Rouen'"))
        conn.execute(text("set local timezone = 'Asia/Tokyo'"))
        conn.execute(text("set local datestyle = 'SQL, DMY'"))
        assert b"".join(export(conn, day, day)) == before
        assert before.count(b"\n") == 9


def test_a_period_without_transfers_has_its_columns_only(conn: Connection) -> None:
    day = datetime(2020, 1, 1).astimezone().date()
    assert len(list(export(conn, day, day + timedelta(days=365)))) == 1
