"""What an operator can set about what runs by itself; read and declared as in `ledger.settings`."""

from ledger.settings import Setting

REDIS_URL = Setting(
    "REDIS_URL",
    "",
    "The Redis of queues, sessions and look-up tokens, redis://host:6379/0; without it an embedded one is started in "
    "the data folder.",
    secret=True,
)
