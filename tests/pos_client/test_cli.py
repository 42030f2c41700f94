"""The `atouts-pos` command, as a clerk or a program calls it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pos_client.photograph import photograph
from tests.pos_client.conftest import card_picture
from tests.pos_client.service import LEA, MATHS, PAIRING_CODE, PHYSICS, STRANGER, TOM, Service

ISBN = str(MATHS["ean"])
Result = subprocess.CompletedProcess[str]
Call = Callable[..., Result]


@pytest.fixture
def call(home: Path) -> Call:
    """Calls the command in a process of its own, with the spaces of its answer made ordinary."""

    def run(*arguments: str, typed: str = "") -> Result:
        result = subprocess.run(
            [sys.executable, "-c", "from pos_client.cli import main; main()", *arguments],
            input=typed,
            capture_output=True,
            encoding="utf-8",
            env={"PATH": "", "ATOUTS_POS_HOME": str(home), "COLUMNS": "120", "PYTHONUTF8": "1"},
            check=False,
        )
        assert "Traceback" not in result.stderr, result.stderr
        for space in ("\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"):
            result.stdout, result.stderr = result.stdout.replace(space, " "), result.stderr.replace(space, " ")
        return result

    return run


@pytest.fixture
def paired(call: Call, service: Service) -> Call:
    assert call("pair", "--api", service.url, PAIRING_CODE).returncode == 0
    return call


def test_a_till_is_paired_once_and_says_how_it_stands(call: Call, service: Service) -> None:
    unpaired = call("status")
    assert unpaired.returncode == 1
    assert "pas encore associée" in unpaired.stderr
    wrong = call("pair", "--api", service.url, "WRONG")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "n’existe pas ou a déjà servi" in wrong.stderr
    assert "associée à Lycée Malherbe" in call("pair", "--api", service.url, PAIRING_CODE).stdout
    assert "déjà associée" in call("pair", "--api", service.url, PAIRING_CODE).stderr
    status = call("status")
    assert status.returncode == 0
    for words in ("Lycée Malherbe", "en ligne", "30 juin 2027", "02 14 00 08 50", "0,00 €", "0 vente"):
        assert words in status.stdout


def test_a_pairing_is_not_replaced_while_sales_wait(paired: Call, service: Service) -> None:
    paired("catalogue")
    service.faults.extend(["cut_after"] * 3)
    assert paired("sell", LEA, "--ean", ISBN, "--yes").returncode == 3
    again = paired("pair", "--api", service.url, PAIRING_CODE, "--replace")
    assert "1 vente en attente" in again.stderr
    paired("outbox", "--send")
    assert paired("pair", "--api", service.url, PAIRING_CODE, "--replace").returncode == 0


def test_a_sale_says_what_is_debited_and_left_until_when(paired: Call, service: Service) -> None:
    assert "70,00 €" in paired("lookup", LEA).stdout
    sold = paired("sell", LEA, "--ean", ISBN, "--ean", str(PHYSICS["ean"]), "--price", f"{ISBN}=10", "--yes")
    assert sold.returncode == 0
    assert "DÉBITÉ 19,90 €" in sold.stdout
    assert "reste 50,10 €, utilisable jusqu’au 30 juin" in sold.stdout
    receipt = paired("receipt").stdout
    for words in ("Léa M., 2de 4", "Mathématiques 2de", "DÉBITÉ", "19,90 €", "Utilisable jusqu’au 30 juin 2027"):
        assert words in receipt
    assert max(map(len, receipt.splitlines())) <= 42
    [sale_id] = service.sales
    cancelled = paired("cancel", sale_id, "--yes")
    assert "ANNULÉ : 19,90 € RENDUS" in cancelled.stdout
    assert f"vente {sale_id}" in cancelled.stdout
    again = paired("cancel", sale_id, "--yes")
    assert again.returncode == 1
    assert "REFUSÉ : RIEN N’EST RENDU" in again.stdout
    [given_back] = [line for line in paired("receipt", sale_id).stdout.splitlines() if line.startswith("RENDU")]
    assert given_back.endswith("19,90 €")


def test_the_clerk_is_asked_before_anything_is_debited(paired: Call, service: Service) -> None:
    assert paired("sell", LEA, "--ean", ISBN, typed="n\n").returncode == 1
    assert not service.debits
    assert paired("sell", LEA, "--ean", ISBN, typed="o\n").returncode == 0
    assert service.debits == {LEA: 1}


def test_a_program_gets_json_without_the_card(paired: Call) -> None:
    looked_up = json.loads(paired("--json", "lookup", LEA).stdout)
    assert looked_up["student"]["first_name"] == "Léa"
    assert "token" not in looked_up
    sold = json.loads(paired("--json", "sell", LEA, "--ean", ISBN, "--yes").stdout)
    assert sold["state"] == "accepted"
    assert sold["answer"]["debited_cents"] == 1250
    assert LEA not in json.dumps(sold)
    refused = paired("--json", "sell", TOM, "--ean", ISBN, "--yes")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["refusal"]["code"] == "insufficient_balance"


def test_a_photograph_is_sold_from(paired: Call, tmp_path: Path, service: Service) -> None:
    file = tmp_path / "photo.jpg"
    photograph(card_picture(LEA), seed=3).save(file)
    assert paired("decode", str(file)).stdout.strip() == LEA
    assert paired("sell", "--picture", str(file), "--ean", ISBN, "--yes").returncode == 0
    assert service.debits == {LEA: 1}


def test_what_cannot_be_decoded_is_told_file_by_file(call: Call, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    card_picture(LEA).save(good)
    bad.write_bytes(b"no picture")
    decoded = call("decode", str(good), str(bad), str(tmp_path / "none.png"))
    assert decoded.returncode == 1
    assert decoded.stdout.split() == [LEA]
    assert decoded.stderr.count("\n") == 2


def test_a_class_is_sold_to_from_a_file(paired: Call, tmp_path: Path, service: Service) -> None:
    file, export = tmp_path / "classe.csv", tmp_path / "résultat.csv"
    file.write_text(f"carte\n{LEA}\n{TOM}\n{STRANGER}\n", encoding="utf-8")
    assert "tous ou aucun" in paired("group", str(file), "--ean", ISBN, "--all-or-nothing", "--yes").stderr
    sold = paired("group", str(file), "--ean", ISBN, "--yes", "--export", str(export))
    assert sold.returncode == 1
    assert "1 vente acceptée, 1 refusée" in sold.stdout
    assert service.debits == {LEA: 1}
    lines = export.read_text("utf-8-sig").splitlines()
    assert lines[0] == "élève;résultat;débité;reste;motif"
    assert len(lines) == 4


def test_without_the_network_a_sale_waits_and_is_sent_later(paired: Call, service: Service) -> None:
    paired("catalogue")
    service.reading_faults.extend(["status_503"] * 3)
    service.faults.extend(["status_429"] * 3)
    waiting = paired("sell", LEA, "--ean", ISBN, "--yes")
    assert waiting.returncode == 3
    assert "EN ATTENTE : RIEN N’EST DÉBITÉ" in waiting.stdout
    listed = paired("--json", "outbox")
    assert listed.returncode == 3
    [intent] = json.loads(listed.stdout)["waiting"]
    assert intent["state"] == "waiting"
    sent = paired("outbox", "--send")
    assert sent.returncode == 0
    assert "Acceptées : 1" in sent.stdout
    assert "Aucune vente" in paired("outbox", "--withdraw", "ffff").stderr


def test_a_sale_that_waits_goes_with_the_next_one_that_is_answered(paired: Call, service: Service) -> None:
    paired("catalogue")
    service.reading_faults.extend(["status_503"] * 3)
    service.faults.extend(["status_429"] * 3)
    assert paired("sell", LEA, "--ean", ISBN, "--yes").returncode == 3
    sold = paired("sell", TOM, "--ean", str(PHYSICS["ean"]), "--yes")
    assert sold.returncode == 0
    assert sold.stdout.index("DÉBITÉ 9,90 €") > sold.stdout.index("DÉBITÉ 12,50 €"), "who is at the counter comes last"
    assert service.debits == {LEA: 1, TOM: 1}
    assert "En attente : aucune" in paired("outbox").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing"], "La commande nothing n’existe pas."),
        (["sell", LEA], "Donnez au moins un manuel"),
        (["sell", "--wrong"], "L’option --wrong n’existe pas."),
        (["pair", "CODE"], "Il manque : --api."),
        (["cancel", "1", "--line", "deux"], "--line"),
    ],
)
def test_wrong_usage_is_told_in_french(call: Call, arguments: list[str], sentence: str) -> None:
    told = call(*arguments)
    assert told.returncode == 2
    assert sentence in told.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sell", "AAAA", "--ean", ISBN], "32 caractères"),
        (["sell", LEA, "--ean", "9782091729108"], "Ce numéro de livre est faux"),
        (["sell", LEA, "--ean", "3614270000003"], "n’est pas au catalogue"),
        (["sell", LEA, "--ean", ISBN, "--price", f"{ISBN}=beaucoup"], "n’est pas un montant"),
        (["sell", LEA, "--ean", ISBN, "--price", f"{PHYSICS['ean']}=1"], "n’est pas dans la vente"),
        (["lookup", STRANGER], "inconnue du service"),
        (["cancel", "999", "--yes"], "n’existe pas."),
        (["group", "/nowhere.csv"], "ne peut pas être lu"),
        (["receipt"], "pas encore fait de vente"),
        (["pair", "--replace", "--api", "http://atouts.example", "CODE"], "https"),
    ],
)
def test_each_dead_end_has_its_sentence(paired: Call, service: Service, arguments: list[str], sentence: str) -> None:
    told = paired(*arguments)
    assert told.returncode == 1
    assert sentence in told.stderr
    assert not service.debits


def test_help_is_in_french(call: Call) -> None:
    told = call("--help").stdout
    assert "Utilisation : atouts-pos" in told
    assert "Commandes :" in told
    assert "Usage" not in told + call("sell", "--help").stdout
    assert "Show this" not in told


def test_commands_start_without_loading_what_only_screens_and_pictures_need(home: Path) -> None:
    program = (
        "import sys, pos_client.cli; print([n for n in ('textual', 'zxingcpp', 'numpy', 'PIL') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
