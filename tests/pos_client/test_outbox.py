"""No crash, no second window and no full disk may lose a sale, make it twice, or call it paid too early."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pos_client.answers import Lookup, Product
from pos_client.basket import Basket
from pos_client.codes import CardCode
from pos_client.outbox import NotWithdrawable, Outbox, OutboxUnusable, State
from pos_client.refusals import Refusal
from pos_client.till import CannotWait, Scan, Till
from tests.pos_client.service import LEA, MATHS, TOM, ZOE_ON_TELEPHONE, Service

OpenTill = Callable[[], Till]


def basket(till: Till) -> Basket:
    till.catalogue.refresh(till.api)
    product = till.catalogue.by_ean(str(MATHS["ean"]))
    assert product
    return Basket().with_product(product)


def scan(till: Till, code: str = LEA) -> Scan:
    found = till.look_up(CardCode(code))
    assert isinstance(found, Scan)
    return found


def test_a_sale_is_accepted_by_the_service_and_by_nobody_else(till: Till) -> None:
    sold = till.sell(scan(till), basket(till))
    assert sold.state is State.ACCEPTED
    assert sold.answer
    assert sold.answer["debited_cents"] == 1250
    assert till.outbox.unsettled() == []
    assert till.outbox.settled(State.ACCEPTED) == [sold]


def test_a_refusal_is_kept_apart_from_what_was_accepted(till: Till) -> None:
    refused = till.sell(scan(till, TOM), basket(till))
    assert refused.state is State.REFUSED
    assert refused.refusal
    assert refused.refusal.balance_cents == 1000
    assert till.outbox.settled(State.REFUSED) == [refused]
    assert till.outbox.settled(State.ACCEPTED) == []


def test_while_nobody_answers_a_sale_waits_and_is_debited_once_in_the_end(till: Till, service: Service) -> None:
    ready = scan(till), basket(till)
    service.faults.extend(["cut_after", "cut_before", "status_503"])
    waiting = till.sell(*ready)
    assert waiting.state is State.SENDING
    assert till.outbox.unsettled() == [waiting]
    service.faults.extend(["status_500"])
    _, [still] = till.send_waiting()
    assert still.state is State.SENDING
    _, [sent] = till.send_waiting()
    assert sent.state is State.ACCEPTED
    assert sent.attempts == 3
    assert service.debits[LEA] == 1
    assert len(set(service.keys())) == 1


def test_a_sign_in_page_that_says_200_is_no_acceptance(till: Till, service: Service) -> None:
    ready = scan(till), basket(till)
    service.faults.extend(["sign_in_page", "other_json"])
    assert till.sell(*ready).state is State.SENDING
    _, [again] = till.send_waiting()
    assert again.state is State.SENDING
    assert service.debits[LEA] == 0


def test_what_never_left_can_be_withdrawn_and_what_may_have_arrived_cannot(till: Till, service: Service) -> None:
    ready = scan(till), basket(till)
    service.faults.extend(["status_429"] * 3)
    never_left = till.sell(*ready)
    assert never_left.state is State.WAITING
    assert till.outbox.withdraw(never_left).state is State.WITHDRAWN
    service.faults.extend(["cut_after"] * 3)
    perhaps_arrived = till.sell(*ready)
    with pytest.raises(NotWithdrawable, match="annulez-la"):
        till.outbox.withdraw(perhaps_arrived)
    _, sent = till.send_waiting()
    assert [intent.state for intent in sent] == [State.ACCEPTED]
    assert service.debits[LEA] == 1


def test_a_revocation_does_not_settle_a_sale_that_may_have_been_debited_before_it(till: Till, service: Service) -> None:
    ready = scan(till), basket(till)
    service.faults.extend(["cut_after"] * 3)
    assert till.sell(*ready).state is State.SENDING
    service.revoked = True
    now = till.sell(*ready)
    assert now.state is State.WAITING
    assert "révoquée" in now.problem
    service.revoked = False
    _, sent = till.send_waiting()
    assert [intent.state for intent in sent] == [State.ACCEPTED, State.ACCEPTED]


def test_a_sale_of_another_pairing_is_never_sent_under_this_one(till: Till, service: Service) -> None:
    ready = scan(till), basket(till)
    service.faults.extend(["cut_after"] * 3)
    till.sell(*ready)
    till.identity = replace(till.identity, terminal_id="till-2")
    before = len(service.keys())
    _, [kept] = till.send_waiting()
    assert "espace partenaire" in kept.problem
    assert len(service.keys()) == before


def test_offline_a_printed_card_can_wait_and_a_telephone_cannot(till: Till, service: Service) -> None:
    taken = basket(till)
    service.faults.extend(["status_429"] * 3)
    waiting = till.sell(Scan(CardCode(LEA), None), taken)
    assert waiting.state is State.WAITING
    assert waiting.students == ["Carte ABBBB…"]
    with pytest.raises(CannotWait, match="carte imprimée"):
        till.sell(Scan(CardCode(ZOE_ON_TELEPHONE), None), taken)
    _, [sent] = till.send_waiting()
    assert sent.state is State.ACCEPTED


def test_a_telephone_is_sold_to_by_its_look_up(till: Till, service: Service) -> None:
    found = scan(till, ZOE_ON_TELEPHONE)
    assert isinstance(found.lookup, Lookup)
    assert till.sell(found, basket(till)).state is State.ACCEPTED
    assert service.debits[ZOE_ON_TELEPHONE] == 1


def test_a_settled_sale_keeps_no_card(till: Till) -> None:
    ready = scan(till), basket(till)
    till.sell(*ready)
    list(till.sell_group([ready, (scan(till, TOM), basket(till))], "each"))
    files = list(till.outbox.folder.rglob("*.json"))
    assert len(files) == 2
    assert all(LEA not in file.read_text() and TOM not in file.read_text() for file in files)


def test_only_the_owner_may_read_the_outbox(till: Till) -> None:
    till.sell(scan(till), basket(till))
    for path in till.outbox.folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_group_of_more_than_a_hundred_is_sent_in_parts(till: Till, service: Service) -> None:
    service.students[LEA].balance_cents = 10**6
    ready = scan(till), basket(till)
    parts = list(till.sell_group([ready] * 101, "each"))
    assert [len(part.students) for part in parts] == [100, 1]
    assert service.debits[LEA] == 101
    with pytest.raises(CannotWait):
        list(till.sell_group([ready] * 101, "all_or_nothing"))


def test_two_tills_on_one_outbox_do_not_send_at_once(open_till: OpenTill, service: Service) -> None:
    first, second = open_till(), open_till()
    ready = scan(first), basket(first)
    service.faults.append("hold")
    clerk = threading.Thread(target=first.sell, args=ready)
    clerk.start()
    assert service.arrived.wait(5)
    _, [seen] = second.send_waiting()
    assert seen.state is State.SENDING
    assert len(service.keys()) == 1
    service.release.set()
    clerk.join()
    assert first.outbox.unsettled() == []
    assert len(service.keys()) == 1


def test_old_settled_intents_are_forgotten_and_waiting_ones_are_not(till: Till, service: Service) -> None:
    ready = scan(till), basket(till)
    till.sell(*ready)
    service.faults.extend(["status_429"] * 3)
    waiting = till.sell(*ready)
    till.outbox.put(replace(waiting, key=waiting.key, created_at=datetime.now(UTC) - timedelta(days=99)))
    assert till.outbox.forget_settled() == 0
    assert till.outbox.forget_settled(timedelta(seconds=-1)) == 1
    assert len(till.outbox.unsettled()) == 2


def test_an_intent_is_found_by_the_beginning_of_its_key(till: Till) -> None:
    sold = till.sell(scan(till), basket(till))
    assert till.outbox.find(str(sold.key)[:8]) == sold
    assert till.outbox.find("") is None
    assert till.outbox.find("zz") is None


def test_a_damaged_file_is_told_and_stops_nothing(till: Till, service: Service) -> None:
    ready = scan(till), basket(till)
    service.faults.extend(["status_429"] * 6)
    till.sell(*ready)
    till.sell(*ready)
    first = min((till.outbox.folder / "waiting").glob("*.json"))
    first.write_text('{"kind": "sale", "pa')
    assert till.outbox.damaged() == [first]
    _, sent = till.send_waiting()
    assert [intent.state for intent in sent] == [State.ACCEPTED]


def test_where_the_outbox_cannot_be_made_the_till_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutboxUnusable, match="Rien n’a été envoyé"):
        Outbox(tmp_path / "file")


def test_a_full_disk_sends_nothing(till: Till, service: Service) -> None:
    program = f"""
