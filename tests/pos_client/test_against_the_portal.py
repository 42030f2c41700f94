"""The till and the portal together: what the one sends is what the other takes, over HTTP, on real books."""

import dataclasses
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import Engine
from werkzeug.serving import make_server

from batch.queue import redis_connection
from ledger import terminals
from ledger.cards import printed_code
from partner_portal.app import create_app
from pos_client import terminal
from pos_client.answers import Pairing, Sale, TerminalStatus
from pos_client.api import Answered, Api
from pos_client.basket import EMPTY, Basket
from pos_client.codes import CardCode
from pos_client.delivery import deliver
from pos_client.outbox import Outbox, State
from pos_client.outcomes import outcome
from pos_client.receipts import receipt
from pos_client.refusals import Refusal
from pos_client.terminal import Terminal
from pos_client.till import Scan, Till, _sale_body
from tests.conftest import Database
from tests.ledger.scheme import BOOK, KEYS, Line, Scheme, make_scheme
from tests.partner_portal.conftest import CONFIG


@dataclass
class Region:
    """A running service with two students, Zoé (70 €) and Tom (40 €), and a till paired with its school."""

    engine: Engine
    scheme: Scheme
    codes: list[str]
    till: Till

    def scan(self, student: int) -> Scan:
        found = self.till.look_up(CardCode(self.codes[student]))
        assert isinstance(found, Scan)
        return found

    def basket(self, price_cents: int = 3000) -> Basket:
        self.till.catalogue.refresh(self.till.api)
        product = self.till.catalogue.by_ean(str(BOOK))
        assert product
        return EMPTY.with_product(product, price_cents)


@pytest.fixture
def region(fresh_database: Database, redis_url: str, home: Path) -> Iterator[Region]:
    redis: Redis = redis_connection(redis_url)
    server = make_server("127.0.0.1", 0, Flask("placeholder"), threaded=True)
    url = f"http://127.0.0.1:{server.port}"
    config = dataclasses.replace(CONFIG, public_url=url, card_keys=KEYS)
    app = server.app = create_app(config, engine=fresh_database.engine, redis=redis)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    engine = app.extensions["atouts"].engine
    with engine.begin() as conn:
        scheme = make_scheme(
            conn,
            Line("123456789AB", first_name="Zoé", last_name="Lemaître"),
            Line("123456789CD", first_name="Tom", last_name="Auger", stream="vocational"),
        )
        pairing_code, _ = terminals.make_pairing_code(conn, scheme.till.partner_id, actor="tests")
    codes = [printed_code(KEYS, card, 1) for card in scheme.cards]
    with pair(f"{url}/api/v1", pairing_code) as till:
        yield Region(engine, scheme, codes, till)
    server.shutdown()
    thread.join()
    server.server_close()


def pair(url: str, pairing_code: str) -> Till:
    with Api(url) as api:
        paired = api.pair(pairing_code, "Guichet 1")
        assert isinstance(paired, Pairing)
        used = api.pair(pairing_code, "Guichet 2")
        assert isinstance(used, Refusal)
    where = terminal.profile()
    terminal.prepare(where)
    identity = Terminal(url, paired.terminal_id, "Guichet 1", paired.partner_name, paired.uai)
    terminal.keep(where, identity, paired.secret)
    return Till.open(where)


def test_a_student_is_looked_up_sold_to_and_given_the_money_back(region: Region) -> None:
    till = region.till
    status = till.api.terminal()
    assert isinstance(status, TerminalStatus)
    assert status.assistance.phone
    scan = region.scan(0)
    assert scan.lookup
    assert scan.student.startswith("Zoé L.")
    assert scan.lookup.available_cents("books") == 7000
    sold = till.sell(scan, region.basket())
    assert sold.state is State.ACCEPTED
    assert "reste 40,00" in outcome(sold).lines[1]
    assert sold.answer
    read = till.api.sale(sold.answer["sale_id"])
    assert isinstance(read, Sale)
    printed = receipt(read, till.identity, status.assistance)
    assert "Zoé L." in printed
    assert "30 juin" in printed.replace("\N{NO-BREAK SPACE}", " ")
    assert till.api.sales() == (read,)
    cancelled = till.cancel(read.sale_id, scan.student)
    assert cancelled.state is State.ACCEPTED
    assert "ANNULÉ" in outcome(cancelled).headline
    again = till.cancel(read.sale_id, scan.student)
    assert again.state is State.REFUSED
    with region.engine.connect() as conn:
        assert region.scheme.balance(conn, 0) == 7000


def test_a_sale_sent_again_is_debited_once(region: Region) -> None:
    api, key = region.till.api, uuid4()
    body = {"code": region.codes[0], "lines": region.basket().as_json()}
    first, again = api.post_once("sales", body, key), api.post_once("sales", body, key)
    assert isinstance(first, Answered)
    assert isinstance(again, Answered)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.data == first.data
    other = api.post_once("sales", {**body, "lines": region.basket(price_cents=1).as_json()}, key)
    assert isinstance(other, Refusal)
    assert other.code == "key_reused"
    with region.engine.connect() as conn:
        assert region.scheme.balance(conn, 0) == 4000


def test_refusals_are_understood_and_settle_the_sale(region: Region) -> None:
    poor = region.scan(1)
    region.till.sell(poor, region.basket())
    refused = region.till.sell(poor, region.basket())
    assert refused.state is State.REFUSED
    assert refused.refusal
    assert (refused.refusal.code, refused.refusal.balance_cents) == ("insufficient_balance", 1000)
    dear = region.till.sell(region.scan(0), region.basket(price_cents=9_999_999))
    assert dear.refusal
    assert dear.refusal.code == "price_above_real_cost"
    stranger = region.till.look_up(CardCode("A" * 32))
    assert isinstance(stranger, Refusal)
    assert stranger.code == "unknown_card"


def test_a_class_is_sold_to_in_one_call(region: Region) -> None:
    scans = [region.scan(0), region.scan(1)]
    [each] = region.till.sell_group([(scan, region.basket()) for scan in scans], "each")
    assert outcome(each).headline.startswith("DÉBITÉ 60,00")
    [none] = region.till.sell_group([(scan, region.basket()) for scan in scans], "all_or_nothing")
    assert outcome(none).headline.startswith("DÉBITÉ 0,00")
    assert len(outcome(none).lines) == 2


def test_a_card_scanned_without_the_network_is_sold_to_later(region: Region) -> None:
    waiting = Scan(CardCode(region.codes[0]), None)
    assert region.till.sell(waiting, region.basket()).state is State.ACCEPTED


def test_a_revoked_till_hears_its_old_answers_and_nothing_new(region: Region) -> None:
    till = region.till
    scan, basket = region.scan(0), region.basket()
    sold = till.sell(scan, basket)
    with region.engine.begin() as conn:
        terminals.revoke_terminal(
            conn, int(till.identity.terminal_id), partner_id=region.scheme.till.partner_id, actor="tests"
        )
    # As if the answer had been lost on its way.
    lost = dataclasses.replace(sold, state=State.SENDING, answer=None, body=_sale_body(scan, basket))
    outbox = Outbox(till.profile.data / "another-outbox")
    outbox.put(lost)
    assert deliver(outbox, till.api, lost, terminal_id=lost.terminal_id).answer == sold.answer
    refused = till.sell(scan, basket)
    assert refused.state is State.REFUSED
    assert refused.refusal
    assert refused.refusal.code == "terminal_revoked"
