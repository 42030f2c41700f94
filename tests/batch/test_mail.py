"""Mails leave by a real SMTP server, which the tests make misbehave."""

import asyncio
import datetime
import email
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import Connection, Engine, text

from batch import letters, mail
from batch.letters import Letter
from ledger import outbox
from tests.conftest import Database


class Postman:
    """A mail server that does as it is told, by recipient."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address.startswith("inconnu"):
            return "550 no such user"
        if address.startswith("plein"):
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append(email.message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        if envelope.rcpt_tos[0].startswith("coupure"):
            # The mail is in, and the line breaks before we hear so.
            server.transport.abort()
            await asyncio.sleep(0.2)
        return "554 looks like spam" if envelope.rcpt_tos[0].startswith("filtre") else "250 OK"


@pytest.fixture
def postman(monkeypatch: pytest.MonkeyPatch) -> Iterator[Postman]:
    handler = Postman()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    monkeypatch.setenv("ATOUTS_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("ATOUTS_SMTP_PORT", str(port))
    yield handler
    controller.stop()


@pytest.fixture
def books(fresh_database: Database) -> Engine:
    return fresh_database.engine


LETTER = Letter(
    "Votre versement du 24 novembre",
    ("Nous vous versons 1 234,50 €.", "<b>Lycée</b> & compagnie"),
    facts=(("Référence", "2026-47"),),
    link=("Voir le détail", "https://example.org/versements/1"),
)


def write(engine: Engine, recipient: str | None, key: str = "k1") -> bool:
    with engine.begin() as conn:
        return letters.post(conn, LETTER, recipient=recipient, purpose="test", dedup_key=key)


def troubles(engine: Engine) -> list[tuple[str, str | None]]:
    with engine.connect() as conn:
        return [(trouble.state, trouble.last_error) for trouble in outbox.troubles(conn)]


def make_due(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("update mail_outbox set next_attempt_at = now()"))


def test_a_mail_arrives_whole_and_once(books: Engine, postman: Postman) -> None:
    write(books, "lycee@example.org")
    assert mail.send_due(books) == mail.Delivery(sent=1)
    assert mail.send_due(books) == mail.Delivery()
    [arrived] = postman.taken
    assert arrived["To"] == "lycee@example.org"
    assert arrived["Subject"] == "Votre versement du 24 novembre"
    assert arrived["Auto-Submitted"] == "auto-generated"
    plain = arrived.get_body(("plain",)).get_content()
    assert "1 234,50 €" in plain
    assert "<b>Lycée</b> & compagnie" in plain
    assert "https://example.org/versements/1" in plain
    page = arrived.get_body(("html",)).get_content()
    assert "&lt;b&gt;Lycée&lt;/b&gt; &amp; compagnie" in page


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_what_may_be_stopped_tells_mail_programs_how_in_one_piece(books: Engine, postman: Postman, scheme: str) -> None:
    address = f"{scheme}://a-rather-long-name-of-a-portal.normandie.example/eleve/rappels/{UUID(int=7)}"
    stoppable = letters.addressed(
        LETTER, recipient="lea@example.org", purpose="reminder", dedup_key="r1", unsubscribe_url=address
    )
    receipt = letters.addressed(LETTER, recipient="lea@example.org", purpose="receipt", dedup_key="r2")
    with books.begin() as conn:
        outbox.post_all(conn, [stoppable, receipt])
    assert mail.send_due(books).sent == 2
    reminder, other = postman.taken
    assert reminder["List-Unsubscribe"] == f"<{address}>"
    assert reminder["List-Unsubscribe-Post"] == ("List-Unsubscribe=One-Click" if scheme == "https" else None)
    assert other["List-Unsubscribe"] is None
    whole = outbox.Mail(1, "lea@example.org", "Rappel", "é", "<p>é</p>", "reminder", "r1", 1, address)
    assert f"List-Unsubscribe: <{address}>\r\n".encode() in mail.message(whole).as_bytes()


def test_the_same_fact_is_written_once(books: Engine, postman: Postman) -> None:
    assert write(books, "lycee@example.org")
    assert not write(books, "lycee@example.org")
    assert mail.send_due(books).sent == 1


def test_a_mail_to_nobody_is_not_written(books: Engine, postman: Postman) -> None:
    assert not write(books, None)
    assert mail.send_due(books) == mail.Delivery()


def test_a_mail_written_in_a_transaction_that_fails_never_leaves(books: Engine, postman: Postman) -> None:
    def fail(conn: Connection) -> None:
        letters.post(conn, LETTER, recipient="lycee@example.org", purpose="test", dedup_key="k1")
        raise RuntimeError

    with pytest.raises(RuntimeError), books.begin() as conn:
        fail(conn)
    assert mail.send_due(books) == mail.Delivery()


def test_an_unknown_address_is_refused_for_good_and_the_next_mail_leaves(books: Engine, postman: Postman) -> None:
    write(books, "inconnu@example.org", "k1")
    write(books, "lycee@example.org", "k2")
    assert mail.send_due(books) == mail.Delivery(sent=1, refused=1)
    make_due(books)
    assert mail.send_due(books) == mail.Delivery()
    assert troubles(books) == [("refused", "550 no such user")]


@pytest.mark.parametrize("address", ["élève@example.org", "a@example.org\nBcc: b@example.org", ""])
def test_an_address_no_server_can_be_told_holds_nobody_up(books: Engine, postman: Postman, address: str) -> None:
    write(books, address, "k1")
    write(books, "lycee@example.org", "k2")
    assert mail.send_due(books) == mail.Delivery(sent=1, refused=1)
    assert [arrived["To"] for arrived in postman.taken] == ["lycee@example.org"]


def test_a_refused_mail_can_be_sent_again_by_decision(
    books: Engine, postman: Postman, fresh_database: Database
) -> None:
    write(books, "filtre@example.org")
    assert mail.send_due(books).refused == 1
    with books.begin() as conn:
        [trouble] = outbox.troubles(conn)
    with fresh_database.owner_engine.begin() as conn:
        conn.execute(text("update mail_outbox set recipient = 'lycee@example.org'"))
    with books.begin() as conn:
        assert outbox.send_again(conn, trouble.id, actor="person:1")
    assert mail.send_due(books).sent == 1
    assert troubles(books) == []


def test_a_full_mailbox_is_tried_again_later_and_given_up_after_a_day(books: Engine, postman: Postman) -> None:
    write(books, "plein@example.org")
    assert mail.send_due(books) == mail.Delivery(later=1)
    assert mail.send_due(books) == mail.Delivery()
    assert troubles(books) == [("waiting", "452 mailbox full")]
    for _ in range(mail.MOST_ATTEMPTS - 1):
        make_due(books)
        last = mail.send_due(books)
    assert last.refused == 1
    assert troubles(books)[0][0] == "refused"


def test_waiting_grows_up_to_six_hours() -> None:
    waits = [mail.wait_after(attempts) for attempts in range(1, mail.MOST_ATTEMPTS)]
    assert waits[0] == datetime.timedelta(minutes=1)
    assert waits == sorted(waits)
    assert waits[-1] == datetime.timedelta(hours=6)


def test_a_mail_that_may_have_left_is_not_sent_again_by_itself(books: Engine, postman: Postman) -> None:
    write(books, "coupure@example.org", "k1")
    write(books, "lycee@example.org", "k2")
    assert mail.send_due(books) == mail.Delivery(sent=1, unclear=1)
    make_due(books)
    assert mail.send_due(books) == mail.Delivery()
    assert len(postman.taken) == 2
    with books.begin() as conn:
        conn.execute(text("update mail_outbox set handed_over_at = now() - interval '1 hour' where sent_at is null"))
    assert troubles(books)[0][0] == "unclear"


def test_a_process_killed_between_sending_and_noting_does_not_send_twice(books: Engine, postman: Postman) -> None:
    write(books, "lycee@example.org")
    with books.begin() as conn:
        taken = outbox.hand_over(conn)
    assert taken is not None
    # ... killed here. The next process finds nothing to send.
    make_due(books)
    assert mail.send_due(books) == mail.Delivery()


def test_without_a_server_everything_waits(books: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOUTS_SMTP_PORT", "9")
    monkeypatch.setenv("ATOUTS_SMTP_HOST", "127.0.0.1")
    write(books, "lycee@example.org", "k1")
    write(books, "lycee@example.org", "k2")
    assert mail.send_due(books) == mail.Delivery(later=1, away=True)


def test_the_same_mail_has_the_same_message_id(books: Engine, postman: Postman) -> None:
    write(books, "filtre@example.org")
    mail.send_due(books)
    with books.begin() as conn:
        outbox.send_again(conn, outbox.troubles(conn)[0].id, actor="person:1")
    mail.send_due(books)
    first, second = postman.taken
    assert first["Message-ID"] == second["Message-ID"]
