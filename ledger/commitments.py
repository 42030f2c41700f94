"""What a school promises when it becomes a partner, word by word. Another wording is another version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Commitment:
    """One promise: `words` are what the school reads and accepts."""

    code: str
    title: str
    words: str


VERSION = "2026-09"
COMMITMENTS = (
    Commitment(
        "real_cost",
        "Le coût réel, rien de plus",
        "Nous facturons à chaque élève le coût réel de la licence, tel que notre facture d’achat l’établit.",
    ),
    Commitment(
        "tell_the_student",
        "Dire ce qui est débité",
        "Nous disons clairement à l’élève ce qui a été débité et le solde qui lui reste.",
    ),
    Commitment(
        "tell_the_deadline",
        "Dire la date limite",
        "Nous disons à l’élève que son solde s’utilise jusqu’au 30 juin de l’année scolaire.",
    ),
)
"""The partner's side of the scheme's rules, in force for sign-ups since September 2026."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A promise that a partner accepted."""

    version: str
    code: str
    accepted_at: datetime

    @property
    def title(self) -> str:
        """What it was about, in French."""
        return next((one.title for one in COMMITMENTS if one.code == self.code), self.code)


def accept(
    conn: Connection, partner_id: int, *, version: str, codes: Sequence[str], accepted_at: datetime, actor: str
) -> None:
    """Keep that a partner accepted these promises; those it had accepted in this version keep their first date."""
    conn.execute(
        text("""
            insert into partner_commitment (partner_id, version, code, accepted_at, accepted_by)
            select :partner, :version, unnest(cast(:codes as text[])), :accepted_at, :actor on conflict do nothing
        """),
        {
            "partner": partner_id,
            "version": version,
            "codes": list(codes),
            "accepted_at": accepted_at,
            "actor": actor,
        },
    )


def accepted_by(conn: Connection, partner_id: int) -> list[Accepted]:
    """Everything a partner has accepted, the latest version first."""
    rows = conn.execute(
        text("""
            select version, code, accepted_at from partner_commitment
             where partner_id = :partner order by version desc, accepted_at, code
        """),
        {"partner": partner_id},
    )
    return [Accepted(**row._mapping) for row in rows]
