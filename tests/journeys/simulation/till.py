"""A till: one process that sells, sells to classes, cancels and asks again, until it is told to stop.

Killed and started again it first asks what it had not been answered, as a till with an outbox does.
"""

import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from tests.journeys.simulation.doors import Door, HttpDoor, LedgerDoor, NoAnswer
from tests.journeys.simulation.journal import Intent, Journal
from tests.ledger.scheme import BOOK, OTHER_BOOK

PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class TillPlan:
    """What one till is: its door ("ledger" or "http") and address, its secret, its journal, the cards it meets."""

    name: str
    door: str
    address: str
    direct_address: str
    """The same without a network that is cut in between."""
    terminal_id: int
    partner_id: int
    secret: str
    seed: int
    journal: str
    stop: str
    """A file: once it is there, the till asks nothing new."""
    cards: list[int]

    def open_door(self, *, direct: bool = False) -> Door:
        address = self.direct_address if direct else self.address
        if self.door == "ledger":
            return LedgerDoor(address, self.terminal_id, self.partner_id, self.secret)
        return HttpDoor(address, self.terminal_id, self.secret)


@dataclass
class Till:
    """One till at work."""

    plan: TillPlan

    def __post_init__(self) -> None:
        self.journal = Journal(Path(self.plan.journal))
        self.door = self.plan.open_door()

    def work(self) -> None:
        """Ask until told to stop; then leave nothing unanswered if the network allows it."""
        for intent in self.journal.unanswered():
            self.settle(intent)
        while not Path(self.plan.stop).exists():
            # What comes next follows from the seed and from how much was asked before, not from being killed.
            chance = random.Random(f"{self.plan.seed}/{len(self.journal.intents)}")
            if self.journal.answers and chance.random() < 0.15:
                self.settle(self.journal.intents[chance.choice(list(self.journal.answers))])
            intent = self.decide(chance)
            self.journal.intend(intent)
            self.settle(intent)

    def settle(self, intent: Intent) -> None:
        """Ask until there is an answer."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.journal.answered(intent.key, self.door.ask(intent))
                return
            except NoAnswer:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE_SECONDS)

    def decide(self, chance: random.Random) -> Intent:
        key = str(UUID(int=chance.getrandbits(128), version=4))
        made = [sale for intent, answers in self._answered() for sale in self.door.accepted(answers[0]) if intent]
        what = chance.random()
        if made and what < 0.2:
            sale = chance.choice(made)
            lines = chance.sample(range(1, len(sale.lines) + 1), chance.randint(1, len(sale.lines)))
            return Intent(key, "cancellation", sale_id=sale.sale_id, lines=sorted(lines))
        size = chance.randint(2, 12) if what > 0.85 else 1
        cards = chance.sample(self.plan.cards, size)
        sales = [(card, [_line(chance) for _ in range(chance.randint(1, 3))]) for card in cards]
        return Intent(key, "group" if size > 1 else "sale", sales, all_or_nothing=chance.random() < 0.3)

    def _answered(self) -> list[tuple[Intent, list[object]]]:
        """The latest sales that were answered; a clerk cancels what has just gone wrong."""
        latest = list(self.journal.answers.items())[-50:]
        return [
            (self.journal.intents[key], answers)
            for key, answers in latest
            if self.journal.intents[key].kind != "cancellation"
        ]


def _line(chance: random.Random) -> tuple[int, int]:
    ean = chance.choice([BOOK, OTHER_BOOK])
    return ean, chance.randint(1, 2500)


def save(plan: TillPlan, path: Path) -> None:
    path.write_text(json.dumps(asdict(plan)))


def load(path: Path) -> TillPlan:
    return TillPlan(**json.loads(path.read_text()))


if __name__ == "__main__":
    Till(load(Path(sys.argv[1]))).work()
