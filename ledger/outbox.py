"""The outbox: a mail is written in the transaction that gives it a reason, and leaves by a job (`batch.mail`)."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from ledger import audit

IN_TROUBLE = """
    sent_at is null and (refused_at is not null or handed_over_at < now() - interval '15 minutes'
                         or (handed_over_at is null and attempts > 0))
"""
"""Of a mail in the outbox: that somebody should look at it. See `troubles`."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to be sent. `attempts` counts this try too."""

    id: int
    recipient: str
    subject: str
    body_text: str
    body_html: str
    purpose: str
    dedup_key: str
    attempts: int
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True)
class NewMail:
    """One mail to be put into the outbox among many.

    `unsubscribe_url` is where mails of its kind are stopped without signing in, if they may be.
    """

    recipient: str
    subject: str
    body_text: str
    body_html: str
    purpose: str
    dedup_key: str
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A mail somebody should look at. `state` is "refused" (for good), "unclear" (it may have left) or "waiting"."""

    id: int
    recipient: str
    subject: str
    purpose: str
    state: str
    attempts: int
    created_at: datetime.datetime
    last_error: str | None


def post(
    conn: Connection,
    *,
    recipient: str | None,
    subject: str,
    body_text: str,
    body_html: str,
    purpose: str,
    dedup_key: str,
) -> bool:
    """Put a mail into the outbox, once per `dedup_key`; whether it is new.

    Without a recipient the same statement runs and keeps nothing: time does not tell whether an address is known.
    """
    posted = conn.execute(
        text("""
            insert into mail_outbox (recipient, subject, body_text, body_html, purpose, dedup_key)
            select cast(:recipient as text), :subject, :body_text, :body_html, :purpose, :dedup_key
             where cast(:recipient as text) is not null
            on conflict (dedup_key) do nothing
        """),
        {
            "recipient": recipient,
            "subject": subject,
            "body_text": body_text,
            "body_html": body_html,
            "purpose": purpose,
            "dedup_key": dedup_key,
        },
    )
    return posted.rowcount == 1


def post_all(conn: Connection, mails: Sequence[NewMail]) -> int:
    """Put many mails into the outbox in one statement, each once per `dedup_key`; how many are new."""
    fields = ("recipient", "subject", "body_text", "body_html", "purpose", "dedup_key", "unsubscribe_url")
    if not mails:
        return 0
    posted = conn.execute(
        text("""
            insert into mail_outbox (recipient, subject, body_text, body_html, purpose, dedup_key, unsubscribe_url)
            select * from unnest(cast(:recipient as text[]), cast(:subject as text[]), cast(:body_text as text[]),
                                 cast(:body_html as text[]), cast(:purpose as text[]), cast(:dedup_key as text[]),
                                 cast(:unsubscribe_url as text[]))
            on conflict (dedup_key) do nothing
        """),
        {field: [getattr(mail, field) for mail in mails] for field in fields},
    )
    return posted.rowcount


def hand_over(conn: Connection) -> Mail | None:
    """Take the mail that has been due longest, if any. Commit before sending it: from then on it may have left."""
    row = conn.execute(
        text("""
            update mail_outbox set handed_over_at = now(), attempts = attempts + 1
             where id = (select id from mail_outbox
                          where sent_at is null and refused_at is null and handed_over_at is null
                            and next_attempt_at <= now()
                          order by next_attempt_at, id limit 1 for update skip locked)
            returning id, recipient, subject, body_text, body_html, purpose, dedup_key, attempts, unsubscribe_url
        """)
    ).one_or_none()
    return None if row is None else Mail(*row)


def note_sent(conn: Connection, mail_id: int) -> None:
    """The server took the mail."""
    conn.execute(
        text("update mail_outbox set sent_at = now(), last_error = null where id = :id and refused_at is null"),
        {"id": mail_id},
    )


def note_refused(conn: Connection, mail_id: int, error: str) -> None:
    """The server refused the mail for good: somebody has to correct the address."""
    conn.execute(
        text("update mail_outbox set refused_at = now(), last_error = :error where id = :id and sent_at is null"),
        {"id": mail_id, "error": error},
    )


def note_not_taken(conn: Connection, mail_id: int, error: str, retry_in: datetime.timedelta) -> None:
    """The server certainly did not take the mail: try again later."""
    conn.execute(
        text("""
            update mail_outbox set handed_over_at = null, last_error = :error, next_attempt_at = now() + :wait
             where id = :id and sent_at is null
        """),
        {"id": mail_id, "error": error, "wait": retry_in},
    )


def note_unclear(conn: Connection, mail_id: int, error: str) -> None:
    """The line broke after the mail was given: it is not sent again by itself, since it may have arrived."""
    conn.execute(text("update mail_outbox set last_error = :error where id = :id"), {"id": mail_id, "error": error})


def send_again(conn: Connection, mail_id: int, *, actor: str) -> bool:
    """`actor` decides to try a refused or unclear mail once more; whether it was one."""
    asked = conn.execute(
        text("""
            update mail_outbox set handed_over_at = null, refused_at = null, next_attempt_at = now()
             where id = :id and sent_at is null and (refused_at is not null or handed_over_at is not null)
        """),
        {"id": mail_id},
    )
    if asked.rowcount == 1:
        audit.record(conn, actor=actor, action="mail.send_again", subject=f"mail:{mail_id}")
    return asked.rowcount == 1


def troubles(conn: Connection, *, limit: int = 200) -> list[Trouble]:
    """Mails that were refused, that may or may not have left a quarter of an hour ago, or that failed and wait."""
    rows = conn.execute(
        text(f"""
            select id, recipient, subject, purpose,
                   case when refused_at is not null then 'refused'
                        when handed_over_at is not null then 'unclear' else 'waiting' end,
                   attempts, created_at, last_error
              from mail_outbox
             where {IN_TROUBLE}
             order by id desc limit :limit
        """),  # noqa: S608 - a condition of ours
        {"limit": limit},
    )
    return [Trouble(*row) for row in rows]
