"""A service, a till paired with it in a folder of its own, and what cards look like."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import qrcode
from PIL import Image
from qrcode.util import MODE_ALPHA_NUM, QRData

from pos_client import terminal
from pos_client.api import Api
from pos_client.outbox import Outbox
from pos_client.terminal import Terminal
from pos_client.till import Till
from tests.pos_client.service import SECRET, Service

BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@pytest.fixture
def service() -> Iterator[Service]:
    kept = Service()
    server = kept.start()
    yield kept
    kept.release.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the tills of this test, where their profiles and outboxes are."""
    folder = tmp_path / "till"
    monkeypatch.setenv(terminal.HOME_VARIABLE, str(folder))
    return folder


@pytest.fixture
def open_till(home: Path, service: Service) -> Iterator[Callable[[], Till]]:
    """Opens the same paired till, as often as there are processes to play."""
    where = terminal.profile()
    terminal.prepare(where)
    terminal.keep(where, Terminal(service.url, "till-1", "Accueil", "Lycée Malherbe", "0140013N"), SECRET)
    opened: list[Till] = []

    def open_one() -> Till:
        identity = terminal.load(where)
        api = Api(identity.api_url, terminal.secret(where, identity), patience_seconds=1)
        opened.append(Till(where, identity, api, Outbox(where.data / "outbox")))
        return opened[-1]

    yield open_one
    for till in opened:
        till.api.close()


@pytest.fixture
def till(open_till: Callable[[], Till]) -> Till:
    return open_till()


def card_text(seed: int) -> str:
    """The text of a card as the service makes them."""
    draw = random.Random(seed)
    return draw.choice("AW") + "".join(draw.choice(BASE32) for _ in range(31))


def card_picture(text: str) -> Image.Image:
    """A card's QR code as it is printed: level Q, version 3, alphanumeric."""
    code = qrcode.QRCode(version=3, error_correction=qrcode.constants.ERROR_CORRECT_Q, box_size=10, border=4)
    code.add_data(QRData(text.encode(), mode=MODE_ALPHA_NUM))
    code.make(fit=False)
    return code.make_image().get_image().convert("RGB")
