"""What we write to people: one letter, told as plain text and as HTML from the same words."""

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from sqlalchemy import Connection

from batch import settings
from batch.french import NO_BREAK, unbroken_times
from ledger import outbox
from ledger.outbox import NewMail

_templates = Environment(
    loader=PackageLoader("batch"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True)
class Letter:
    """A mail in French. `facts` are label and value; `link` is what to press and where it leads.

    `aside` is a second such link, in small letters at the end. `questions` is where those write for whom the partners'
    assistance is not there: students and their parents.
    """

    subject: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    link: tuple[str, str] | None = None
    after: tuple[str, ...] = ()
    aside: tuple[str, str] | None = None
    questions: str | None = None

    def as_text(self) -> str:
        """The letter for those who read plain text."""
        return _templates.get_template("letter.txt").render(letter=self, assistance=_assistance())

    def as_html(self) -> str:
        """The letter for everybody else; mail programs want its style in attributes."""
        return _templates.get_template("letter.html").render(letter=self, assistance=_assistance())


def post(conn: Connection, letter: Letter, *, recipient: str | None, purpose: str, dedup_key: str) -> bool:
    """Put `letter` into the outbox, once per `dedup_key`; whether it is new. See `ledger.outbox.post`."""
    return outbox.post(
        conn,
        recipient=recipient,
        subject=letter.subject,
        body_text=letter.as_text(),
        body_html=letter.as_html(),
        purpose=purpose,
        dedup_key=dedup_key,
    )


def addressed(
    letter: Letter, *, recipient: str, purpose: str, dedup_key: str, unsubscribe_url: str | None = None
) -> NewMail:
    """`letter` as one of the mails of `ledger.outbox.post_all`."""
    return NewMail(recipient, letter.subject, letter.as_text(), letter.as_html(), purpose, dedup_key, unsubscribe_url)


def _assistance() -> dict[str, str]:
    return {
        "email": settings.ASSISTANCE_EMAIL.value,
        "phone": settings.ASSISTANCE_PHONE.value.replace(" ", NO_BREAK),
        "hours": unbroken_times(settings.ASSISTANCE_HOURS.value),
    }
