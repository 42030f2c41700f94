"""The counter as a clerk works it: a keyboard, a card reader, a queue of students."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable, Digits, Input, OptionList

from pos_client.outbox import State
from pos_client.screens import scan_field
from pos_client.screens.app import TillApp
from pos_client.screens.outbox import OutboxPane
from pos_client.till import Till
from tests.pos_client.service import LEA, MATHS, PHYSICS, STRANGER, TOM, ZOE_ON_TELEPHONE, Service

ISBN = str(MATHS["ean"])


@pytest.fixture(autouse=True)
def quick_fingers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_field, "BOUNCE_SECONDS", 0.0)


class Clerk:
    """A clerk's hands and eyes."""

    def __init__(self, pilot: Pilot[None], app: TillApp) -> None:
        self.pilot = pilot
        self.app = app

    async def scan(self, text: str) -> None:
        """What a scanner does: the text, then Enter."""
        field = self.app.query_one("#panes").query_one(f"#{self.pane}").query_one(Input)
        field.value = text
        await self.press("enter")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(3):
            await self.pilot.pause()
            await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    @property
    def pane(self) -> str:
        return str(self.app.query_one("#panes").current)  # type: ignore[attr-defined]

    def sees(self) -> str:
        """Everything on the screen, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return _plain("\n".join("".join(segment.text for segment in strip) for strip in strips))

    def rows(self, table: str) -> list[list[str]]:
        found = self.app.query_one(table, DataTable)
        return [[_plain(str(cell)) for cell in found.get_row_at(row)] for row in range(found.row_count)]


def _plain(text: str) -> str:
    """The text with ordinary spaces, as one types them in a test."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@asynccontextmanager
async def at_the_counter(till: Till, size: tuple[int, int] = (100, 30)) -> AsyncIterator[Clerk]:
    app = TillApp(till)
    async with app.run_test(size=size, notifications=True) as pilot:
        clerk = Clerk(pilot, app)
        await clerk.settle()
        yield clerk


