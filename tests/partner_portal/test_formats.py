"""Amounts, dates and charts as French readers expect them; passwords and codes as pure rules."""

import datetime

import pyotp
import pytest
from cryptography.fernet import InvalidToken
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from partner_portal import charts, formats
from partner_portal.auth import passwords, second_factor
from partner_portal.auth.doors import browser_label
from partner_portal.auth.sign_in import spoken
from partner_portal.charts import Bar
from partner_portal.config import Assistance

NB, THIN = "\u00a0", "\u202f"
MIDNIGHT_IN_PARIS = datetime.datetime(2027, 6, 30, 22, tzinfo=datetime.UTC)


def test_an_instant_is_told_by_the_clocks_of_paris() -> None:
    assert formats.date_fr(MIDNIGHT_IN_PARIS) == f"1er{NB}juillet{NB}2027"
    assert formats.last_day_fr(MIDNIGHT_IN_PARIS) == f"30{NB}juin{NB}2027"
    assert formats.clock_fr(MIDNIGHT_IN_PARIS) == f"0{NB}h{NB}00"
    assert formats.date_short_fr(MIDNIGHT_IN_PARIS) == "01/07/2027"
    assert formats.weekday_fr(MIDNIGHT_IN_PARIS) == "jeudi 1er juillet"
    assert formats.month_fr(MIDNIGHT_IN_PARIS) == "juillet 2027"


def test_templates_have_the_formats(app: Flask) -> None:
    shown = app.jinja_env.from_string("{{ 123456|euros }} {{ 1234|whole_number }} {{ 'FR7612345'|iban_fr }}").render()
    assert shown == f"1{THIN}234,56{NB}€ 1{THIN}234 FR76 1234 5"


def test_a_sentence_keeps_its_signs_with_their_words_and_a_siret_its_groups() -> None:
    assert formats.unbroken("« Grec » manque : lequel ?") == f"«{NB}Grec{NB}» manque{NB}: lequel{NB}?"
    assert formats.siret_fr("21140118700011") == f"211{NB}401{NB}187{NB}00011"


def test_hours_do_not_leave_a_number_at_the_end_of_a_line() -> None:
    hours = Assistance("", "", "de 9 h à 12 h et de 13 h 30 à 17 h").hours_unbroken
    assert hours == f"de 9{NB}h à 12{NB}h et de 13{NB}h{NB}30 à 17{NB}h"


@given(st.integers(0, 10**12))
def test_an_axis_has_few_round_steps_and_reaches_the_highest_value(highest: int) -> None:
    steps = charts.steps_up_to(highest)
    assert steps[0] == 0
    assert steps[-1] >= highest
    assert 2 <= len(steps) <= 6
    assert str(steps[1]).rstrip("0") in ("1", "2", "5")


def test_a_chart_escapes_what_it_shows_and_keeps_to_attributes(app: Flask) -> None:
    with app.test_request_context():
        drawn = charts.bars("Ventes <b>", [Bar("<i>34</i>", 12_500), Bar("35", 0, is_marked=True)])
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    assert "style=" not in drawn
    assert f"125,00{NB}€" in drawn


def test_a_chart_of_nothing_is_still_a_chart(app: Flask) -> None:
    with app.test_request_context():
        assert "<svg" in charts.bars("Rien", [])


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("court", "12 caractères"),
        ("aaaaaaaaaaaaaaaa", "répète"),
        ("x" * 201, "200"),
        ("chef@lycee.fr", "devine"),
        ("Martin-Lycee-2", "devine"),
    ],
)
def test_a_poor_password_is_refused_with_the_reason(password: str, word: str) -> None:
    refusal = passwords.refusal(password, about=("chef", "lycee", "Martin", "chef@lycee.fr"))
    assert refusal
    assert word in refusal


def test_a_long_phrase_is_a_good_password() -> None:
    assert passwords.refusal("un cheval correct agrafe", about=("chef", "lycee")) is None
    assert passwords.refusal("le lycée de Caen est grand", about=("chef", "lycee")) is None


def test_the_same_accent_typed_in_two_ways_is_the_same_password() -> None:
    kept = passwords.hashed("une phrase tre\u0300s longue")
    assert passwords.matches(kept, "une phrase tr\u00e8s longue")
    assert not passwords.matches(kept, "une phrase tres longue")
    assert not passwords.matches(None, "une phrase très longue")


def test_codes_hold_for_their_half_minute_and_its_neighbours() -> None:
    secret, now = second_factor.new_secret(), 1_800_000_015.0
    step = int(now) // 30
    for shift in (-1, 0, 1):
        assert second_factor.step_of(secret, pyotp.TOTP(secret).generate_otp(step + shift), now) == step + shift
    assert second_factor.step_of(secret, pyotp.TOTP(secret).generate_otp(step + 2), now) is None
    for nonsense in ("", "12345", "1234567", "abcdef", "١٢٣٤٥٦"):
        assert second_factor.step_of(secret, nonsense, now) is None


def test_secrets_are_read_with_the_old_key_and_written_with_the_new() -> None:
    locked = second_factor.Vault(("old",)).locked("SECRET")
    assert "SECRET" not in locked
    assert second_factor.Vault(("new", "old")).opened(locked) == "SECRET"
    with pytest.raises(InvalidToken):
        second_factor.Vault(("new",)).opened(locked)


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 seconde"), (30, "30 secondes"), (90, "2 minutes"), (900, "15 minutes")]
)
def test_a_wait_is_told_in_words(seconds: int, words: str) -> None:
    assert spoken(seconds) == words


def test_a_browser_is_told_as_its_owner_would() -> None:
    edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0"
    assert browser_label(edge) == "Edge, Windows"
    assert browser_label("") == "Navigateur inconnu, système inconnu"
