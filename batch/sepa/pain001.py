"""Writing a batch of SEPA credit transfers as pain.001, the file that a bank takes.

The same batch and profile always give the same bytes: nothing in them comes from the clock, from chance or from the
order of a dictionary. Payments are written one by one as they are drawn from the batch, so memory stays flat whatever
their number. Each block of the file stands on a line of its own: line numbers then tell payments apart.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO

from lxml import etree

from batch.sepa.profile import Addresses, BankProfile, CreditorAgent, Names, Version
from batch.sepa.text import NAME_LENGTH, REMITTANCE_LENGTH, cut, is_reference, to_name, to_sepa
from ledger.calendar import PARIS

_MESSAGE_PREFIX = re.compile(r"\A[A-Z0-9]{1,12}\Z")
_REISSUE = re.compile(r"-R(\d+)\Z")


class BatchError(ValueError):
    """A batch that cannot be written as it stands; what was written of it so far is no payment file."""


@dataclass(frozen=True, slots=True)
class Address:
    """A structured postal address; `country` is the ISO 3166 code."""

    street: str
    building: str | None
    post_code: str
    town: str
    country: str


@dataclass(frozen=True, slots=True)
class Debtor:
    """Who pays, from which account. The BIC of the payer's bank is mandatory in SEPA files."""

    name: str
    iban: str
    bic: str
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """One transfer to one payee, in cents; name and remittance text as people write them."""

    end_to_end_id: str
    amount_cents: int
    name: str
    iban: str
    bic: str | None
    remittance: str
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class PaymentBatch:
    """Everything that one file says.

    `count` and `total_cents` are announced in the file before the first payment, so the caller knows them beforehand;
    `payments` may be drawn lazily. `created_at` is the instant at which the batch was made, not the one at which the
    file is written.
    """

    message_id: str
    created_at: datetime
    debtor: Debtor
    requested_date: date
    profile: BankProfile
    payments: Iterable[Payment]
    count: int
    total_cents: int


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What identifies the bytes of a written file."""

    sha256: str
    size: int


def message_id(number: int, prefix: str = "ATOUTS") -> str:
    """The message id of the payout run with that number, such as "ATOUTS-000037".

    Runs are numbered from 1 without a gap and a number is never used for another content: banks ignore or reject a
    message id they know, and pay a second time under one that they do not.
    """
    if not _MESSAGE_PREFIX.match(prefix):
        raise ValueError(f"a message prefix is 1 to 12 capital letters and digits, not {prefix!r}")
    if number < 1:
        raise ValueError(f"runs are numbered from 1, not {number}")
    return f"{prefix}-{number:06d}"


def payment_information_id(message: str) -> str:
    """The id of the one batch in a message, such as "ATOUTS-000037-1"; it comes back in bank statements."""
    return f"{message}-1"


def end_to_end_id(message: str, line: int) -> str:
    """The id of a payment, from its line in the run (1 is the first), such as "ATOUTS-000037-000123"."""
    if line < 1:
        raise ValueError(f"lines are numbered from 1, not {line}")
    return f"{message}-{line:06d}"


def reissue_id(original: str) -> str:
    """The id of the payment that replaces `original` after the bank rejected or returned it: "-R1", then "-R2"..."""
    match = _REISSUE.search(original)
    if match is None:
        return f"{original}-R1"
    return f"{original[: match.start()]}-R{int(match[1]) + 1}"


def write_pain001(batch: PaymentBatch, stream: BinaryIO, progress: Callable[[int], None] | None = None) -> WrittenFile:
    """Write the batch to `stream`; `progress` is told the number of payments written so far, every thousand payments.

    Raises BatchError for an empty batch, for payments that do not add up to the count and total announced, and for a
    payment that no bank could take. The caller then throws away what `stream` received.
    """
    if batch.count == 0:
        raise BatchError("a payment file holds at least one payment")
    _require_reference(payment_information_id(batch.message_id))
    output = _Digest(stream)
    # lxml quotes its declaration with apostrophes, which some banks' readers refuse.
    output.write(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    writer = _Writer(batch.profile)
    with (
        etree.xmlfile(output, encoding="UTF-8") as xml,
        xml.element("Document", nsmap={None: batch.profile.version.namespace}),
        xml.element("CstmrCdtTrfInitn"),
    ):
        _write_line(xml, writer.group_header(batch))
        with xml.element("PmtInf"):
            for block in writer.batch_header(batch):
                _write_line(xml, block)
            for payment in _counted(batch, progress):
                _write_line(xml, writer.payment(payment))
    output.write(b"\n")
    return output.written()


def _write_line(xml: etree._IncrementalFileWriter, element: etree._Element) -> None:
    # The elements are made without a namespace: written inside Document they are read in its default one, and lxml
    # does not repeat the declaration on every payment.
    xml.write("\n")
    xml.write(element)


def _counted(batch: PaymentBatch, progress: Callable[[int], None] | None) -> Iterator[Payment]:
    """The payments of the batch; raises BatchError at their end when they are not what the batch announced."""
    count = total = 0
    for payment in batch.payments:
        count += 1
        total += payment.amount_cents
        yield payment
        if progress and count % 1000 == 0:
            progress(count)
    if (count, total) != (batch.count, batch.total_cents):
        raise BatchError(
            f"{batch.count} payments of {batch.total_cents} cents were announced, {count} of {total} cents came"
        )
    if progress:
        progress(count)


def _require_reference(text: str) -> None:
    if not is_reference(text):
        raise BatchError(f"{text!r} cannot serve as a reference in a SEPA file")


def decimal_euros(cents: int) -> str:
    """An amount as messages write it: 1250 is "12.50"."""
    return f"{cents // 100}.{cents % 100:02d}"


class _Writer:
    """The blocks of a file as one bank wants them."""

    def __init__(self, profile: BankProfile) -> None:
        self.profile = profile
        self.bic_tag = "BIC" if profile.version is Version.V03 else "BICFI"
        self.name_form = to_sepa if profile.names is Names.TRANSLITERATE else to_name

    def group_header(self, batch: PaymentBatch) -> etree._Element:
        header = etree.Element("GrpHdr")
        _leaf(header, "MsgId", batch.message_id)
        # Local time without offset: the form in which banks' own examples give it.
        local = batch.created_at.astimezone(PARIS).replace(tzinfo=None)
        _leaf(header, "CreDtTm", local.isoformat(timespec="seconds"))
        _leaf(header, "NbOfTxs", str(batch.count))
        _leaf(header, "CtrlSum", decimal_euros(batch.total_cents))
        initiator = _node(header, "InitgPty")
        _leaf(initiator, "Nm", self.name(batch.debtor.name))
        if self.profile.initiator_id is not None:
            other = _node(initiator, "Id", "OrgId", "Othr")
            _leaf(other, "Id", self.profile.initiator_id)
            if self.profile.initiator_id_issuer is not None:
                _leaf(other, "Issr", self.profile.initiator_id_issuer)
        return header

    def batch_header(self, batch: PaymentBatch) -> Iterator[etree._Element]:
        yield _alone("PmtInfId", payment_information_id(batch.message_id))
        yield _alone("PmtMtd", "TRF")
        yield _alone("BtchBookg", "true" if self.profile.batch_booking else "false")
        yield _alone("NbOfTxs", str(batch.count))
        yield _alone("CtrlSum", decimal_euros(batch.total_cents))
        kind = etree.Element("PmtTpInf")
        _leaf(_node(kind, "SvcLvl"), "Cd", "SEPA")
        if self.profile.category_purpose is not None:
            _leaf(_node(kind, "CtgyPurp"), "Cd", self.profile.category_purpose)
        yield kind
        requested = etree.Element("ReqdExctnDt")
        dated = requested if self.profile.version is Version.V03 else _node(requested, "Dt")
        dated.text = batch.requested_date.isoformat()
        yield requested
        debtor = etree.Element("Dbtr")
        self.party(debtor, batch.debtor.name, batch.debtor.address)
        yield debtor
        account = etree.Element("DbtrAcct")
        _leaf(_node(account, "Id"), "IBAN", batch.debtor.iban)
        yield account
        agent = etree.Element("DbtrAgt")
        _leaf(_node(agent, "FinInstnId"), self.bic_tag, batch.debtor.bic)
        yield agent
        yield _alone("ChrgBr", "SLEV")

    def payment(self, payment: Payment) -> etree._Element:
        self.check(payment)
        transfer = etree.Element("CdtTrfTxInf")
        ids = _node(transfer, "PmtId")
        _leaf(ids, "InstrId", payment.end_to_end_id)
        _leaf(ids, "EndToEndId", payment.end_to_end_id)
        _leaf(_node(transfer, "Amt"), "InstdAmt", decimal_euros(payment.amount_cents)).set("Ccy", "EUR")
        self.creditor_agent(transfer, payment.bic)
        self.party(_node(transfer, "Cdtr"), payment.name, payment.address)
        _leaf(_node(transfer, "CdtrAcct", "Id"), "IBAN", payment.iban)
        remittance = cut(to_sepa(payment.remittance), REMITTANCE_LENGTH)
        if remittance:
            _leaf(_node(transfer, "RmtInf"), "Ustrd", remittance)
        return transfer

    def check(self, payment: Payment) -> None:
        _require_reference(payment.end_to_end_id)
        if not 0 < payment.amount_cents <= self.profile.max_payment_cents:
            raise BatchError(f"{payment.end_to_end_id}: {payment.amount_cents} cents cannot be paid by one transfer")

    def creditor_agent(self, transfer: etree._Element, bic: str | None) -> None:
        if self.profile.creditor_agent is CreditorAgent.BIC and bic is not None:
            _leaf(_node(transfer, "CdtrAgt", "FinInstnId"), self.bic_tag, bic)
        elif self.profile.creditor_agent is CreditorAgent.NOT_PROVIDED:
            _leaf(_node(transfer, "CdtrAgt", "FinInstnId", "Othr"), "Id", "NOTPROVIDED")

    def party(self, element: etree._Element, name: str, address: Address | None) -> None:
        _leaf(element, "Nm", self.name(name))
        if address is None or self.profile.addresses is Addresses.NONE:
            return
        postal = _node(element, "PstlAdr")
        _leaf(postal, "StrtNm", cut(self.name_form(address.street), 70))
        if address.building:
            _leaf(postal, "BldgNb", cut(self.name_form(address.building), 16))
        _leaf(postal, "PstCd", cut(to_sepa(address.post_code), 16))
        _leaf(postal, "TwnNm", cut(self.name_form(address.town), 35))
        _leaf(postal, "Ctry", address.country)

    def name(self, text: str) -> str:
        name = cut(self.name_form(text), NAME_LENGTH)
        if not any(map(str.isalnum, name)):
            raise BatchError(f"nothing is left of the name {text!r} in the characters that the bank takes")
        return name


def _alone(tag: str, text: str) -> etree._Element:
    element = etree.Element(tag)
    element.text = text
    return element


def _leaf(parent: etree._Element, tag: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, tag)
    element.text = text
    return element


def _node(parent: etree._Element, *tags: str) -> etree._Element:
    for tag in tags:
        parent = etree.SubElement(parent, tag)
    return parent


class _Digest:
    """Passes bytes on to a stream while taking their size and SHA-256."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self.stream.write(data)

    def written(self) -> WrittenFile:
        return WrittenFile(self.hash.hexdigest(), self.size)
