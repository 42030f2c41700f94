"""One seller of `bench_books` through a peer, django-hordak: sells on one connection and prints sales per second.

    python peer_hordak.py SOCKET_DIR USER DATABASE prepare WALLETS PARTNERS
    python peer_hordak.py SOCKET_DIR USER DATABASE sell SECONDS WALLETS PARTNERS

It runs in an environment of its own, which `peers` makes. A sale is a hordak transaction with two legs, written in the
cheapest way that hordak 2.0 offers: every account a root of the tree, the balance from `with_balances` (hordak's SQL
function; it adds up the account's legs, as there is no running total), both legs in one INSERT, prepared statements.

It is spared what a sale is in our books besides: card, offer and right, sale and line rows, the till's key. It has
fewer wallets, and no sale behind it. hordak's database makes sure that the legs of a transaction add up to zero, that
amounts are above zero, and that a leg has a currency of its account. It does not keep an account above zero (the lock
and the comparison are ours, and bind only who comes this way), a leg from being changed together with its counterpart,
a transaction from being deleted or from having no legs, or the same request from being posted twice.
"""

import random
import sys
import time

import django
from django.conf import settings

sockets, user, database, task, *numbers = sys.argv[1:]
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": sockets,
            "USER": user,
            "NAME": database,
            "OPTIONS": {"server_side_binding": True, "prepare_threshold": 5},
        }
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
    CURRENCIES=["EUR"],
    DEFAULT_CURRENCY="EUR",
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db import transaction as database_transaction  # noqa: E402
from hordak.models import Account, AccountType, Leg, Transaction  # noqa: E402
from moneyed import Money  # noqa: E402

PRICE = Money("0.07", "EUR")
GRANT = Money("1000000", "EUR")


def prepare(wallets: int, partners: int) -> None:
    """Accounts 1 to `wallets` with money in them, the partners' after those, the Region's last."""
    call_command("migrate", verbosity=0)
    count = wallets + partners + 1
    accounts = [
        # Of a tree of its own: bulk_create leaves the numbers of the tree to us.
        Account(id=n, name=f"Account {n}", type=AccountType.liability, tree_id=n, lft=1, rght=2, level=0)
        for n in range(1, count + 1)
    ]
    Account.objects.bulk_create(accounts, batch_size=1000)
    students = accounts[:wallets]
    for first in range(0, wallets, 1000):
        grants = [(Transaction(), student) for student in students[first : first + 1000]]
        with database_transaction.atomic():
            Transaction.objects.bulk_create(grant for grant, _ in grants)
            Leg.objects.bulk_create(Leg(transaction=grant, account=student, credit=GRANT) for grant, student in grants)
            Leg.objects.bulk_create(Leg(transaction=grant, account_id=count, debit=GRANT) for grant, _ in grants)
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
        cursor.execute("checkpoint")


@database_transaction.atomic
def sell(student: int, partner: int) -> bool:
    """Move the price from the student to the partner, unless the student has too little."""
    # Two statements: one would read the balance before it has waited for the lock.
    Account.objects.select_for_update().values_list("pk").get(pk=student)
    balance = Account.objects.with_balances().values_list("balance", flat=True).get(pk=student)
    if balance["EUR"] < PRICE:
        return False
    sale = Transaction.objects.create()
    Leg.objects.bulk_create(
        [
            Leg(transaction=sale, account_id=student, debit=PRICE),
            Leg(transaction=sale, account_id=partner, credit=PRICE),
        ]
    )
    return True


def sell_for_a_while(seconds: float, wallets: int, partners: int) -> float:
    """Sales per second, one after the other."""
    sold = 0
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        sold += sell(random.randint(1, wallets), wallets + random.randint(1, partners))
    return sold / (time.monotonic() - began)


if task == "prepare":
    prepare(int(numbers[0]), int(numbers[1]))
else:
    connection.ensure_connection()
    print("ready", flush=True)  # noqa: T201
    input()
    print(sell_for_a_while(float(numbers[0]), int(numbers[1]), int(numbers[2])))  # noqa: T201
