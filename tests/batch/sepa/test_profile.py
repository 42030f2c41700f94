"""Bank profiles and where they come from."""

import json
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from batch.sepa.profile import (
    Addresses,
    BankProfile,
    CreditorAgent,
    Names,
    ProfileError,
    Version,
    load_profile,
    profile_from,
)

DFT: dict[str, Any] = {
    "name": "dft",
    "version": "pain.001.001.03",
    "category_purpose": "GOVT",
    "initiator_id": "200053403",
    "initiator_id_issuer": "INSEE",
    "creditor_agent": "notprovided",
    "names": "utf8",
    "addresses": "structured",
    "batch_booking": False,
    "execution_offset": 2,
    "cut_off": "11:30",
    "max_payment_cents": 5_000_000_00,
    "max_file_cents": 50_000_000_00,
    "max_file_payments": 5_000,
}
EXPECTED = BankProfile(
    name="dft",
    version=Version.V03,
    category_purpose="GOVT",
    initiator_id="200053403",
    initiator_id_issuer="INSEE",
    creditor_agent=CreditorAgent.NOT_PROVIDED,
    names=Names.UTF8,
    addresses=Addresses.STRUCTURED,
    batch_booking=False,
    execution_offset=2,
    cut_off=time(11, 30),
    max_payment_cents=5_000_000_00,
    max_file_cents=50_000_000_00,
    max_file_payments=5_000,
)


def test_the_standard_profile_is_built_in() -> None:
    assert load_profile("standard") == BankProfile()
    assert BankProfile().version is Version.V09


def test_a_profile_file_names_only_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "bank.toml"
    file.write_text('creditor_agent = "bic"\ncut_off = 11:30:00\n', encoding="utf-8")
    assert load_profile(file) == BankProfile(creditor_agent=CreditorAgent.BIC, cut_off=time(11, 30))


def test_every_switch_can_be_set_in_toml(tmp_path: Path) -> None:
    file = tmp_path / "dft.toml"
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in DFT.items()), encoding="utf-8")
    assert load_profile(file) == EXPECTED


def test_every_switch_can_be_set_in_json(tmp_path: Path) -> None:
    file = tmp_path / "dft.json"
    file.write_text(json.dumps(DFT), encoding="utf-8")
    assert load_profile(str(file)) == EXPECTED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("version", "pain.001.001.02"),
        ("category_purpose", "govt"),
        ("initiator_id", "/123"),
        ("initiator_id_issuer", "É"),
        ("creditor_agent", "maybe"),
        ("names", 1),
        ("addresses", "lines"),
        ("batch_booking", 1),
        ("execution_offset", True),
        ("execution_offset", -1),
        ("cut_off", "25:00"),
        ("cut_off", "11:30+02:00"),
        ("cut_off", 11),
        ("max_payment_cents", 0),
        ("max_payment_cents", 100_000_000_000),
        ("max_file_cents", 1.5),
        ("max_file_payments", "many"),
        ("coffee", "black"),
    ],
)
def test_a_bad_entry_is_refused_by_its_name(field: str, value: object) -> None:
    with pytest.raises(ProfileError, match=field) as caught:
        profile_from({field: value})
    assert caught.value.field == field


def test_a_profile_made_in_code_is_held_to_the_same_rules() -> None:
    with pytest.raises(ProfileError, match="execution_offset"):
        BankProfile(execution_offset=11)


@pytest.mark.parametrize(("name", "content"), [("a.toml", "name = "), ("a.json", "{"), ("b.json", "[]")])
def test_a_file_that_is_no_profile_is_refused_by_its_path(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ProfileError, match=name):
        load_profile(file)


def test_a_missing_profile_file_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"absent\.toml"):
        load_profile(tmp_path / "absent.toml")
