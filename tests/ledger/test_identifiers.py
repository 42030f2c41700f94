import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from schwifty import IBAN

from ledger.identifiers import (
    InvalidIdentifier,
    ean13_digit,
    luhn_digit,
    mask_iban,
    parse_ean,
    parse_iban,
    parse_national_id,
    parse_siren,
    parse_siret,
    parse_uai,
    uai_letter,
)

FRENCH = "FR7630006000011234567890189"


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


def refusal(parse, text: str) -> InvalidIdentifier:
    with pytest.raises(InvalidIdentifier) as caught:
        parse(text)
    return caught.value


# SIREN and SIRET


@pytest.mark.parametrize("text", ["732829320", "732 829 320", "732\u00a0829\u202f320", "732-829-320", " 732.829.320\n"])
def test_a_siren_is_read_however_it_is_spaced(text):
    assert parse_siren(text) == "732829320"


def test_a_siret_is_read_however_it_is_spaced():
    assert parse_siret("732 829 320 00074") == "73282932000074"


@pytest.mark.parametrize(
    "siret",
    ["35600000000048", "35600000049837", "35600000009075"],
    ids=["head office, by the common rule", "post office", "another"],
)
def test_offices_of_la_poste_follow_their_own_rule(siret):
    assert parse_siret(siret) == siret


def test_an_office_of_la_poste_with_a_wrong_digit_is_refused():
    assert "clé" in refusal(parse_siret, "35600000049838").reason


@given(digits(8).filter(lambda text: text != "0" * 8), digits(4), st.integers(0, 13), st.integers(1, 9))
def test_one_wrong_digit_in_a_siret_is_always_seen(first, branch, place, change):
    siren = first + luhn_digit(first)
    siret = siren + branch + luhn_digit(siren + branch)
    assert parse_siret(siret) == siret
    wrong = siret[:place] + str((int(siret[place]) + change) % 10) + siret[place + 1 :]
    if wrong[:9] != "356000000":
        refusal(parse_siret, wrong)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "7328293200007", "732829320000744", "7328293200007A", "00000000000000", "７３２８２９３２00074"],
)
def test_what_is_no_siret_is_refused_with_a_sentence(text):
    assert refusal(parse_siret, text).reason.endswith(".")


def test_a_siren_of_zeros_is_refused_although_its_key_fits():
    refusal(parse_siren, "000000000")


# UAI


@pytest.mark.parametrize("uai", ["0140013N", "0750654D", "0270016W"])
def test_real_uai_are_accepted(uai):
    assert parse_uai(uai.lower()) == uai


@pytest.mark.parametrize("text", ["0140013M", "140013N", "01400130", "0140013I", "0140013N0", "0140013\n", "²140013N"])
def test_a_wrong_uai_is_refused(text):
    assert "UAI" in refusal(parse_uai, text).reason


@given(digits(7), st.integers(0, 6), st.integers(1, 9))
def test_one_wrong_digit_in_a_uai_is_always_seen(number, place, change):
    wrong = number[:place] + str((int(number[place]) + change) % 10) + number[place + 1 :]
    refusal(parse_uai, wrong + uai_letter(number))


# EAN and ISBN


@pytest.mark.parametrize(
    ("text", "ean"),
    [
        ("978-2-07-036822-8", "9782070368228"),
        ("2-07-036822-X", "9782070368228"),
        ("207036822x", "9782070368228"),
        ("0306406152", "9780306406157"),
        ("4006381333931", "4006381333931"),
        ("978‑2‑07‑036822‑8", "9782070368228"),
    ],
)
def test_isbn_and_ean_become_thirteen_digits(text, ean):
    assert parse_ean(text) == ean


@pytest.mark.parametrize(
    "text", ["9782070368229", "2070368220", "978207036822", "97820703682280", "", "978207036822X", "0000000000000"]
)
def test_a_wrong_ean_is_refused(text):
    assert refusal(parse_ean, text).field == "ean"


@given(digits(12), st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_in_an_ean_is_always_seen(first, place, change):
    assume(not first.startswith("000000"))
    ean = first + ean13_digit(first)
    assert parse_ean(ean) == ean
    refusal(parse_ean, ean[:place] + str((int(ean[place]) + change) % 10) + ean[place + 1 :])


# INE


@pytest.mark.parametrize("text", ["123456789ab", "1234567890A", "1234 A56789 B"])
def test_the_three_forms_of_the_ine_are_accepted(text):
    assert len(parse_national_id(text)) == 11


def test_a_refused_ine_is_not_shown_whole():
    error = refusal(parse_national_id, "12345678")
    assert error.value_masked == "12••••••"
    assert "12345678" not in str(error)


# IBAN


@pytest.mark.parametrize(
    "text",
    [
        FRENCH,
        "FR76 3000 6000 0112 3456 7890 189",
        "fr76\u00a03000\u202f6000\u20090112 3456 7890 189\t",
        "\ufeffFR76 3000 6000 0112\u200b 3456 7890 189",
    ],
)
def test_an_iban_is_read_however_it_was_pasted(text):
    iban = parse_iban(text)
    assert iban.text == FRENCH
    assert iban.formatted == "FR76 3000 6000 0112 3456 7890 189"
    assert iban.bic == "AGRIFRPPXXX" or (iban.bic or "").startswith("AGRIFRPP")
    assert not iban.foreign


def test_a_wrong_rib_key_is_refused_although_the_iban_key_fits():
    bban = "30006000011234567890188"
    wrong = str(IBAN.from_bban("FR", bban))
    assert IBAN(wrong).is_valid
    assert "clé RIB" in refusal(parse_iban, wrong).reason


def test_a_bank_we_do_not_know_is_no_error():
    unknown = str(IBAN.generate("FR", bank_code="99999", branch_code="00001", account_code="00000000001"))
    iban = parse_iban(unknown)
    assert iban.bic is None
    assert iban.bank_name is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "manque"),
        ("FR7630006000011234567890198", "clé"),
        ("FR763000600001123456789018", "27 caractères, celui-ci en compte 26"),
        ("DE8937040044053201300", "trop court"),
        ("ZZ7630006000011234567890189", "aucun pays"),
        ("7630006000011234567890189", "n'est pas un IBAN"),
        ("FR76 3000 6000 0112 3456 7890 18é", "sans accent"),
        ("AE070331234567890123456", "SEPA"),
        ("<script>alert(1)</script>", "n'est pas un IBAN"),
        ("FR76" + "9" * 5000, "5004"),
    ],
)
def test_each_wrong_iban_gets_its_own_sentence(text, said):
    error = refusal(parse_iban, text)
    assert said in error.reason
    assert len(error.value_masked) <= 19


def test_a_foreign_iban_is_accepted_and_known_as_foreign():
    assert parse_iban("DE89 3704 0044 0532 0130 00").foreign


def test_an_iban_never_prints_whole():
    iban = parse_iban(FRENCH)
    shown = f"{iban} {iban!r} {[iban]}"
    assert "FR76 •••• •••• 0189" in shown
    assert "3000" not in shown
    assert mask_iban("FR76 1234") == "••••"


def test_a_refusal_survives_a_process_boundary():
    error = refusal(parse_siret, "1")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.field, copy.value_masked, copy.reason) == (error.field, error.value_masked, error.reason)
