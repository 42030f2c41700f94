"""What the service answers, as values. Amounts are cents, instants carry their time zone.

Each `read` takes the JSON object of the API and raises ValueError, TypeError or KeyError when it is not what the API
promises. Members that are not known here are passed over, so that the service may add some.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from pos_client.refusals import Refusal

Json = Mapping[str, Any]
LABELS = {"books": "Livres scolaires", "equipment": "Équipement professionnel"}
"""The benefits' names, for the answers that have only their codes."""


@dataclass(frozen=True, slots=True)
class Student:
    """As much of a student as the clerk needs in order to greet the right one."""

    first_name: str
    initial: str
    class_name: str

    @classmethod
    def read(cls, data: Json) -> Self:
        return cls(_text(data, "first_name"), _text(data, "initial"), _text(data, "class_name"))

    @property
    def called(self) -> str:
        """As in: Léa M., 2de 4."""
        name = f"{self.first_name} {self.initial.rstrip('.')}." if self.initial else self.first_name
        return f"{name}, {self.class_name}" if self.class_name else name


@dataclass(frozen=True, slots=True)
class Benefit:
    """One benefit of a student, of those that this partner may charge to."""

    code: str
    label: str
    granted_cents: int
    balance_cents: int
    held_cents: int
    available_cents: int
    usable_until: date

    @classmethod
    def read(cls, data: Json) -> Self:
        return cls(
            _text(data, "benefit"),
            _text(data, "label"),
            _whole(data, "granted_cents"),
            _whole(data, "balance_cents"),
            _whole(data, "held_cents"),
            _whole(data, "available_cents"),
            date.fromisoformat(data["usable_until"]),
        )


@dataclass(frozen=True, slots=True)
class Lookup:
    """Whose card it is and what is left on it; the token stands for this scan in the sale that follows."""

    token: str
    expires_at: datetime
    student: Student
    benefits: tuple[Benefit, ...]

    @classmethod
    def read(cls, data: Json) -> Self:
        return cls(
            _text(data, "lookup_token"),
            datetime.fromisoformat(data["expires_at"]),
            Student.read(data["student"]),
            tuple(Benefit.read(benefit) for benefit in data["benefits"]),
        )

    def available_cents(self, benefit: str) -> int:
        """What can be charged to a benefit; nothing when the student does not have it."""
        return sum(each.available_cents for each in self.benefits if each.code == benefit)


