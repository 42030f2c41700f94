"""A bank that takes our payment files, does with each payment as it is told, and reports it in one of many dialects."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from batch.sepa.profile import Version
from batch.sepa.reader import read_blocks
from tests.batch.bank.messages import ACCOUNT, NAMESPACE, balance, details


class Fate(StrEnum):
    """What the bank does with a payment."""

    PAID = "paid"
    REJECTED = "rejected"
    RETURNED = "returned"
    REJECTED_LATE = "rejected after it was booked, and credited again"
    DEBITED_BY_MISTAKE = "rejected, debited all the same, and credited again"
    KEPT = "neither booked nor refused"


class Debits(StrEnum):
    """How it tells that it debited us."""

    BATCH_TOTAL = "one entry, the batch's id and total"
    BATCH_BY_MESSAGE = "one entry, our message's id and total"
    BATCH_IN_DETAIL = "one entry with every payment"
    BATCH_PARTLY = "one entry with some of the payments"
    SINGLE = "an entry for each payment"
    NO_IDS = "an entry for each payment, with account and amount only"

    @property
    def by_total(self) -> bool:
        """Whether a total speaks for payments that are not told one by one."""
        return self in (Debits.BATCH_TOTAL, Debits.BATCH_BY_MESSAGE, Debits.BATCH_PARTLY)


class Returns(StrEnum):
    """How it tells that money came back."""

    PLAIN = "with our end-to-end id"
    REVERSAL_TRUE = "with a reversal indicator that says true"
    REVERSAL_FALSE = "with a reversal indicator that says false"
    PROPRIETARY = "with its own code before the ISO one"
    LESS_CHARGES = "less its charges"
    BATCHED = "in one entry with the others"
    INSTRUCTION_ID = "with NOTPROVIDED and our instruction id"


@dataclass(frozen=True)
class Paid:
    """One payment of our file."""

    end_to_end_id: str
    iban: str
    cents: int


@dataclass(frozen=True)
class Booking:
    """One movement on our account."""

    cents: int
    direction: str
    inside: str

    @property
    def signed(self) -> int:
        """How it changes our balance."""
        return self.cents if self.direction == "CRDT" else -self.cents


@dataclass
class SimulatedBank:
    """One account of ours. Messages are kept in the order of the days; `files` gives them all."""

    opening: int = 5_000_00
    version: str = "08"
    reversed_charges: int = 350
    days: defaultdict[date, list[Booking]] = field(default_factory=lambda: defaultdict(list))
    reports: list[bytes] = field(default_factory=list)
    charged: int = 0
    returned: int = 0
    """What came back to us, charges and all."""
    _references: int = 0

    @property
    def balance(self) -> int:
        """What is on our account."""
        return self.opening + sum(booking.signed for day in self.days.values() for booking in day)

    def take(
        self,
        content: bytes,
        fates: Sequence[Fate],
        debits: Debits,
        returns: Returns,
        *,
        fan_out: bool = False,
    ) -> list[Paid]:
        """Take a payment file; `fates` are those of its payments, over and over. The payments as they were read.

        With `fan_out`, the rejection of all of them is told at the level of the batch alone.
        """
        message, day, payments = read_payments(content)
        by_fate: defaultdict[Fate, list[Paid]] = defaultdict(list)
        for number, payment in enumerate(payments):
            by_fate[fates[number % len(fates)]].append(payment)
        refused = [*by_fate[Fate.REJECTED], *by_fate[Fate.DEBITED_BY_MISTAKE]]
        if fan_out and len(refused) == len(payments):
            self.reports.append(self._report(message, "RJCT", refused=(), at=day))
        elif refused:
            self.reports.append(self._report(message, "PART", refused, at=day))
        usual = [*by_fate[Fate.PAID], *by_fate[Fate.RETURNED]]
        self._debit(message, sorted(usual, key=payments.index), debits, day)
        # Whether it rejects late what it debited within a mere total, nobody could tell.
        apart = Debits.SINGLE if debits.by_total else debits
        self._debit(message, by_fate[Fate.REJECTED_LATE], apart, day)
        for payment in by_fate[Fate.DEBITED_BY_MISTAKE]:
            named = None if debits is Debits.NO_IDS else message
            self._book(day, payment.cents, "DBIT", details(_detail(payment, named)))
            self._book(day + timedelta(days=2), payment.cents, "CRDT", details(_detail(payment, message)))
        if by_fate[Fate.REJECTED_LATE]:
            late = by_fate[Fate.REJECTED_LATE]
            self.reports.append(self._report(message, "PART", late, at=day + timedelta(days=1)))
            for payment in late:
                self._book(day + timedelta(days=3), payment.cents, "CRDT", details(_detail(payment, message)))
        self._give_back(message, by_fate[Fate.RETURNED], returns, day + timedelta(days=4))
        return payments

    def charge(self, cents: int, day: date) -> None:
        """Take a fee."""
        self.charged += cents
        code = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>CHRG</SubFmlyCd></Fmly></Domn></BkTxCd>"
        self._book(day, cents, "DBIT", code)

    def other(self, signed: int, day: date) -> None:
        """A movement that has nothing to do with us."""
        self._book(day, abs(signed), "CRDT" if signed > 0 else "DBIT", "")

    def files(self, *, notify: bool = False) -> list[bytes]:
        """Everything it sends: reports, a statement of each day, and if wanted a notification of each day."""
        sent = list(self.reports)
        opening = self.opening
        for number, (day, bookings) in enumerate(sorted(self.days.items()), start=1):
            closing = opening + sum(booking.signed for booking in bookings)
            sent.append(self._statement(number, day, opening, closing, bookings))
            if notify:
                sent.append(self._notification(number, day, bookings))
            opening = closing
        return sent

    # -- what it does --------------------------------------------------------------------------------------------

    def _debit(self, message: str, payments: list[Paid], how: Debits, day: date) -> None:
        if not payments:
            return
        total = sum(payment.cents for payment in payments)
        single = [_detail(payment, message) for payment in payments]
        batch = f"<Btch><PmtInfId>{message}-1</PmtInfId></Btch>"
        if how is Debits.BATCH_TOTAL:
            self._book(day, total, "DBIT", details(batch=batch))
        elif how is Debits.BATCH_BY_MESSAGE:
            self._book(day, total, "DBIT", details(batch=f"<Btch><MsgId>{message}</MsgId></Btch>"))
        elif how is Debits.BATCH_IN_DETAIL:
            self._book(day, total, "DBIT", details(*single, batch=batch))
        elif how is Debits.BATCH_PARTLY:
            self._book(day, total, "DBIT", details(*single[::2], batch=batch))
        else:
            for payment in payments:
                known = how is Debits.SINGLE
                self._book(day, payment.cents, "DBIT", details(_detail(payment, message if known else None)))

    def _give_back(self, message: str, payments: list[Paid], how: Returns, day: date) -> None:
        if not payments:
            return
        self.returned += sum(payment.cents for payment in payments)
        reason = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
        if how is Returns.PROPRIETARY:
            reason = "<RtrInf><Rsn><Prtry>911</Prtry></Rsn><AddtlInf>/RTN/AC04 COMPTE CLOS</AddtlInf></RtrInf>"
        if how is Returns.BATCHED:
            inside = details(*(_detail(payment, message, reason) for payment in payments))
            self._book(day, sum(payment.cents for payment in payments), "CRDT", inside)
            return
        for payment in payments:
            cents, detail = payment.cents, _detail(payment, message, reason)
            reversal = ""
            if how is Returns.REVERSAL_TRUE:
                reversal = "<RvslInd>true</RvslInd>"
            elif how is Returns.REVERSAL_FALSE:
                reversal = "<RvslInd>false</RvslInd>"
            elif how is Returns.LESS_CHARGES and payment.cents > self.reversed_charges:
                cents -= self.reversed_charges
                self.charged += self.reversed_charges
                detail = _detail(payment, message, reason, cents=cents, charges=self.reversed_charges)
            elif how is Returns.INSTRUCTION_ID:
                detail = detail.replace(
                    f"<EndToEndId>{payment.end_to_end_id}</EndToEndId>",
                    f"<InstrId>{payment.end_to_end_id}</InstrId><EndToEndId>NOTPROVIDED</EndToEndId>",
                )
            self._book(day, cents, "CRDT", details(detail), reversal)

    def _book(self, day: date, cents: int, direction: str, inside: str, reversal: str = "") -> None:
        self._references += 1
        status = "BOOK" if self.version == "02" else "<Cd>BOOK</Cd>"
        day_element = f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        reference = f"<AcctSvcrRef>B{self._references:06}</AcctSvcrRef>"
        head = f"{reversal}<Sts>{status}</Sts>{day_element}{reference}"
        self.days[day].append(Booking(cents, direction, head + inside))

    # -- what it says --------------------------------------------------------------------------------------------

    def _statement(self, number: int, day: date, opening: int, closing: int, bookings: list[Booking]) -> bytes:
        balances = _balance("OPBD", opening, day) + _balance("CLBD", closing, day)
        return self._document(
            "camt.053", "BkToCstmrStmt", "Stmt", f"R-{number}", day, f"{balances}{_entries(bookings)}", number
        )

    def _notification(self, number: int, day: date, bookings: list[Booking]) -> bytes:
        return self._document(
            "camt.054", "BkToCstmrDbtCdtNtfctn", "Ntfctn", f"A-{number}", day, _entries(bookings), number
        )

    def _document(self, kind: str, root: str, part: str, name: str, day: date, inside: str, number: int) -> bytes:
        return (
            f"<?xml version='1.0' encoding='UTF-8'?><Document xmlns='{NAMESPACE}{kind}.001.{self.version}'><{root}>"
            f"<GrpHdr><MsgId>{name}</MsgId><CreDtTm>{day}T23:00:00+02:00</CreDtTm></GrpHdr>"
            f"<{part}><Id>{name}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb><CreDtTm>{day}T23:00:00+02:00</CreDtTm>"
            f"{ACCOUNT}{inside}</{part}></{root}></Document>"
        ).encode()

    def _report(self, message: str, status: str, refused: Sequence[Paid], *, at: date) -> bytes:
        listed = "".join(
            f"<TxInfAndSts><OrgnlEndToEndId>{payment.end_to_end_id}</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
            "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>"
            for payment in refused
        )
        return (
            f"<?xml version='1.0' encoding='UTF-8'?><Document xmlns='{NAMESPACE}pain.002.001.10'><CstmrPmtStsRpt>"
            f"<GrpHdr><MsgId>P-{message}-{len(self.reports)}</MsgId><CreDtTm>{at}T09:00:00+02:00</CreDtTm></GrpHdr>"
            f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
            f"</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>{message}-1</OrgnlPmtInfId>"
            f"<PmtInfSts>{status}</PmtInfSts>{listed}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
        ).encode()


def read_payments(content: bytes) -> tuple[str, date, list[Paid]]:
    """Message id, requested day and payments of a pain.001.001.09."""
    message, day, payments = "", date.min, []
    for block in read_blocks(io.BytesIO(content), Version.V09):
        if block.kind == "GrpHdr":
            message = block.text("MsgId") or ""
        elif block.kind == "PmtInf":
            day = date.fromisoformat(block.text("ReqdExctnDt/Dt") or "")
        elif block.kind == "CdtTrfTxInf":
            euros, _, cents = (block.text("Amt/InstdAmt") or "").partition(".")
            payments.append(
                Paid(
                    end_to_end_id=block.text("PmtId/EndToEndId") or "",
                    iban=block.text("CdtrAcct/Id/IBAN") or "",
                    cents=int(euros) * 100 + int(cents.ljust(2, "0")),
                )
            )
    return message, day, payments


def amount(cents: int) -> str:
    """12050 is '120.50'."""
    return f"{cents // 100}.{cents % 100:02}"


def _balance(code: str, cents: int, day: date) -> str:
    return balance(code, amount(abs(cents)), "CRDT" if cents >= 0 else "DBIT", f"{day}")


def _entries(bookings: list[Booking]) -> str:
    return "".join(
        f"<Ntry><Amt Ccy='EUR'>{amount(one.cents)}</Amt><CdtDbtInd>{one.direction}</CdtDbtInd>{one.inside}</Ntry>"
        for one in bookings
    )


def _detail(payment: Paid, message: str | None, after: str = "", *, cents: int | None = None, charges: int = 0) -> str:
    """What is told of one payment; without a message, only whom it pays and how much."""
    ids = ""
    if message:
        ids = (
            f"<MsgId>{message}</MsgId><PmtInfId>{message}-1</PmtInfId><EndToEndId>{payment.end_to_end_id}</EndToEndId>"
        )
    fee = f"<Chrgs><Rcrd><Amt Ccy='EUR'>{amount(charges)}</Amt></Rcrd></Chrgs>" if charges else ""
    told = amount(payment.cents if cents is None else cents)
    return (
        f"<Refs>{ids}</Refs><Amt Ccy='EUR'>{told}</Amt>{fee}"
        f"<RltdPties><CdtrAcct><Id><IBAN>{payment.iban}</IBAN></Id></CdtrAcct></RltdPties>{after}"
    )