import resource, sys
from tests.pos_client.test_outbox import *
from pos_client import terminal
with Till.open(terminal.profile()) as till:
    ready = scan(till, {LEA!r}), basket(till)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))  # as where no block is left for a file
    try:
        till.sell(*ready)
    except OutboxUnusable as refusal:
        print(refusal)
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "Rien n’a été envoyé" in process.stdout, process.stderr
    assert service.keys() == []
    assert not any(till.outbox.folder.rglob("*.json"))
    assert not any(till.outbox.folder.rglob("*.draft"))


def test_a_sale_that_waits_is_not_sent_while_the_disk_is_full(till: Till, service: Service) -> None:
    ready = scan(till), basket(till)
    service.faults.extend(["status_429"] * 3)
    waiting = till.sell(*ready)
    sent_before = len(service.keys())
    program = """
import resource
from tests.pos_client.test_outbox import Till
from pos_client import terminal
with Till.open(terminal.profile()) as till:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
    _, [intent] = till.send_waiting()
    print(intent.state, intent.problem)
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert process.stdout.startswith("waiting Rien n’a été envoyé")
    assert len(service.keys()) == sent_before
    assert till.outbox.unsettled() == [waiting]


def test_only_a_refusal_that_the_books_have_recorded_is_the_last_word_of_a_revoked_till() -> None:
    assert not Refusal("terminal_revoked", "").final
    assert Refusal("terminal_revoked", "", sale_id="12").final
    assert Refusal("insufficient_balance", "").final


def test_a_price_that_has_fallen_is_known_after_the_first_refusal(till: Till, service: Service) -> None:
    ready = scan(till), basket(till)
    stale = Product("3614270000003", "Veste de travail", "", "books", 4500)
    refused = till.sell(ready[0], ready[1].with_product(stale))
    assert refused.state is State.REFUSED
    assert till.catalogue.by_ean(stale.ean) is None
    assert len(till.catalogue) == 2
    service.reading_faults.extend(["status_503"] * 3)
    assert till.product(str(MATHS["ean"])) == ready[1].lines[0].product


KILLED_SALE = """
import os, signal, sys
from pos_client import terminal
from tests.pos_client.test_outbox import Till, basket, scan
from pos_client.refusals import Refusal