def play(scene: Coroutine[Any, Any, None]) -> None:
    """Play `scene` in a thread of its own: browser tests of the same process keep a loop running in the main one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, scene).result()


def test_three_gestures_serve_a_student_and_the_next_card_serves_the_next(till: Till, service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            assert "Scannez la carte" in clerk.sees()
            await clerk.scan(LEA)
            assert "Léa M., 2de 4" in clerk.sees()
            assert "70,00 €" in clerk.sees()
            await clerk.scan(ISBN)
            assert "Entrée : débiter 12,50 €" in clerk.sees()
            await clerk.press("enter")
            assert "✔ DÉBITÉ 12,50 €" in clerk.sees()
            assert "UTILISABLE JUSQU’AU 30 JUIN" in clerk.sees()
            assert [_plain(digits.value) for digits in clerk.app.query(Digits)] == ["12,50 €", "57,50 €"]
            await clerk.scan(ZOE_ON_TELEPHONE)
            assert "Zoé M., 2de 4" in clerk.sees()
            assert "DÉBITÉ" not in clerk.sees()

    play(scene())
    assert service.debits == {LEA: 1}


def test_a_refusal_says_why_what_is_left_and_whom_to_ask(till: Till, service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.scan(TOM)
            await clerk.scan(ISBN)
            assert "il manque 2,50" in clerk.sees()
            await clerk.press("enter")
            assert "REFUSÉ : RIEN N’EST DÉBITÉ" in clerk.sees()
            assert "Solde de l’élève : 10,00 €" in clerk.sees()
            assert "02 14 00 08 50" in clerk.sees()
            await clerk.scan(STRANGER)
            assert "CARTE REFUSÉE" in clerk.sees()
            assert "Cette carte est inconnue du service." in clerk.sees()

    play(scene())
    assert not service.debits


def test_without_an_answer_nothing_is_called_paid_and_the_sale_goes_off_later(till: Till, service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.scan(LEA)
            await clerk.scan(ISBN)
            service.faults.extend(["cut_after"] * 3)
            await clerk.press("enter")
            assert "EN ATTENTE DE RÉPONSE" in clerk.sees()
            assert "DÉBITÉ " not in clerk.sees().replace("RIEN N’EST DÉBITÉ", "")
            assert "HORS LIGNE" in clerk.sees()
            assert "F3 En attente : 1" in clerk.sees()
            await clerk.press("f3", "f5")
            assert "F3 En attente : 0" in clerk.sees()
            assert "HORS LIGNE" not in clerk.sees()
            assert clerk.rows("#accepted-list")[0][1] == "acceptée"

    play(scene())
    assert service.debits == {LEA: 1}


def test_offline_a_printed_card_waits_and_a_telephone_is_told_to_come_back(till: Till, service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            service.reading_faults.extend(["status_503"] * 6)
            service.faults.extend(["status_429"] * 3)
            await clerk.scan(ZOE_ON_TELEPHONE)
            assert "seule une carte imprimée" in clerk.sees()
            await clerk.scan(LEA)
            assert "ni nom ni solde" in clerk.sees()
            await clerk.scan(ISBN)
            await clerk.press("enter")
            assert "EN ATTENTE : RIEN N’EST DÉBITÉ" in clerk.sees()

    play(scene())
    assert not service.debits
    assert [intent.state for intent in till.outbox.unsettled()] == [State.WAITING]


def test_a_sale_that_never_left_can_be_withdrawn_on_the_screen(till: Till, service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            service.faults.extend(["status_429"] * 3)
            await clerk.scan(LEA)
            await clerk.scan(ISBN)
            await clerk.press("enter")
            await clerk.press("f3")
            await clerk.press("delete")
            assert clerk.rows("#waiting-list") == []

    play(scene())
    assert till.outbox.unsettled() == []
    assert not service.debits


def test_a_scan_while_suggestions_are_shown_picks_none_of_them(till: Till, service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.scan(LEA)
            await clerk.scan("2de")
            assert clerk.sees().count("licence élève") == 2, "both are offered, the first is under the cursor"
            await clerk.press(*str(PHYSICS["ean"]), "enter")
            assert "Physique" in clerk.sees()
            assert "Entrée : débiter 9,90 €" in clerk.sees()

    play(scene())
    assert not service.debits


def test_a_book_is_found_by_words_of_its_title(till: Till) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.scan(LEA)
            await clerk.pilot.press(*"licence")
            await clerk.settle()
            assert clerk.app.query_one("#counter").query_one(OptionList).option_count == 2
            await clerk.press("enter")
            await clerk.press("down", "enter")
            assert "Entrée : débiter 9,90 €" in clerk.sees()
            await clerk.scan("MATHEMATIQUES")
            assert "Entrée : débiter 22,40 €" in clerk.sees()
            await clerk.scan("mathematiques")
            assert "déjà dans le panier" in clerk.sees()
            await clerk.press("f6")
            assert "Entrée : débiter 9,90 €" in clerk.sees()
            await clerk.scan("poterie")
            assert "Aucun manuel" in clerk.sees()
            await clerk.scan("9782091729108")
            assert "un chiffre est mal tapé" in clerk.sees()
            await clerk.scan("3614270000003")
            assert "n’est pas au catalogue" in clerk.sees()

    play(scene())


def test_the_next_student_never_pays_for_the_books_of_the_one_before(till: Till, service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.scan(LEA)
            await clerk.scan(ISBN)
            await clerk.scan(ZOE_ON_TELEPHONE)
            assert "Zoé M." in clerk.sees()
            assert "abandonnée" in clerk.sees()
            await clerk.press("enter")
            assert "panier est vide" in clerk.sees()

    play(scene())
    assert not service.debits


def test_a_kept_basket_serves_a_whole_queue_in_two_gestures_each(till: Till, service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.press("f5")
            await clerk.scan(LEA)
            await clerk.scan(ISBN)
            await clerk.press("enter")
            await clerk.scan(ZOE_ON_TELEPHONE)
            await clerk.press("enter")
            assert "✔ DÉBITÉ 12,50 €" in clerk.sees()

    play(scene())
    assert service.debits == {LEA: 1, ZOE_ON_TELEPHONE: 1}


def test_a_bouncing_enter_confirms_nothing(till: Till, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_field, "BOUNCE_SECONDS", 60.0)

    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.scan(LEA)
            await clerk.scan(ISBN)
            await clerk.press("enter", "enter")
            assert "Entrée : débiter 12,50 €" in clerk.sees()

    play(scene())
    assert not service.debits


def test_pressing_enter_twice_debits_once(till: Till, service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.scan(LEA)
            await clerk.scan(ISBN)
            service.faults.append("hold")
            await clerk.pilot.press("enter")
            await asyncio.to_thread(service.arrived.wait, 5)
            await clerk.pilot.press("enter", "enter")
            clerk.app.query_one(Input).value = TOM
            await clerk.pilot.press("enter")
            assert "Attendez la réponse" in clerk.sees()
            service.release.set()
            await clerk.settle()
            assert "✔ DÉBITÉ 12,50 €" in clerk.sees()

    play(scene())
    assert service.debits == {LEA: 1}


def test_the_last_sale_can_be_cancelled_after_a_question(till: Till, service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.press("f9")
            assert "Aucune vente à annuler" in clerk.sees()
            await clerk.scan(LEA)
            await clerk.scan(ISBN)
            await clerk.press("enter")
            await clerk.press("f9")
            assert "Annuler 12,50 € à Léa M., 2de 4" in clerk.sees()
            await clerk.press("escape")
            await clerk.press("f9")
            await clerk.press("enter")
            assert "ANNULÉ : 12,50 € RENDUS" in clerk.sees()
            await clerk.press("f9")
            assert "Aucune vente à annuler" in clerk.sees()

    play(scene())
    assert service.students[LEA].balance_cents == 7000


def test_a_wrongly_set_scanner_is_understood_and_told_once(till: Till) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.scan("Q" + "B" * 31)
            assert "Léa M." in clerk.sees()
            assert "clavier" in clerk.sees()
            await clerk.scan("Q" + "B" * 30)
            assert "il compte 32 caractères" in clerk.sees()

    play(scene())


def test_a_class_is_sold_to_at_once_with_a_result_for_each(till: Till, service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.press("f2")
            await clerk.press("enter")
            assert "Scannez les cartes" in clerk.sees()
            for card in (LEA, TOM, STRANGER, LEA):
                await clerk.scan(card)
            assert "déjà dans le groupe" in clerk.sees()
            await clerk.scan(ISBN)
            rows = clerk.rows("#members")
            assert [row[0] for row in rows] == ["Léa M., 2de 4", "Tom M., 2de 4", "Carte AZZZZ…"]
            assert rows[0][3] == "✔ suffisant"
            assert "il manque" in rows[1][3]
            assert "inconnue" in rows[2][3]
            await clerk.press("f4", "enter")
            assert "tous ou aucun : rien n’est envoyé" in clerk.sees()
            await clerk.press("f4", "enter")
            assert "Débiter 25,00 € à 2 élèves ?  Entrée : oui" in clerk.sees()
            await clerk.press("enter")
            results = {row[0]: row for row in clerk.rows("#members")}
            assert results["Léa M., 2de 4"][1:4] == ["12,50 €", "57,50 €", "✔ acceptée"]
            assert results["Tom M., 2de 4"][3].startswith("✖ refusée")
            await clerk.press("f7")
            assert "Résultat écrit" in clerk.sees()
            await clerk.press("f8")
            assert clerk.rows("#members") == []

    play(scene())
    [file] = till.profile.data.glob("groupe-*.csv")
    assert "Léa M., 2de 4;acceptée;12,50;57,50;" in file.read_text("utf-8-sig").splitlines()
    assert service.debits == {LEA: 1}


def test_a_class_comes_from_a_file(till: Till, tmp_path: Path, service: Service) -> None:
    file = tmp_path / "2de 4.csv"
    file.write_text(f"carte;ean\n{LEA};{ISBN}\n{ZOE_ON_TELEPHONE};{PHYSICS['ean']}\n", encoding="utf-8")

    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.scan(str(file))
            assert "F2" in clerk.sees()
            await clerk.press("f2")
            await clerk.scan("nulle-part.csv")
            assert "ne peut pas être lu" in clerk.sees()
            await clerk.scan(f"'{file}'")
            assert [row[1] for row in clerk.rows("#members")] == ["12,50 €", "9,90 €"]
            await clerk.press("enter", "enter")
            assert "2 ventes acceptées" in clerk.sees()

    play(scene())
    assert service.debits == {LEA: 1, ZOE_ON_TELEPHONE: 1}


def test_closing_the_till_during_a_sale_keeps_it(till: Till, open_till: Callable[[], Till], service: Service) -> None:
    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.scan(LEA)
            await clerk.scan(ISBN)
            service.faults.append("hold")
            await clerk.pilot.press("enter")
            await asyncio.to_thread(service.arrived.wait, 5)
            clerk.app.exit()
            service.release.set()

    play(scene())
    later = open_till()
    later.send_waiting()
    assert later.outbox.unsettled() == []
    assert service.debits == {LEA: 1}


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_all_that_must_be_told_fits_a_small_screen(till: Till, size: tuple[int, int]) -> None:
    async def scene() -> None:
        async with at_the_counter(till, size) as clerk:
            await clerk.scan(LEA)
            await clerk.scan(ISBN)
            await clerk.press("enter")
            for words in ("DÉBITÉ", "RESTE", "UTILISABLE", "JUIN", "Léa M., 2de 4"):
                assert words in clerk.sees()

    play(scene())


def test_the_outbox_screen_tells_of_a_damaged_file(till: Till) -> None:
    (till.outbox.folder / "waiting" / "20260901T000000000000Z-damaged.json").write_text("{")

    async def scene() -> None:
        async with at_the_counter(till) as clerk:
            await clerk.press("f3")
            assert clerk.app.query_one(OutboxPane).has_focus_within
            assert "illisibles" in clerk.sees()

    play(scene())
