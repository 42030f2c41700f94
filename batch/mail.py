"""Sending the outbox by SMTP: every mail leaves, and none leaves twice because something was tried again.

A mail is noted as handed over, and that is committed, before it goes to the server. Then one of four things happens,
and each has its own next step: the server takes it; refuses it for good (somebody corrects the address); certainly does
not take it (it is due again later); or the line breaks once the mail was given, and nobody can know. The last is shown
to people and not repeated by itself. The Message-ID follows from the mail's dedup key, so a receiver can see a
repetition.
"""

import contextlib
import datetime
import hashlib
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr
from types import TracebackType

import structlog
from sqlalchemy import Engine

from batch import settings
from ledger import outbox
from ledger.data_folder import Unusable

log = structlog.get_logger(__name__)

TIMEOUT_S = 20
FIRST_WAIT = datetime.timedelta(minutes=1)
LONGEST_WAIT = datetime.timedelta(hours=6)
MOST_ATTEMPTS = 12
"""Tries of a mail that is never taken, over about a day."""

STATE_WORDS = {"waiting": "sera réessayé", "unclear": "peut-être parti", "refused": "refusé pour de bon"}
"""The state of a mail that is in trouble, in French: a command and a page say the same."""


class _AddressHeader(UnstructuredHeader, BaseHeader):
    """A header that holds one web address: Python would encode a long one as it does words, and none could be read."""

    def fold(self, *, policy: EmailPolicy) -> str:  # type: ignore[override]
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _AddressHeader)
_POLICY = SMTP.clone(header_factory=_HEADERS)


class ServerAwayError(Exception):
    """The mail server cannot be reached, or does not let us in."""


class NotTakenError(Exception):
    """The server certainly did not take the mail."""


class RefusedError(Exception):
    """The server refused the mail for good."""


class UnclearError(Exception):
    """The line broke once the mail was given: it may have left."""


@dataclass
class Delivery:
    """What one round of sending came to, in mails. `away` says that it ended because the server was."""

    sent: int = 0
    refused: int = 0
    unclear: int = 0
    later: int = 0
    away: bool = False


def send_due(engine: Engine) -> Delivery:
    """Send the mails that are due, and tell what became of them. Several processes at once share them out.

    Raises `Unusable` if the settings of the mail server make no sense.
    """
    done = Delivery()
    with MailServer() as server:
        while not done.away:
            with engine.begin() as conn:
                mail = outbox.hand_over(conn)
            if mail is None:
                break
            outcome = _send(engine, server, mail, done)
            log.info("mail", mail=mail.id, purpose=mail.purpose, outcome=outcome)
    return done


def _send(engine: Engine, server: "MailServer", mail: outbox.Mail, done: Delivery) -> str:
    try:
        server.give(_addressed(mail))
    except UnclearError as error:
        done.unclear += 1
        with engine.begin() as conn:
            outbox.note_unclear(conn, mail.id, str(error))
        return "unclear"
    except RefusedError as error:
        done.refused += 1
        with engine.begin() as conn:
            outbox.note_refused(conn, mail.id, str(error))
        return "refused"
    except (NotTakenError, ServerAwayError) as error:
        done.away = isinstance(error, ServerAwayError)
        with engine.begin() as conn:
            if mail.attempts >= MOST_ATTEMPTS:
                done.refused += 1
                outbox.note_refused(conn, mail.id, f"given up after {mail.attempts} attempts: {error}")
                return "given up"
            done.later += 1
            outbox.note_not_taken(conn, mail.id, str(error), wait_after(mail.attempts))
        return "later"
    done.sent += 1
    with engine.begin() as conn:
        outbox.note_sent(conn, mail.id)
    return "sent"


def wait_after(attempts: int) -> datetime.timedelta:
    """How long a mail rests after its `attempts`-th try: a minute, doubling up to six hours."""
    doubled: datetime.timedelta = FIRST_WAIT * 2 ** (attempts - 1)
    return min(doubled, LONGEST_WAIT)


