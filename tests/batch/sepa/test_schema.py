"""Validation against the official schemas while reading."""

import io
from collections.abc import Callable

import pytest

from batch.sepa.pain001 import PaymentBatch
from batch.sepa.profile import BankProfile, Version
from batch.sepa.schema import SchemaError, schema_errors

BatchOf = Callable[..., PaymentBatch]
Written = Callable[[PaymentBatch], bytes]


@pytest.fixture(params=list(Version))
def version(request: pytest.FixtureRequest) -> Version:
    chosen: Version = request.param
    return chosen


@pytest.fixture
def data(version: Version, batch_of: BatchOf, written: Written) -> bytes:
    return written(batch_of(profile=BankProfile(version=version)))


def errors(data: bytes, version: Version, limit: int = 100) -> list[SchemaError]:
    return schema_errors(io.BytesIO(data), version, limit)


def test_our_files_are_valid(data: bytes, version: Version) -> None:
    assert errors(data, version) == []


def test_a_file_on_a_single_line_is_valid_too(data: bytes, version: Version) -> None:
    declaration, _, rest = data.partition(b"\n")
    assert errors(declaration + rest.replace(b"\n", b""), version) == []


def test_a_file_of_one_version_is_not_valid_in_the_other(data: bytes, version: Version) -> None:
    [other] = set(Version) - {version}
    assert errors(data, other)


def test_an_error_is_told_with_its_line_and_without_namespaces(data: bytes, version: Version) -> None:
    broken = data.replace(b"<IBAN>FR7610278021400004567890122</IBAN>", b"<IBAN>FR76 1027</IBAN>")
    [error] = errors(broken, version)
    assert broken.splitlines()[error.line - 1].startswith(b"<CdtTrfTxInf>")
    assert b"FR76 1027" in broken.splitlines()[error.line - 1]
    assert error.message.startswith("Element 'IBAN': [facet 'pattern'] The value 'FR76 1027'")


def test_an_error_in_the_very_last_payment_is_found(data: bytes, version: Version) -> None:
    [error] = errors(data.replace(b"-000003</EndToEndId>", b"-" + b"3" * 40 + b"</EndToEndId>"), version)
    assert error.line == len(data.splitlines())


def test_a_missing_element_is_found(data: bytes, version: Version) -> None:
    [error] = errors(data.replace(b"<PmtMtd>TRF</PmtMtd>", b""), version)
    assert "PmtMtd" in error.message


def test_reading_stops_at_the_limit(data: bytes, version: Version) -> None:
    assert len(errors(data.replace(b' Ccy="EUR"', b""), version, limit=2)) == 2


@pytest.mark.parametrize("kept", [0, 1, 38, 60, 500, 900, -1, -12])
def test_a_truncated_file_is_not_valid_wherever_it_stops(data: bytes, version: Version, kept: int) -> None:
    assert errors(data.rstrip()[:kept], version)


def test_anything_after_the_end_is_an_error(data: bytes, version: Version) -> None:
    assert errors(data + b"<Document/>", version)


def test_entities_are_neither_resolved_nor_fatal(data: bytes, version: Version) -> None:
    laughs = b'<!DOCTYPE Document [<!ENTITY a "aaaa"><!ENTITY b SYSTEM "file:///etc/hostname">]>\n<Document'
    attack = data.replace(b"<Document", laughs, 1).replace(b"Malherbe", b"&a;&b;")
    assert all("aaaa" not in error.message for error in errors(attack, version))
