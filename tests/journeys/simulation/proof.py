"""The proof: the books hold what the tills were told, each sale once, and nothing else."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, text

from batch.seals import seal_all
from ledger import books_check, seals
from ledger.payouts import proof
from tests.journeys.simulation.doors import Accepted
from tests.journeys.simulation.journal import Journal
from tests.journeys.simulation.till import Till, TillPlan


@dataclass
class Told:
    """What the tills were told in all: cents debited per card and benefit, and owed per partner."""

    spent: Counter[tuple[int, str]] = field(default_factory=Counter)
    owed: Counter[int] = field(default_factory=Counter)

    def hear(self, plan: TillPlan, journal: Journal) -> None:
        """Take in what one till was told first, request by request; it only cancels sales of its own."""
        door = plan.open_door(direct=True)
        sales: dict[int, tuple[int, Accepted]] = {}
        for key, answers in journal.answers.items():
            intent = journal.intents[key]
            if intent.kind != "cancellation":
                for sale in door.accepted(answers[0]):
                    card = intent.sales[sale.place][0]
                    sales[sale.sale_id] = card, sale
                    for benefit, price in sale.lines:
                        self._move(plan, card, benefit, price)
        for key, answers in journal.answers.items():
            intent = journal.intents[key]
            if intent.kind == "cancellation":
                card, sale = sales[intent.sale_id]
                for number in door.given_back(answers[0]):
                    benefit, price = sale.lines[number - 1]
                    self._move(plan, card, benefit, -price)

    def _move(self, plan: TillPlan, card: int, benefit: str, amount: int) -> None:
        self.spent[card, benefit] += amount
        self.owed[plan.partner_id] += amount


def differences(engine: Engine, plans: list[TillPlan]) -> Iterator[str]:
    """Everything that is not as it should be, in words; nothing, if all is well."""
    told = Told()
    for plan in plans:
        journal = Till(plan).journal
        yield from _unequal_answers(plan, journal)
        told.hear(plan, journal)
        with engine.connect() as conn:
            yield from _keys(conn, plan, journal)
    for _ in seal_all(engine):
        pass
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        yield from _balances(conn, told)
        yield from map(str, books_check.check(conn))
        yield from (f"seal {broken.number}: {broken.damage}" for broken in seals.verify(conn).broken)
        yield from map(str, proof.unbalanced(conn))
        yield from map(str, proof.hidden(conn))


def replays(plan: TillPlan) -> Iterator[str]:
    """Ask everything that was answered once more, and tell where the answer is another one."""
    till = Till(plan)
    door = plan.open_door(direct=True)
    for key, answers in till.journal.answers.items():
        again = door.ask(till.journal.intents[key])
        if again != answers[0]:
            yield f"{plan.name}: {key} was answered {answers[0]!r}, and asked again {again!r}"


def _unequal_answers(plan: TillPlan, journal: Journal) -> Iterator[str]:
    for intent in journal.unanswered():
        yield f"{plan.name}: {intent.key} was never answered"
    for key, answers in journal.answers.items():
        if any(answer != answers[0] for answer in answers):
            yield f"{plan.name}: {key} was answered in two ways, {answers!r}"


def _keys(conn: Connection, plan: TillPlan, journal: Journal) -> Iterator[str]:
    """Each request that was answered is in the books under its key, whole; none is there that was not made."""
    rows = conn.execute(
        text("""
            select key::text, count(*) as sales, count(*) filter (where refusal is null) as accepted
              from sale where terminal_id = :terminal group by key
        """),
        {"terminal": plan.terminal_id},
    )
    there = {row.key: (row.sales, row.accepted) for row in rows}
    door = plan.open_door(direct=True)
    for key, intent in journal.intents.items():
        if intent.kind == "cancellation" or key not in journal.answers:
            continue
        accepted = len(door.accepted(journal.answers[key][0]))
        if there.get(key) != (len(intent.sales), accepted):
            yield f"{plan.name}: {key} was told {accepted} of {len(intent.sales)}, the books say {there.get(key)}"
    for key in there.keys() - journal.intents.keys():
        yield f"{plan.name}: nobody has asked for {key}"


def _balances(conn: Connection, told: Told) -> Iterator[str]:
    """What is left to each student and owed to each partner is what the tills' answers come to."""
    rows = conn.execute(
        text("""
            select c.id as card, b.code as benefit, g.amount - a.balance as spent
              from account a
              join benefit b on b.id = a.benefit_id
              join card c on c.student_id = a.owner_id
              join transfer g on g.kind = 'grant' and g.document = a.id
        """)
    )
    for row in rows:
        if row.spent != told.spent[row.card, row.benefit]:
            yield f"card {row.card}: {row.spent} cents were spent, the tills say {told.spent[row.card, row.benefit]}"
    owed = conn.execute(
        text("""
            select p.id, coalesce(sum(e.amount), 0) as owed
              from partner p left join entry e on e.account_id = 2000000000000 + p.id group by p.id
        """)
    )
    for row in owed:
        if row.owed != told.owed[row.id]:
            yield f"partner {row.id}: {row.owed} cents are owed, the tills say {told.owed[row.id]}"