with Till.open(terminal.profile()) as till:
    ready = scan(till), basket(till)
    deaths = iter(range(int(sys.argv[1])))

    def die_at_last(event, arguments):
        # What a sale does outside its own memory: write, rename, delete, connect.
        told = event in ("open", "os.rename", "os.remove", "os.mkdir", "socket.connect", "fcntl.flock")
        if told and next(deaths, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(die_at_last)
    till.sell(*ready)
os._exit(0)
"""


@pytest.mark.slow
def test_a_sale_killed_at_any_moment_is_debited_once_or_never_began(open_till: OpenTill, service: Service) -> None:
    service.students[LEA].balance_cents = 10**6
    for moment in range(100):
        before = service.debits[LEA]
        process = subprocess.run([sys.executable, "-c", KILLED_SALE, str(moment)], capture_output=True, check=False)
        assert process.returncode in (0, -signal.SIGKILL), process.stderr
        till = open_till()
        decided = list((till.outbox.folder / "waiting").glob("*.json")) or service.debits[LEA] > before
        till.send_waiting()
        assert till.outbox.unsettled() == []
        assert till.outbox.damaged() == []
        assert service.debits[LEA] - before == (1 if decided else 0)
        assert len(till.outbox.settled(State.ACCEPTED, limit=1000)) == service.debits[LEA]
        if process.returncode == 0:
            break
    assert process.returncode == 0, "the sale has more moments than were tried"
    assert moment > 8, "the kills came all before the sale"


@pytest.mark.slow
def test_a_till_killed_while_the_answer_is_on_its_way_shows_it_at_the_next_start(
    open_till: OpenTill, service: Service
) -> None:
    service.faults.append("hold")
    process = subprocess.Popen([sys.executable, "-c", KILLED_SALE, "1000"])
    assert service.arrived.wait(20)
    process.send_signal(signal.SIGKILL)
    process.wait()
    service.release.set()
    till = open_till()
    [unanswered] = till.outbox.unsettled()
    assert unanswered.state is State.SENDING
    _, [sent] = till.send_waiting()
    assert sent.state is State.ACCEPTED
    assert service.debits[LEA] == 1


def test_drafts_of_a_crash_are_swept_once_they_are_old(till: Till) -> None:
    fresh, old = (till.outbox.folder / "waiting" / name for name in (".a.draft", ".b.draft"))
    for draft in (fresh, old):
        draft.write_text(json.dumps({}))
    os.utime(old, (time.time() - 7200,) * 2)
    Outbox(till.outbox.folder)
    assert (fresh.exists(), old.exists()) == (True, False)
