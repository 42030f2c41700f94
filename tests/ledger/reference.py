"""A ledger of a few pages, in plain Python: what the books must agree with, told without a database.

It keeps balances only, decides one line after the other, and knows no locks, keys or transactions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger.refusals import Refusal

# The order in which reasons are looked at; a sale is refused for the first one that any of its lines meets.
ORDER = list(Refusal)


@dataclass
class Wallet:
    """Cents a student has of one benefit, and the part of it that is reserved."""

    balance: int
    held: int = 0

    @property
    def available(self) -> int:
        return self.balance - self.held


@dataclass
class Good:
    benefit: str
    real_cost: int


@dataclass
class Partner:
    accepts: set[str]
    goods: dict[int, Good]
    sale_limit: int = 50_000
    suspended: bool = False
    owed: int = 0
    open: int = 0
    """What is owed and in no payout run."""


@dataclass
class Student:
    enrolled: bool = True


@dataclass
class Line:
    """A line of an accepted sale: which wallet pays, how much, and whether it was given back."""

    wallet: Wallet
    benefit: str
    price: int
    cancelled: bool = False


@dataclass
class Sale:
    partner: int
    lines: list[Line]
    hold: str | None = None
    """None for a sale at once, else "open", "captured", "voided" or "expired"."""
    time_is_up: bool = False


@dataclass
class Card:
    student: int
    revoked: bool = False
    left_school: bool = False
    """Revoked for that reason."""


@dataclass(frozen=True)
class Answer:
    """What a till is told: refusal, amount, and per line what is left and why it was refused."""

    refusal: Refusal | None
    amount: int
    left: tuple[int | None, ...]
    line_refusals: tuple[Refusal | None, ...]


Asked = tuple[int | None, Sequence[tuple[int, int]]]


@dataclass
class Reference:
    wallets: dict[tuple[int, str], Wallet] = field(default_factory=dict)
    students: dict[int, Student] = field(default_factory=dict)
    cards: dict[int, Card] = field(default_factory=dict)
    partners: dict[int, Partner] = field(default_factory=dict)
    too_late: set[str] = field(default_factory=set)
    """Benefits whose deadline has passed."""
    granted: int = 0
    lapsed: int = 0
    in_transit: int = 0

    def grant(self, student: int, benefit: str, amount: int) -> None:
        self.wallets[student, benefit] = Wallet(amount)
        self.granted += amount

    def sell(
        self, partner: int, asked: Sequence[Asked], *, all_or_nothing: bool, hold: bool, time_is_up: bool = False
    ) -> tuple[list[Answer], list[Sale | None]]:
        """Decide about a group in which no card is twice."""
        judged = [self._judge(self.partners[partner], card, lines) for card, lines in asked]
        group_fails = all_or_nothing and any(reason for reason, *_ in judged)
        answers: list[Answer] = []
        made: list[Sale | None] = []
        untouched = [tuple(wallet.available if wallet else None for wallet in wallets) for *_, wallets in judged]
        for (reason, reasons, lefts, wallets), available in zip(judged, untouched, strict=True):
            refusal = Refusal.GROUP_REFUSED if reason is None and group_fails else reason
            if refusal is not None:
                answers.append(Answer(refusal, 0, available, reasons))
                made.append(None)
                continue
            (_, lines) = asked[len(answers)]
            goods = self.partners[partner].goods
            sale = Sale(partner, [], "open" if hold else None, time_is_up)
            for (ean, price), wallet in zip(lines, wallets, strict=True):
                assert wallet is not None
                sale.lines.append(Line(wallet, goods[ean].benefit, price))
                if hold:
                    wallet.held += price
                else:
                    self._pay(sale, sale.lines[-1])
            answers.append(Answer(None, sum(price for _, price in lines), lefts, reasons))
            made.append(sale)
        return answers, made

    def _judge(
        self, partner: Partner, card_id: int | None, lines: Sequence[tuple[int, int]]
    ) -> tuple[Refusal | None, tuple[Refusal | None, ...], tuple[int | None, ...], list[Wallet | None]]:
        card = self.cards.get(card_id) if card_id is not None else None
        asked_of: dict[int, int] = {}
        reasons: list[Refusal | None] = []
        lefts: list[int | None] = []
        wallets: list[Wallet | None] = []
        for ean, price in lines:
            good = partner.goods.get(ean)
            wallet = self.wallets.get((card.student, good.benefit)) if card and good else None
            wallets.append(wallet)
            reason = self._reason(partner, card, good, price)
            if wallet is not None:
                asked_of[id(wallet)] = asked_of.get(id(wallet), 0) + price
                lefts.append(wallet.available - asked_of[id(wallet)])
                if reason is None and wallet.available < asked_of[id(wallet)]:
                    reason = Refusal.INSUFFICIENT_BALANCE
            else:
                lefts.append(None)
                if reason is None:
                    reason = Refusal.BENEFIT_NOT_GRANTED
            reasons.append(reason)
        met = [reason for reason in reasons if reason is not None]
        return min(met, key=ORDER.index, default=None), tuple(reasons), tuple(lefts), wallets

    def _reason(self, partner: Partner, card: Card | None, good: Good | None, price: int) -> Refusal | None:
        """The first thing that is wrong with a line, balances aside."""
        wrong = {
            Refusal.PARTNER_SUSPENDED: partner.suspended,
            Refusal.UNKNOWN_CARD: card is None,
            Refusal.STUDENT_NOT_ENROLLED: card is not None and card.left_school,
            Refusal.CARD_REVOKED: card is not None and card.revoked,
            Refusal.PRODUCT_NOT_COVERED: good is None,
            Refusal.BENEFIT_NOT_ACCEPTED: good is not None and good.benefit not in partner.accepts,
            Refusal.DEADLINE_PASSED: good is not None and good.benefit in self.too_late,
            Refusal.PRICE_ABOVE_REAL_COST: good is not None and price > good.real_cost,
            Refusal.LIMIT_REACHED: price > partner.sale_limit,
        }
        return next((reason for reason in ORDER if wrong.get(reason)), None)

    def _pay(self, sale: Sale, line: Line) -> None:
        line.wallet.balance -= line.price
        self.partners[sale.partner].owed += line.price
        self.partners[sale.partner].open += line.price

    def close(self, sale: Sale, outcome: str) -> None:
        """Capture, void or expire an open hold."""
        sale.hold = outcome
        for line in sale.lines:
            line.wallet.held -= line.price
            if outcome == "captured":
                self._pay(sale, line)

    def cancel(self, sale: Sale, numbers: Sequence[int]) -> tuple[int, int]:
        """Give lines (from 1) back; what was refunded, and what of it lapsed at once."""
        refunded = lapsed = 0
        for number in numbers:
            line = sale.lines[number - 1]
            line.cancelled = True
            refunded += line.price
            self.partners[sale.partner].owed -= line.price
            self.partners[sale.partner].open -= line.price
            if line.benefit in self.too_late:
                lapsed += line.price
            else:
                line.wallet.balance += line.price
        self.lapsed += lapsed
        return refunded, lapsed

    def withdraw(self, student: int) -> None:
        """A student has left: the card that counts is refused; what is in the wallets stays."""
        self.students[student].enrolled = False
        for card in self.cards.values():
            if card.student == student and not card.revoked:
                card.revoked = card.left_school = True

    def lapse(self) -> int:
        """Take back what can no longer be used and is not reserved."""
        amount = 0
        for (_, benefit), wallet in self.wallets.items():
            if benefit in self.too_late:
                amount += wallet.available
                wallet.balance -= wallet.available
        self.lapsed += amount
        return amount
