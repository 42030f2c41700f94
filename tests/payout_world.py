"""What the tests of payouts start from: partners with bank accounts, sales at any instant, people who approve."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from schwifty import IBAN
from sqlalchemy import Connection, Engine, text

from batch import payouts
from ledger import partners, people, transfers
from ledger.accounts import FUNDING, IN_TRANSIT, WRITE_OFF, partner_account
from ledger.identifiers import luhn_digit, uai_letter
from ledger.payouts import approval, files, proof, runs
from ledger.payouts.freeze import freeze
from ledger.payouts.rules import Payer, Terms
from ledger.rights import Role

PAYER = Payer("Région Normandie", "FR7610071140000000100000176", "TRPUFRP1XXX")
TERMS = Terms(payer=PAYER, bank_profile={}, minimum=100)
MONDAY = datetime(2026, 9, 6, 22, tzinfo=UTC)
"""Monday 7 September 2026, 0 h in Paris: the cut-off of 2026-W36."""
BEFORE = datetime(2026, 9, 2, 10, tzinfo=UTC)
AFTER = datetime(2026, 9, 8, 10, tzinfo=UTC)
SCHOOL_YEAR = 2026

_numbers = count(1)


def siret(number: int) -> str:
    """A SIRET that passes its check."""
    siren = f"{number:08d}"
    siren += luhn_digit(siren)
    return siren + "0001" + luhn_digit(siren + "0001")


def iban(number: int) -> str:
    """A French account that passes its check; another for every number."""
    return str(IBAN.generate("FR", bank_code="30004", account_code=f"{number:011d}", branch_code="00001"))


@dataclass
class World:
    """A scheme whose sales are posted straight into the books, at the instants a test asks for."""

    engine: Engine
    owner: Engine
    """Who may post at an instant that is not now."""
    wallets: dict[int, int] = field(default_factory=dict)
    sold: dict[int, int] = field(default_factory=dict)

    def partner(self, *, account: str | None = None, name: str | None = None, validated: bool = True) -> int:
        """A partner, validated unless said otherwise, with a bank account accepted at its validation."""
        number = next(_numbers)
        application = partners.Application(
            siret=siret(number),
            uai=f"{number:07d}{uai_letter(f'{number:07d}')}",
            name=name or f"Lycée n° {number}",
            town="Caen",
            representative="Mme Le Goff",
            email=f"lycee{number}@example.org",
            phone="0231000000",
            iban=account or iban(number),
            account_holder=name or f"Lycée n° {number}",
        )
        with self.engine.begin() as conn:
            partner_id = partners.apply(conn, application, actor="person:900001")
            if validated:
                partners.validate(conn, partner_id, actor="person:900002")
        return partner_id

    def person(self, *roles: Role) -> int:
        """An active person with these roles."""
        with self.engine.begin() as conn:
            person_id = people.create(conn, email=f"p{next(_numbers)}@example.org", name="Alix Martin", by="tests")
            people.set_password(conn, person_id, "$argon2id$of the tests", by="tests")
            for role in roles:
                people.grant(conn, person_id, role, by="tests")
        return person_id

    def sale(self, partner_id: int, amount: int, at: datetime = BEFORE) -> int:
        """Sell for `amount` cents at an instant; the number of the transfer."""
        with self.owner.begin() as conn:
            return self.sale_within(conn, partner_id, amount, at)

    def sale_within(self, conn: Connection, partner_id: int, amount: int, at: datetime = BEFORE) -> int:
        """The same, in a transaction of the owner."""
        wallet = 1_000_000_000_000 + next(_numbers)
        number = next(_numbers)
        conn.execute(
            text("insert into account (id, owner_id, benefit_id) values (:id, :owner, 1)"),
            {"id": wallet, "owner": number},
        )
        granted = transfers.Transfer("grant", FUNDING, wallet, amount, wallet, SCHOOL_YEAR)
        transfers.post(conn, [granted])
        account = partner_account(partner_id)
        sold = conn.execute(
            text("""
                insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year,
                                      posted_at)
                values ('sale', :wallet, :account, :amount, :number, 1, :year, :at) returning id
            """),
            {"wallet": wallet, "account": account, "amount": amount, "number": number, "year": SCHOOL_YEAR, "at": at},
        ).scalar_one()
        self.wallets[sold], self.sold[sold] = wallet, amount
        return int(sold)

    def refund(self, partner_id: int, sale: int, at: datetime = BEFORE) -> int:
        """Give a sale back at an instant; the number of the transfer."""
        with self.owner.begin() as conn:
            return int(
                conn.execute(
                    text("""
                        insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year,
                                              posted_at, reverses)
                        values ('refund', :account, :wallet, :amount, :number, 1, :year, :at, :sale) returning id
                    """),
                    {
                        "account": partner_account(partner_id),
                        "wallet": self.wallets[sale],
                        "amount": self.sold[sale],
                        "number": next(_numbers),
                        "year": SCHOOL_YEAR,
                        "at": at,
                        "sale": sale,
                    },
                ).scalar_one()
            )

    def write_off(self, partner_id: int, amount: int, at: datetime = BEFORE) -> int:
        """Give up `amount` cents that a partner owes, or, below zero, that it is owed; the number of the transfer."""
        sides = (WRITE_OFF, partner_account(partner_id)) if amount > 0 else (partner_account(partner_id), WRITE_OFF)
        with self.owner.begin() as conn:
            return int(
                conn.execute(
                    text("""
                        insert into transfer (kind, debit_account, credit_account, amount, document, line, school_year,
                                              posted_at)
                        values ('write_off', :debit, :credit, :amount, :number, 1, :year, :at) returning id
                    """),
                    {
                        "debit": sides[0],
                        "credit": sides[1],
                        "amount": abs(amount),
                        "number": next(_numbers),
                        "year": SCHOOL_YEAR,
                        "at": at,
                    },
                ).scalar_one()
            )

    def freeze(
        self, cutoff: datetime = MONDAY, terms: Terms = TERMS, *, actor: str = "job:payouts", weekly: bool = True
    ) -> runs.Run:
        """Freeze a run and read it back."""
        with self.engine.begin() as conn:
            return runs.get(conn, freeze(conn, cutoff=cutoff, terms=terms, actor=actor, weekly=weekly, patience=5))

    def approve(self, run: runs.Run) -> runs.Run:
        """Have two people approve the run."""
        for _ in range(2):
            person_id = self.person(Role.PAYMENT_APPROVER)
            with self.engine.begin() as conn:
                approval.approve(conn, run.id, person_id=person_id, content_hash=run.content_hash)
        return self.run(run.id)

    def run(self, run_id: int) -> runs.Run:
        """The run as it is now."""
        with self.engine.connect() as conn:
            return runs.get(conn, run_id)

    def payments(self, run: runs.Run) -> list[runs.Payment]:
        """Its payments as they are now."""
        with self.engine.connect() as conn:
            return list(runs.payments(conn, run.id))

    def held(self, run: runs.Run) -> dict[int, tuple[int, str]]:
        """Amount and reason of what is held, by partner."""
        with self.engine.connect() as conn:
            return {
                one.frozen.partner_id: (one.frozen.amount, one.frozen.reason.value) for one in runs.held(conn, run.id)
            }

    def balance(self, account: int) -> int:
        """Credits less debits of an account, in cents."""
        with self.engine.connect() as conn:
            return int(
                conn.execute(
                    text("select coalesce(sum(amount), 0) from entry where account_id = :account"), {"account": account}
                ).scalar_one()
            )

    def approved(self, cutoff: datetime = MONDAY, *, weekly: bool = True) -> runs.Run:
        """A run under the settings as they are, approved by two people."""
        return self.approve(self.run(payouts.prepare(self.engine, cutoff=cutoff, actor="job:payouts", weekly=weekly)))

    def generated(self, cutoff: datetime = MONDAY, *, weekly: bool = True) -> runs.Run:
        """The same, with its file."""
        return payouts.generate(self.engine, self.approved(cutoff, weekly=weekly).id, actor="person:1")

    def content(self, run: runs.Run) -> bytes:
        """The stored bytes of a run's file."""
        stream = io.BytesIO()
        with self.engine.connect() as conn:
            files.copy(conn, run, stream)
        return stream.getvalue()

    def tamper(self, statement: str, **values: object) -> None:
        """Change what nobody can change, as somebody with the server's own rights would."""
        with self.owner.begin() as conn:
            conn.execute(text("set local session_replication_role = replica"))
            assert conn.execute(text(statement), values).rowcount > 0

    def assert_sound(self) -> None:
        """The runs and the books agree: nothing is paid twice, nothing is forgotten."""
        with self.engine.connect() as conn:
            assert proof.unbalanced(conn) == []
            assert proof.hidden(conn) == []
            assert all(run.owed == run.amount + run.carried + run.held for run in runs.latest(conn))

    @property
    def in_transit(self) -> int:
        """What is in a file and not booked by the bank."""
        return self.balance(IN_TRANSIT)
