"""One seller of `bench_books`: sells through `ledger.sales` on one connection and prints how many sales per second.

    python sell_for_a_while.py URL WALLETS PARTNERS SECONDS

It says "ready" and begins when it is given a line, so that no seller sells while another still starts.
"""

import hashlib
import random
import sys
import time
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[2]))

from ledger.database import engine_for
from ledger.sales import AskedLine, AskedSale, sell

url, wallets, partners, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
engine = engine_for(url)
sold = 0
with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
    print("ready", flush=True)  # noqa: T201
    input()
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        partner = random.randint(1, partners)
        card = random.randint(1, wallets) * 1_000_003
        ean = 9_780_000_000_000 + random.randint(1, 19) * 10 + partner % 10
        answer = sell(
            conn,
            terminal_id=partner,
            secret_hash=hashlib.sha256(str(partner).encode()).digest(),
            key=uuid4(),
            request_hash=bytes(32),
            sales=[AskedSale(card, [AskedLine(ean, 7)])],
        )
        sold += answer[0].refusal is None
    print(sold / (time.monotonic() - began))  # noqa: T201
