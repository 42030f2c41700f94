"""Whatever a bank does with our runs, and in whatever order its files come, the books end equal to its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from batch.bank.files import open_bank_file
from batch.bank.import_file import take_bank_file
from batch.bank.import_letters import tell
from ledger.accounts import BANK, BANK_CHARGES, FUNDING, IN_TRANSIT, SUSPENSE, partner_account
from ledger.reconciliation import decisions
from tests.batch.bank.simulated_bank import Debits, Fate, Returns, SimulatedBank
from tests.conftest import Database
from tests.payout_world import MONDAY, PAYER, World

AMOUNTS = (70_00, 40_00, 40_00, 110_00, 1_50)


@dataclass
class Season:
    """Two weeks paid to the same partners, some of them twice the same amount."""

    database: Database
    partners: list[int]
    files: list[bytes]
    granted: int
    """What stood on the funding account before the bank told anything."""


@pytest.fixture(scope="module")
def season(server_url: object, template_database: str) -> Iterator[Season]:
    """Two runs that went to the bank; what a test does to them it takes back."""
    database = Database.make(server_url, template_database)  # type: ignore[arg-type]
    patch = pytest.MonkeyPatch()
    patch.setenv("ATOUTS_PAYER_IBAN", PAYER.iban)
    world = World(database.engine, database.owner_engine)
    partners = [world.partner() for _ in AMOUNTS]
    files = []
    for week in range(2):
        for partner, amount in zip(partners, AMOUNTS, strict=True):
            world.sale(partner, amount, MONDAY.replace(day=2 + 7 * week))
        files.append(world.content(world.generated(MONDAY.replace(day=6 + 7 * week))))
    yield Season(database, partners, files, world.balance(FUNDING))
    patch.undo()
    database.drop()


@dataclass(frozen=True)
class Behaviour:
    """What a bank does with a run, and how it tells it."""

    fates: tuple[Fate, ...]
    debits: Debits
    returns: Returns

    @classmethod
    def told(cls, fates: list[Fate], debits: Debits, returns: Returns) -> Behaviour:
        """A behaviour that can be understood: nobody could tell which payments are missing from a mere total."""
        clear = (Fate.PAID if debits.by_total and fate is Fate.KEPT else fate for fate in fates)
        return cls(tuple(clear), debits, returns)


behaviours = st.builds(
    Behaviour.told,
    st.lists(st.sampled_from(Fate), min_size=1, max_size=5),
    st.sampled_from(Debits),
    st.sampled_from(Returns),
)


def balances(conn: Connection) -> dict[int, int]:
    """Credits less debits of every account that is not a wallet."""
    rows = conn.execute(
        text("select account_id, sum(amount)::bigint as cents from entry where account_id > 2000000000000 group by 1")
    )
    return {row.account_id: row.cents for row in rows}


def accept_everything(conn: Connection) -> None:
    """Have a person accept what is proposed: an account and an amount that fit two weeks could be either."""
    proposed = text("select id from bank_share where state = 'open' and nature = 'match' order by id limit 1")
    while (share := conn.execute(proposed).scalar_one_or_none()) is not None:
        decisions.accept(conn, share, actor="tests", tell=tell)


@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
)
@given(
    first=behaviours,
    second=behaviours,
    version=st.sampled_from(["02", "08"]),
    notify=st.booleans(),
    fan_out=st.booleans(),
    charge=st.sampled_from([0, 2_30]),
    data=st.data(),
)
def test_the_books_end_equal_to_the_bank_for_every_order_of_its_files(
    season: Season,
    first: Behaviour,
    second: Behaviour,
    version: str,
    notify: bool,
    fan_out: bool,
    charge: int,
    data: st.DataObject,
) -> None:
    bank = SimulatedBank(version=version)
    fates: dict[int, list[tuple[Fate, int]]] = {}
    for content, behaviour in zip(season.files, (first, second), strict=True):
        payments = bank.take(content, behaviour.fates, behaviour.debits, behaviour.returns, fan_out=fan_out)
        for number, payment in enumerate(payments):
            fate = behaviour.fates[number % len(behaviour.fates)]
            fates.setdefault(season.partners[number], []).append((fate, payment.cents))
    if charge:
        bank.charge(charge, min(bank.days, default=date(2026, 12, 1)))
    files = bank.files(notify=notify)
    order = data.draw(st.permutations(files))
    doubled = data.draw(st.lists(st.sampled_from(files), max_size=2)) if files else []
    with season.database.engine.connect() as conn, conn.begin() as transaction:
        for content in [*order, *doubled]:
            with open_bank_file(content) as bank_file:
                take_bank_file(conn, bank_file, name="test", actor="tests")
            conn.execute(text("set constraints all immediate"))
            conn.execute(text("set constraints all deferred"))
        accept_everything(conn)
        found = balances(conn)
        waiting = conn.execute(text("select reason from bank_share where state = 'open'")).scalars().all()
        transaction.rollback()
    assert waiting == []
    assert -found.get(BANK, 0) == (bank.balance if bank.days else 0)
    owed_again = {
        partner: sum(cents for fate, cents in told if fate not in (Fate.PAID, Fate.KEPT))
        for partner, told in fates.items()
    }
    assert {partner: found.get(partner_account(partner), 0) for partner in season.partners} == owed_again
    kept = sum(cents for told in fates.values() for fate, cents in told if fate is Fate.KEPT)
    assert found.get(IN_TRANSIT, 0) == kept
    assert found.get(SUSPENSE, 0) == 0
    assert -found.get(BANK_CHARGES, 0) == bank.charged
    assert found.get(FUNDING, 0) - season.granted == (bank.opening if bank.days else 0)
