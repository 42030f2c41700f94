"""A small scheme for tests: a school year, students with wallets and cards, a partner, its till and goods."""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from ledger import benefits, cards, catalogue, partners, sales, students, terminals
from ledger.calendar import deadline, last_day_of_year, school_year_at
from ledger.sales import AnsweredSale, AskedLine, AskedSale

ACTOR = "test:1"
KEYS = cards.CardKeys(1, {1: b"a key for tests"})
BOOK, OTHER_BOOK, HELMET = 9_782_010_000_003, 9_782_010_000_010, 3_760_000_000_017
SCHOOL = "0140013N"


@dataclass(frozen=True)
class Line:
    """A roster line."""

    national_id: str
    stream: str = "general"
    first_entry: bool = False
    last_name: str = "Lemaître"
    first_name: str = "Zoé"
    birth_date: date = date(2010, 7, 14)
    school_uai: str = SCHOOL
    class_name: str = "2nde 4"
    programme: str = "générale"
    email: str | None = None
    school_year: int = 2026


@dataclass(frozen=True)
class School:
    uai: str = SCHOOL
    name: str = "Lycée Malherbe"
    town: str = "Caen"


@dataclass
class Till:
    """A validated partner, its account and its till."""

    partner_id: int
    terminal_id: int
    secret: str

    @property
    def account(self) -> int:
        return 2_000_000_000_000 + self.partner_id

    def sell(
        self,
        conn: Connection,
        *asked: tuple[int | None, list[tuple[int, int]]],
        key: UUID | None = None,
        **options: object,
    ) -> list[AnsweredSale]:
        """Sell to cards: each `(card, [(ean, price), ...])`."""
        wanted = [AskedSale(card, [AskedLine(*line) for line in lines]) for card, lines in asked]
        digest = hashlib.sha256(repr((wanted, options)).encode()).digest()
        return sales.sell(
            conn,
            terminal_id=self.terminal_id,
            secret_hash=terminals.hash_of_secret(self.secret),
            key=key or uuid4(),
            request_hash=digest,
            sales=wanted,
            **options,  # type: ignore[arg-type]
        )


@dataclass
class Scheme:
    """What `make_scheme` made."""

    till: Till
    student_ids: list[int] = field(default_factory=list)
    cards: list[int] = field(default_factory=list)

    def wallet(self, conn: Connection, student: int, code: str = "books") -> int:
        """The number of a student's wallet."""
        return int(
            conn.execute(
                text("""
                    select a.id from account a join benefit b on b.id = a.benefit_id
                     where a.owner_id = :student and b.code = :code
                """),
                {"student": self.student_ids[student], "code": code},
            ).scalar_one()
        )

    def balance(self, conn: Connection, student: int, code: str = "books") -> int:
        """What a student's wallet holds, in cents."""
        return int(
            conn.execute(
                text("select balance from account where id = :id"), {"id": self.wallet(conn, student, code)}
            ).scalar_one()
        )


def make_partner(
    conn: Connection, *, siret: str = "21140118700011", uai: str = "0140014P", name: str = "Lycée Victor Hugo"
) -> Till:
    """A validated partner that accepts both benefits, with a paired till and three goods."""
    partner_id = partners.apply(
        conn,
        partners.Application(
            siret=siret,
            uai=uai,
            name=name,
            town="Caen",
            representative="Mme Le Goff",
            email="gestion@lycee.example",
            phone="0231000000",
            iban="FR7630006000011234567890189",
            account_holder=name,
            accepts=("books", "equipment"),
        ),
        actor=ACTOR,
    )
    partners.validate(conn, partner_id, actor="test:2")
    catalogue.offer(
        conn,
        partner_id,
        [
            catalogue.Offer(f"{BOOK:013}", "Maths 2nde", "Éditions du Bocage", "books", 3000),
            catalogue.Offer(f"{OTHER_BOOK:013}", "Physique 2nde", "Éditions du Bocage", "books", 2500),
            catalogue.Offer(f"{HELMET:013}", "Casque", "Sûreté Ouest", "equipment", 6000),
        ],
        actor=ACTOR,
    )
    code, _ = terminals.make_pairing_code(conn, partner_id, actor=ACTOR)
    paired = terminals.pair_terminal(conn, code, name="Guichet")
    assert paired is not None
    return Till(partner_id, paired.terminal_id, paired.secret)


def open_current_year(conn: Connection) -> int:
    """Open the school year under way and return it; in the summer, when 30 June has passed, until its last day."""
    now = conn.execute(text("select now()")).scalar_one()
    year = school_year_at(now)
    last_day = None if now < deadline(year) else last_day_of_year(year)
    benefits.open_school_year(conn, year, last_day=last_day, actor=ACTOR)
    return year


def let_benefits_end(conn: Connection, days: int) -> None:
    """Have every benefit end with the day, in Paris, in so many `days`; those of the next year then come later.

    Only the owner can: `conn` is one of its connections.
    """
    conn.execute(
        text("""
            with told as (
                select (date_trunc('day', now() at time zone 'Europe/Paris') + (:days + 1) * interval '1 day')
                       at time zone 'Europe/Paris' as usable_until
            )
            update benefit b set usable_until = t.usable_until, replaced_at = greatest(b.replaced_at, t.usable_until)
              from told t
        """),
        {"days": days},
    )


def make_scheme(conn: Connection, *lines: Line) -> Scheme:
    """A running school year with these students (one of the general stream if none is given) and one partner."""
    wanted = [*lines] or [Line("123456789AB")]
    year = open_current_year(conn)
    wanted = [Line(**{**line.__dict__, "school_year": year}) for line in wanted]
    students.import_schools(conn, [School()])
    students.import_roster(conn, wanted, actor=ACTOR)
    benefits.grant(conn, year, actor=ACTOR)
    cards.issue_missing_cards(conn, KEYS, school_year=year)
    ids = [
        conn.execute(text("select id from student where national_id = :n"), {"n": line.national_id}).scalar_one()
        for line in wanted
    ]
    live = cards.live_cards(conn, ids)
    return Scheme(make_partner(conn), ids, [live[student].card_id for student in ids])
