"""Our own check of pain.001 files, for all that the official schemas let through.

Any file of version .03 or .09 can be checked, whoever wrote it; ours are, on the very bytes that will leave. One pass
over the file; what stays in memory is the references already met, each of which must be unique.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import BinaryIO

from batch.sepa.profile import BankProfile, Names
from batch.sepa.reader import Block, Leaf, NotXmlError, Opening, read_blocks, read_opening
from batch.sepa.rules import Findings
from batch.sepa.target import is_target_day
from batch.sepa.text import (
    NAME_LENGTH,
    REFERENCE_LENGTH,
    REMITTANCE_LENGTH,
    SEPA_CHARACTERS,
    has_sound_slashes,
    is_name_character,
    is_sepa_text,
)
from ledger.identifiers import InvalidIdentifier, check_iban, mask_iban

_MAX_SEPA_AMOUNT = Decimal("999999999.99")
_PLAIN_NUMBER = re.compile(r"\A\d{1,15}(\.\d{1,15})?\Z", re.ASCII)
_REFERENCES = frozenset({"MsgId", "PmtInfId", "InstrId", "EndToEndId", "Id", "Ref"})
_CHECKED_ELSEWHERE = frozenset({"IBAN", "InstdAmt", "NbOfTxs", "CtrlSum"})
_LEVEL = ("PmtTpInf/SvcLvl/Cd", "PmtTpInf/SvcLvl/Prtry")
_ABSENT = "absent"


def check_rulebook(stream: BinaryIO, profile: BankProfile, findings: Findings) -> Opening | None:
    """Check the file in `stream` and note in `findings` every rule that it breaks.

    `profile` says which amounts and whether names in UTF-8 are accepted. Returns what the file's opening says, or None
    when it could not be read to its end.
    """
    try:
        opening = read_opening(stream)
        _check_opening(opening, findings)
        if opening.has_doctype or opening.version is None:
            return opening
        checker = _Checker(profile, findings)
        for block in read_blocks(stream, opening.version):
            checker.read(block)
        checker.close(opening)
    except NotXmlError as error:
        findings.add("syntax", error.line, "", error=error)
        return None
    return opening


def _check_opening(opening: Opening, findings: Findings) -> None:
    if opening.has_bom:
        findings.add("bom", 1, "")
    if not opening.has_proper_declaration:
        findings.add("declaration", 1, "")
    if opening.has_doctype:
        findings.add("doctype", opening.root_line, "")
    elif opening.version is None:
        findings.add("namespace", opening.root_line, "", tag=opening.root)
    elif opening.prefix:
        findings.add("prefix", opening.root_line, "", prefix=opening.prefix)


class _Tally:
    """What a header announces, and what then came."""

    def __init__(self, header: Block) -> None:
        self.header = header
        self.count = 0
        self.total = Decimal(0)
        self.total_is_known = True

    def add(self, amount: Decimal | None) -> None:
        """Count a payment; None stands for an amount that cannot be read."""
        self.count += 1
        if amount is None:
            self.total_is_known = False
        else:
            self.total += amount


class _Checker:
    """Reads the blocks of one file in their order."""

    def __init__(self, profile: BankProfile, findings: Findings) -> None:
        self.profile = profile
        self.findings = findings
        self.group = _Tally(Block("GrpHdr", "GrpHdr", 1, []))
        self.batches: list[_Tally] = []
        self.lines_of: dict[str, dict[str, int]] = {"EndToEndId": {}, "InstrId": {}}

    def report(self, rule: str, block: Block, place: Leaf | str, **details: object) -> None:
        """Note that a leaf of the block breaks `rule`; a path stands for a leaf that is absent."""
        if isinstance(place, str):
            self.findings.add(rule, block.line, f"{block.path}/{place}", **details)
        else:
            self.findings.add(rule, place.line, f"{block.path}/{place.path}", **details)

    def read(self, block: Block) -> None:
        self.check_texts(block)
        self.check_addresses(block)
        if block.kind == "GrpHdr":
            self.group = _Tally(block)
        elif block.kind == "PmtInf":
            self.batches.append(_Tally(block))
            self.check_batch(block)
        elif self.batches:  # a payment outside a batch is for the schema to refuse
            self.check_payment(block, self.batches[-1])

    def close(self, opening: Opening) -> None:
        """Compare what was announced with what came, at the end of the file."""
        self.check_tally("group", self.group)
        for batch in self.batches:
            self.check_tally("batch", batch)
        if self.group.count == 0:
            self.findings.add("no-payment", opening.root_line, "")
        if len(self.batches) > 1:
            second = self.batches[1].header
            self.findings.add("one-batch", second.line, second.path, count=len(self.batches))
        count, total = self.group.count, self.group.total
        if count > self.profile.max_file_payments or total * 100 > self.profile.max_file_cents:
            header = self.group.header
            self.report("file-limit", header, header.first("CtrlSum") or "CtrlSum", count=count, total=total)

    def check_tally(self, level: str, tally: _Tally) -> None:
        header = tally.header
        count = header.first("NbOfTxs")
        if count is None or _number(count.text) != tally.count:
            announced = count.text if count else _ABSENT
            self.report(f"{level}-count", header, count or "NbOfTxs", announced=announced, actual=tally.count)
        total = header.first("CtrlSum")
        if tally.total_is_known and (total is None or _number(total.text) != tally.total):
            announced = total.text if total else _ABSENT
            self.report(f"{level}-sum", header, total or "CtrlSum", announced=announced, actual=tally.total)

    def check_batch(self, batch: Block) -> None:
        method = batch.first("PmtMtd")
        if method is None or method.text != "TRF":
            self.report("method", batch, method or "PmtMtd", value=method.text if method else _ABSENT)
        self.check_service(batch)
        if not batch.text("DbtrAgt/FinInstnId/BICFI", "DbtrAgt/FinInstnId/BIC"):
            self.report("debtor-agent", batch, "DbtrAgt/FinInstnId")
        self.check_party(batch, "Dbtr")
        self.check_execution_date(batch)

    def check_execution_date(self, batch: Block) -> None:
        leaf = batch.first("ReqdExctnDt", "ReqdExctnDt/Dt", "ReqdExctnDt/DtTm")
        requested = _date(leaf.text) if leaf else None
        place = leaf or "ReqdExctnDt"
        if requested is None or not is_target_day(requested):
            self.report("execution-date", batch, place, value=leaf.text if leaf else _ABSENT)
            return
        created = _date((self.group.header.text("CreDtTm") or "")[:10])
        if created is not None and requested < created:
            self.report("execution-past", batch, place, value=requested, created=created)

    def check_service(self, block: Block) -> None:
        """Service level and charge bearer, which may be given for a whole batch or for one payment."""
        level = block.first(*_LEVEL)
        if level is not None and level.text != "SEPA":
            self.report("service-level", block, level, value=level.text)
        bearer = block.first("ChrgBr")
        if bearer is not None and bearer.text != "SLEV":
            self.report("charge-bearer", block, bearer, value=bearer.text)

    def check_party(self, block: Block, party: str) -> None:
        if not block.text(f"{party}/Nm"):
            self.report("name-missing", block, f"{party}/Nm")
        account = block.first(f"{party}Acct/Id/IBAN")
        if account is None:
            self.report("account-missing", block, f"{party}Acct/Id/IBAN")
        elif reason := _fault_of_iban(account.text):
            self.report("iban", block, account, iban=mask_iban(account.text), reason=reason)

    def check_payment(self, payment: Block, batch: _Tally) -> None:
        amount = self.check_amount(payment)
        self.group.add(amount)
        batch.add(amount)
        self.check_service(payment)
        if payment.first(*_LEVEL) is None and batch.header.first(*_LEVEL) is None:
            self.report("service-level", payment, _LEVEL[0], value=_ABSENT)
        self.check_party(payment, "Cdtr")
        payee = payment.first("CdtrAcct/Id/IBAN")
        if payee is not None and payee.text == batch.header.text("DbtrAcct/Id/IBAN"):
            self.report("payee-is-payer", payment, payee)
        self.check_identity(payment)
        self.check_remittance(payment)

    def check_amount(self, payment: Block) -> Decimal | None:
        """The amount of the payment, None when it cannot be read."""
        leaf = payment.first("Amt/InstdAmt")
        amount = _number(leaf.text) if leaf else None
        if leaf is None or amount is None:
            self.report("amount-form", payment, leaf or "Amt/InstdAmt", value=leaf.text if leaf else _ABSENT)
            return None
        if leaf.currency != "EUR":
            self.report("currency", payment, leaf, value=leaf.currency or _ABSENT)
        if amount != round(amount, 2):
            self.report("amount-decimals", payment, leaf, value=leaf.text)
        elif not 0 < amount <= _MAX_SEPA_AMOUNT:
            self.report("amount-range", payment, leaf, value=leaf.text)
        elif amount * 100 > self.profile.max_payment_cents:
            limit = Decimal(self.profile.max_payment_cents).scaleb(-2)
            self.report("amount-limit", payment, leaf, value=leaf.text, limit=limit)
        return amount

    def check_identity(self, payment: Block) -> None:
        end_to_end = payment.first("PmtId/EndToEndId")
        if end_to_end is None or end_to_end.text == "NOTPROVIDED":
            self.report("end-to-end-missing", payment, end_to_end or "PmtId/EndToEndId")
        else:
            self.check_unique("duplicate-end-to-end", payment, end_to_end)
        if instruction := payment.first("PmtId/InstrId"):
            self.check_unique("duplicate-instruction", payment, instruction)

    def check_unique(self, rule: str, payment: Block, leaf: Leaf) -> None:
        lines = self.lines_of[leaf.name]
        if leaf.text in lines:
            self.report(rule, payment, leaf, value=leaf.text, first=lines[leaf.text])
        else:
            lines[leaf.text] = leaf.line

    def check_remittance(self, payment: Block) -> None:
        unstructured = [leaf for leaf in payment.leaves if leaf.path == "RmtInf/Ustrd"]
        structured = [leaf for leaf in payment.leaves if leaf.path.startswith("RmtInf/Strd/")]
        if len(unstructured) + bool(structured) > 1:
            self.report("remittance-form", payment, [*unstructured, *structured][1])

    def check_addresses(self, block: Block) -> None:
        """Structured addresses or none (EPC: unstructured ones are refused since 15 November 2026)."""
        addresses: dict[str, dict[str, Leaf]] = defaultdict(dict)
        for leaf in block.leaves:
            if "PstlAdr/" in leaf.path:
                address, _, part = leaf.path.rpartition("/")
                addresses[address].setdefault(part, leaf)
        for address, parts in addresses.items():
            if "AdrLine" in parts:
                self.report("address-lines", block, parts["AdrLine"])
            elif not {"TwnNm", "Ctry"} <= parts.keys():
                self.report("address-incomplete", block, address)

    def check_texts(self, block: Block) -> None:
        """Characters and lengths of every text of the block."""
        for leaf in block.leaves:
            name, text = leaf.name, leaf.text
            if not text or text != text.strip():
                self.report("spaces", block, leaf, value=text)
            if name in _CHECKED_ELSEWHERE:
                continue
            if name in _REFERENCES:
                self.check_reference(block, leaf)
                continue
            if not is_sepa_text(text) and (foreign := self.foreign_characters(leaf)):
                self.report("characters", block, leaf, value=text, characters=foreign)
            if name == "Nm" and len(text) > NAME_LENGTH:
                self.report("name-length", block, leaf, length=len(text))
            elif name == "Ustrd" and len(text) > REMITTANCE_LENGTH:
                self.report("remittance-length", block, leaf, length=len(text))

    def check_reference(self, block: Block, leaf: Leaf) -> None:
        text = leaf.text
        if not is_sepa_text(text):
            self.report("reference-characters", block, leaf, value=text, characters=_told(set(text) - SEPA_CHARACTERS))
        if not has_sound_slashes(text):
            self.report("reference-slashes", block, leaf, value=text)
        if len(text) > REFERENCE_LENGTH:
            self.report("reference-length", block, leaf, value=text, length=len(text))

    def foreign_characters(self, leaf: Leaf) -> str:
        """The characters of a text that the bank does not take, told to people; empty when it takes them all."""
        foreign = set(leaf.text) - SEPA_CHARACTERS
        if self.profile.names is Names.UTF8 and (leaf.name == "Nm" or "PstlAdr/" in leaf.path):
            foreign = {character for character in foreign if not is_name_character(character)}
        return _told(foreign)


@lru_cache(maxsize=8192)
def _fault_of_iban(text: str) -> str | None:
    """What is wrong with an IBAN as a message holds it, told to people; None when it can be paid."""
    try:
        iban = check_iban(text)
    except InvalidIdentifier as error:
        return error.reason
    return None if iban == text else "Il contient des espaces, des signes ou des minuscules."


def _told(characters: set[str]) -> str:
    """Characters as people can name them: « é », and the code point of what cannot be seen."""
    return ", ".join(f"« {c} »" if c.isprintable() else f"U+{ord(c):04X}" for c in sorted(characters))


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _PLAIN_NUMBER.match(text) else None


def _date(text: str) -> date | None:
    """A plain ISO date; a date with a time zone or a time is none that a SEPA transfer may ask for."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
