"""The jobs that write to students and send the outbox, run as the queue runs them."""

import socket
from datetime import UTC, date, datetime

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import text

from batch import calendar_jobs, mail_jobs, student_letters, student_mails
from ledger.calendar import last_day_before
from ledger.data_folder import Unusable
from ledger.student_notices import Receipt
from tests.conftest import Database
from tests.ledger.scheme import BOOK, Line, make_scheme


class Inbox:
    """A mail server that takes everything."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:  # noqa: N802 - its name
        self.taken.append((envelope.rcpt_tos[0], envelope.content))  # type: ignore[attr-defined]
        return "250 OK"


def test_a_sale_becomes_a_mail_at_the_students_address(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database.engine.begin() as conn:
        scheme = make_scheme(conn, Line("000000001AA", email="lea@example.org"))
        scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))
    inbox = Inbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(inbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        for name, value in {
            "DATABASE_URL": fresh_database.owner_url,
            "DATABASE_APP_URL": fresh_database.app_url,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(port),
        }.items():
            monkeypatch.setenv(f"ATOUTS_{name}", value)
        assert student_mails.nudge()["receipts"] == 1
        assert mail_jobs.send()["sent"] == 1
        assert student_mails.nudge()["receipts"] == 0
        assert mail_jobs.send()["sent"] == 0
    finally:
        server.stop()
    ((recipient, content),) = inbox.taken
    assert recipient == "lea@example.org"
    assert b"multipart/alternative" in content
    with fresh_database.engine.connect() as conn:
        assert conn.scalar(text("select count(*) from mail_outbox where sent_at is not null")) == 1


def test_the_calendar_names_jobs_that_the_queue_can_import() -> None:
    assert calendar_jobs.student_mails.nudge is student_mails.nudge
    assert calendar_jobs.mail_jobs.send is mail_jobs.send


@pytest.mark.parametrize("days", ["soixante", "0", "400", "60 -7"])
def test_a_calendar_of_reminders_that_makes_no_sense_is_refused(days: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOUTS_REMINDER_DAYS", days)
    with pytest.raises(Unusable, match="REMINDER_DAYS"):
        student_mails.reminder_days()


def test_the_last_day_is_the_one_of_paris_on_both_sides_of_summer_time() -> None:
    assert last_day_before(datetime(2027, 6, 30, 22, tzinfo=UTC)) == date(2027, 6, 30)
    assert last_day_before(datetime(2027, 1, 31, 23, tzinfo=UTC)) == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("kind", "cents", "subject", "told"),
    [
        ("sale", 3000, "30,00 € débités par Lycée Malherbe", "a débité 30,00 € de vos avantages"),
        ("sale", 199, "1,99 € débité par Lycée Malherbe", "a débité 1,99 € de vos avantages"),
        ("refund", 3000, "30,00 € rendus par Lycée Malherbe", "vous a rendu 30,00 €"),
    ],
)
def test_a_receipt_names_the_benefits_and_not_an_account(kind: str, cents: int, subject: str, told: str) -> None:
    at = datetime(2026, 11, 24, 9, tzinfo=UTC)
    lines = (("Mathématiques", cents),)
    receipt = Receipt(kind, 1, at, "Léa", "lea@example.org", "Lycée Malherbe", lines, left=(), lapsed=0)
    letter = student_letters.receipt_letter(receipt)
    assert letter.subject.replace("\xa0", " ") == subject
    assert told in letter.as_text().replace("\xa0", " ")
