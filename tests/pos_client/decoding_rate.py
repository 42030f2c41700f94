"""How many bad photographs of cards are read, by either reader alone and by the ladder.

`python -m tests.pos_client.decoding_rate` measures on three hundred and prints the rates.
"""

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

import zxingcpp
from pyzbar import pyzbar

from pos_client import decoding
from pos_client.photograph import photograph
from tests.pos_client.conftest import card_picture, card_text

FIRST_SEED = 5000
"""The ladder was chosen on photographs with smaller numbers; these it has not seen."""


@dataclass
class Rates:
    """How many of how many were read; the time of the ladder in seconds, sorted."""

    pictures: int = 0
    zxing: int = 0
    zbar: int = 0
    ladder: int = 0
    seconds: tuple[float, ...] = ()


def measure(seeds: Iterable[int]) -> Rates:
    """Photograph a card for each seed and read it. Raises AssertionError when a card is read as another."""
    rates = Rates()
    for seed in seeds:
        text = card_text(seed)
        picture = photograph(card_picture(text), seed).convert("L")
        by_zxing = zxingcpp.read_barcodes(picture, formats=decoding.QR_ONLY)
        by_zbar = pyzbar.decode(picture, symbols=[pyzbar.ZBarSymbol.QRCODE])
        start = time.perf_counter()
        read = decoding.decode(picture)
        rates.seconds = (*rates.seconds, time.perf_counter() - start)
        assert read in ([], [text]), f"photograph {seed} was read as another card"
        rates.pictures += 1
        rates.zxing += any(code.text == text for code in by_zxing)
        rates.zbar += any(code.data.decode() == text for code in by_zbar)
        rates.ladder += read == [text]
    rates.seconds = tuple(sorted(rates.seconds))
    return rates


if __name__ == "__main__":
    measured = measure(range(FIRST_SEED, FIRST_SEED + 300))
    for name in ("zxing", "zbar", "ladder"):
        sys.stdout.write(f"{name:8}{100 * getattr(measured, name) / measured.pictures:6.1f} %\n")
    sys.stdout.write(f"ladder: median {1000 * measured.seconds[150]:.0f} ms, slowest {measured.seconds[-1]:.1f} s\n")
