"""Bank messages of the tests, built from their parts."""

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
HEADER = "<GrpHdr><MsgId>BANK-1</MsgId><CreDtTm>2026-09-15T06:00:00+02:00</CreDtTm></GrpHdr>"
ACCOUNT = "<Acct><Id><IBAN>FR7610071140000000100000176</IBAN></Id><Ccy>EUR</Ccy></Acct>"


def document(message: str, content: str) -> bytes:
    """A whole document of a message such as camt.053.001.08."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}{message}">{content}</Document>'.encode()
    )


def balance(code: str, amount: str, direction: str = "CRDT", day: str = "2026-09-15") -> str:
    """A balance of a statement."""
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
        f"<CdtDbtInd>{direction}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def entry(amount: str, inside: str = "", direction: str = "DBIT", status: str = "<Sts>BOOK</Sts>") -> str:
    """An entry in euros."""
    return f"<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{status}{inside}</Ntry>"


def details(*inside: str, batch: str = "") -> str:
    """The details of an entry."""
    return f"<NtryDtls>{batch}{''.join(f'<TxDtls>{one}</TxDtls>' for one in inside)}</NtryDtls>"


def statement(*inside: str, name: str = "R-257", message: str = "camt.053.001.08") -> bytes:
    """A camt.053 with one statement."""
    return statements(f"<Stmt><Id>{name}</Id>{ACCOUNT}{''.join(inside)}</Stmt>", message=message)


def statements(*each: str, message: str = "camt.053.001.08") -> bytes:
    """A camt.053 of whole statements."""
    return document(message, f"<BkToCstmrStmt>{HEADER}{''.join(each)}</BkToCstmrStmt>")


def report(*inside: str, message: str = "pain.002.001.10") -> bytes:
    """A pain.002."""
    return document(message, f"<CstmrPmtStsRpt>{HEADER}{''.join(inside)}</CstmrPmtStsRpt>")