@dataclass(frozen=True, slots=True)
class Product:
    """A licence or an article of the partner's catalogue; the real cost is the most it may be sold for."""

    ean: str
    title: str
    publisher: str
    benefit: str
    real_cost_cents: int

    @classmethod
    def read(cls, data: Json) -> Self:
        return cls(
            _text(data, "ean"),
            _text(data, "title"),
            data.get("publisher") or "",
            _text(data, "benefit"),
            _whole(data, "real_cost_cents"),
        )


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line of a sale; `line` is its number, by which it can be cancelled alone."""

    line: int
    ean: str
    benefit: str
    price_cents: int
    title: str
    """Empty in the answer to a sale, which repeats nothing that may change."""
    state: str

    @classmethod
    def read(cls, data: Json) -> Self:
        return cls(
            _whole(data, "line"),
            _text(data, "ean"),
            _text(data, "benefit"),
            _whole(data, "price_cents"),
            data.get("title") or "",
            data.get("state") or "accepted",
        )


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left of a benefit after a sale, and until when."""

    benefit: str
    label: str
    balance_cents: int
    usable_until: date

    @classmethod
    def read(cls, data: Json) -> Self:
        benefit = _text(data, "benefit")
        return cls(
            benefit,
            data.get("label") or LABELS.get(benefit, benefit),
            _whole(data, "balance_cents"),
            date.fromisoformat(data["usable_until"]),
        )


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale, as answered when it was made or as read again later."""

    sale_id: str
    created_at: datetime
    state: str
    """`accepted` when it was made; later also `partly_cancelled` or `cancelled`."""
    lines: tuple[SoldLine, ...]
    debited_cents: int
    refunded_cents: int
    """What cancellations have given back since."""
    balances: tuple[Balance, ...]
    """What the sale, or its last cancellation, left of each benefit that it charged."""
    usable_until: date | None
    student: Student | None
    """None in the answer to a sale, which repeats nothing that may change."""

    @classmethod
    def read(cls, data: Json) -> Self:
        return cls(
            _text(data, "sale_id"),
            datetime.fromisoformat(data["created_at"]),
            _text(data, "state"),
            tuple(SoldLine.read(line) for line in data["lines"]),
            _whole(data, "debited_cents"),
            _whole(data, "refunded_cents") if "refunded_cents" in data else 0,
            tuple(Balance.read(balance) for balance in data["balances"]),
            _day(data, "usable_until"),
            Student.read(data["student"]) if data.get("student") else None,
        )

    @property
    def buyer(self) -> str:
        """The student for people, as far as the answer names one."""
        return self.student.called if self.student else "l’élève"


@dataclass(frozen=True, slots=True)
class GroupItem:
    """What became of one sale of a group purchase; `item` is its place in the request, from 0."""

    item: int
    outcome: Sale | Refusal

    @classmethod
    def read(cls, data: Json) -> Self:
        if data["outcome"] == "accepted":
            return cls(_whole(data, "item"), Sale.read(data["sale"]))
        if data["outcome"] != "refused":
            raise ValueError(f"unknown outcome {data['outcome']!r}")
        refusal = data["refusal"]
        return cls(
            _whole(data, "item"),
            Refusal(_text(refusal, "code"), refusal.get("detail") or "", refusal.get("balance_cents")),
        )


@dataclass(frozen=True, slots=True)
class GroupResult:
    """What became of a group purchase: each sale of it accepted or refused."""

    items: tuple[GroupItem, ...]
    accepted: int
    refused: int
    debited_cents: int

    @classmethod
    def read(cls, data: Json) -> Self:
        return cls(
            tuple(GroupItem.read(item) for item in data["results"]),
            _whole(data, "accepted"),
            _whole(data, "refused"),
            _whole(data, "debited_cents"),
        )


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Lines given back. What comes back after the deadline lapses at once: that part is `lapsed_cents`."""

    cancellation_id: str
    sale_id: str
    refunded_cents: int
    lapsed_cents: int
    balances: tuple[Balance, ...]

    @classmethod
    def read(cls, data: Json) -> Self:
        return cls(
            _text(data, "cancellation_id"),
            _text(data, "sale_id"),
            _whole(data, "refunded_cents"),
            _whole(data, "lapsed_cents"),
            tuple(Balance.read(balance) for balance in data["balances"]),
        )


@dataclass(frozen=True, slots=True)
class Assistance:
    """Whom a clerk may ask."""

    email: str
    phone: str
    hours: str

    @classmethod
    def read(cls, data: Json) -> Self:
        return cls(_text(data, "email"), _text(data, "phone"), _text(data, "hours"))

    @property
    def sentence(self) -> str:
        return f"Assistance : {self.phone} ({self.hours}), {self.email}"


@dataclass(frozen=True, slots=True)
class Pairing:
    """A till just tied to a partner. The secret is shown this once."""

    terminal_id: str
    secret: str
    partner_name: str
    uai: str

    @classmethod
    def read(cls, data: Json) -> Self:
        partner = data["partner"]
        return cls(_text(data, "terminal_id"), _text(data, "secret"), _text(partner, "name"), partner.get("uai") or "")


@dataclass(frozen=True, slots=True)
class TerminalStatus:
    """What the service says of this till."""

    terminal_id: str
    name: str
    partner_name: str
    partner_status: str
    assistance: Assistance
    usable_until: date | None

    @classmethod
    def read(cls, data: Json) -> Self:
        partner = data["partner"]
        return cls(
            _text(data, "terminal_id"),
            _text(data, "name"),
            _text(partner, "name"),
            _text(partner, "status"),
            Assistance.read(data["assistance"]),
            _day(data, "usable_until"),
        )


def _text(data: Json, name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _day(data: Json, name: str) -> date | None:
    return None if data[name] is None else date.fromisoformat(data[name])


def _whole(data: Json, name: str) -> int:
    value = data[name]
    # JSON's true is no amount, though Python counts with it.
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is no whole number")
    return value