def _addressed(mail: outbox.Mail) -> EmailMessage:
    # One address that no server can be told must not hold up the mails behind it.
    address = parseaddr(mail.recipient)[1]
    if "@" not in address or not address.isascii():
        raise RefusedError("not a mail address")
    try:
        return message(mail)
    except ValueError as error:
        raise RefusedError(f"not a mail address: {error}") from error


def message(mail: outbox.Mail) -> EmailMessage:
    """`mail` as it travels: text and HTML, headers that keep automatic answers away, and the way to stop its kind."""
    sender = settings.MAIL_FROM.value
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    made = EmailMessage(policy=_POLICY)
    made["From"] = sender
    made["To"] = mail.recipient
    made["Subject"] = mail.subject
    made["Date"] = format_datetime(datetime.datetime.now(datetime.UTC))
    made["Message-ID"] = f"<{hashlib.sha256(mail.dedup_key.encode()).hexdigest()[:40]}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    if mail.unsubscribe_url:
        made["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        # RFC 8058: mail programs then show a button of their own, and post to this address; over HTTPS only.
        if mail.unsubscribe_url.startswith("https://"):
            made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(mail.body_text)
    made.add_alternative(mail.body_html, subtype="html")
    return made


class MailServer:
    """The way to the mail server: opened at the first mail, kept for the next ones, opened again when it broke."""

    def __init__(self) -> None:
        self._open: smtplib.SMTP | None = None

    def __enter__(self) -> "MailServer":
        """Nothing is opened yet: there may be no mail."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take leave."""
        self._hang_up()

    def give(self, made: EmailMessage) -> None:
        """Hand one mail to the server. Returns when it was taken; raises one of this module's errors otherwise."""
        server = self._open or self._connect()
        try:
            self._announce(server, made)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            self._hang_up()
            raise NotTakenError(str(error)) from error
        try:
            answer = server.data(made.as_bytes())
        except smtplib.SMTPDataError as error:
            answer = (error.smtp_code, _bytes(error.smtp_error))
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            self._hang_up()
            raise UnclearError(f"the line broke after the mail was given: {error}") from error
        _judge(answer)

    def _announce(self, server: smtplib.SMTP, made: EmailMessage) -> None:
        sender, recipient = parseaddr(made["From"])[1], parseaddr(made["To"])[1]
        code, said = server.mail(sender)
        if code != 250:
            self._reset(server)
            # Our own address is at fault, not this mail's: the next try comes after somebody corrected the setting.
            raise NotTakenError(_sentence(code, said))
        answer = server.rcpt(recipient)
        if answer[0] not in (250, 251):
            self._reset(server)
            _judge(answer)

    def _connect(self) -> smtplib.SMTP:
        host, port, security = settings.SMTP_HOST.value, settings.SMTP_PORT.value, settings.SMTP_SECURITY.value
        if security not in ("none", "starttls", "tls"):
            raise Unusable("ATOUTS_SMTP_SECURITY must be none, starttls or tls.")
        connect: Callable[..., smtplib.SMTP] = smtplib.SMTP_SSL if security == "tls" else smtplib.SMTP
        options = {"context": ssl.create_default_context()} if security == "tls" else {}
        try:
            server = connect(host, port, timeout=TIMEOUT_S, **options)
            server.ehlo_or_helo_if_needed()
            if security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.SMTP_USER.value:
                server.login(settings.SMTP_USER.value, settings.SMTP_PASSWORD.value)
        except (OSError, smtplib.SMTPException) as error:
            raise ServerAwayError(f"{host}:{port}: {error}") from error
        self._open = server
        return server

    def _reset(self, server: smtplib.SMTP) -> None:
        try:
            server.rset()
        except (smtplib.SMTPException, OSError):
            self._hang_up()

    def _hang_up(self) -> None:
        if self._open is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._open.quit()
            self._open.close()
            self._open = None


def _judge(answer: tuple[int, bytes]) -> None:
    code, said = answer
    if code in (250, 251):
        return
    if code == 421:
        raise ServerAwayError(_sentence(code, said))
    raise (RefusedError if code >= 500 else NotTakenError)(_sentence(code, said))


def _sentence(code: int, said: bytes) -> str:
    return f"{code} {said.decode('utf-8', 'replace')}"[:500]


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()
