import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batch.documents.models import UnbalancedDocument
from batch.documents.payout_run import payout_run_pdf


def test_the_summary_restates_number_sum_hash_seal_and_who_signed(look, run):
    text = look(payout_run_pdf(run())).text
    for said in (
        "Campagne de virements",
        "Somme des virements",
        "300,06 €",
        "Nombre de virements",
        "abababab abababab",
        "cdcdcdcd cdcdcdcd",
        "ATN2026W36.xml, 48 213 octets",
        "FR76 •••• •••• 0189",
        "Claire Fontaine",
        "Approuvé par",
        "7 septembre 2026 à 11 h 00",
        "Sceau du registre n° 412",
        "Message ATN2026W36",
    ):
        assert said in text, said


def test_what_is_carried_and_held_stands_with_its_reason_and_the_sum_that_is_owed(look, run):
    text = look(payout_run_pdf(run())).text
    for said in (
        "Reporté sur le versement suivant",
        "Remboursements supérieurs aux ventes",
        "−12,50 €",
        "IBAN modifié : délai de sécurité",
        "1 204,50 €",
        "Dû aux partenaires à la clôture",
        "1 492,06 €",
    ):
        assert said in text, said


def test_the_summary_tells_what_period_it_is_of(look, run):
    text = look(payout_run_pdf(run())).text
    assert "Semaine du 31 août 2026" in text
    assert "au 6 septembre 2026" in text
    text = look(payout_run_pdf(run(out_of_turn=datetime(2026, 11, 24, 14, 31, tzinfo=UTC)))).text
    assert "Campagne exceptionnelle" in text
    assert "arrêtée le 24 novembre 2026 à 15 h 31" in text
    assert "Semaine" not in text


def test_a_run_that_loses_a_cent_cannot_be_made(run):
    with pytest.raises(UnbalancedDocument, match="are owed"):
        replace(run(), owed_cents=149_205)


def test_the_flags_that_the_approver_saw_stand_below_the_payment(look, run):
    made = run()
    flagged = replace(made.payments[0], flags=("premier virement", "compte à l'étranger"))
    text = look(payout_run_pdf(replace(made, payments=(flagged, *made.payments[1:])))).text
    assert "premier virement, compte à l'étranger" in text


def test_every_payment_is_listed_over_as_many_pages_as_it_takes(look, run):
    seen = look(payout_run_pdf(run(payments=300)))
    for number in range(1, 301):
        assert seen.text.count(f"ATN2026W36-{number:06}") == 1
    assert f"{len(seen.pages)}/{len(seen.pages)}" in seen.pages[-1]


def test_an_empty_run_says_so(look, run):
    empty = run(payments=0, carried=(), held=(), owed_cents=0, signatures=(), file=None, seal=None)
    text = look(payout_run_pdf(empty)).text
    for said in (
        "Aucun virement.",
        "Personne n'a encore signé",
        "n'est pas encore produit",
        "Aucun sceau",
    ):
        assert said in text, said


def test_many_signatures_keep_apart(look, run):
    made = run()
    seen = look(payout_run_pdf(replace(made, signatures=made.signatures * 9)))
    assert seen.text.count("Claire Fontaine") == 9


def test_the_same_run_gives_the_same_bytes(run):
    assert payout_run_pdf(run()) == payout_run_pdf(run())


def test_ten_thousand_payments_take_seconds(run):
    made = run(payments=10_000)
    started = time.perf_counter()
    payout_run_pdf(made)
    assert time.perf_counter() - started < 20
