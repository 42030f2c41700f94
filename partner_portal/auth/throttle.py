"""Slowing down guesses without ever locking anybody out.

What a guesser does from elsewhere must not cost the account's owner anything. So waiting is counted per account *and*
source (an address, or a browser that has signed in to this account before): a stranger's failures delay the stranger.
What all sources together fail on one account only takes free tries away from sources, never the first; what one source
fails on all accounts slows that source, save its known browsers. Counters live in Redis and forget by themselves.
"""

import hashlib
import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass

from redis import Redis

FREE_TRIES = 5
FREE_TRIES_UNDER_ATTACK = 1
ATTACK = 50
"""Failures on one account within the memory, from everywhere, that count as an attack on it."""
FREE_TRIES_OF_SOURCE = 40
"""A school's whole staff may share one address on the first day."""
LONGEST_WAIT_S = 900
LONGEST_WAIT_OF_SOURCE_S = 60
MEMORY_S = 3600


@dataclass(frozen=True)
class Failures:
    """What has gone wrong lately: on this account from this source, on this account, and from this source."""

    pair: int = 0
    account: int = 0
    source: int = 0


def wait_s(failures: Failures) -> int:
    """Seconds to wait after the last failure before the next try: none, then doubling up to a limit."""
    free = FREE_TRIES if failures.account < ATTACK else FREE_TRIES_UNDER_ATTACK
    return max(
        _doubling(failures.pair - free, LONGEST_WAIT_S),
        _doubling(failures.source - FREE_TRIES_OF_SOURCE, LONGEST_WAIT_OF_SOURCE_S),
    )


def _doubling(beyond: int, longest: int) -> int:
    return 0 if beyond < 0 else min(2**beyond, longest) if beyond < 20 else longest


def network_of(address: str | None) -> str:
    """The part of an address that one subscriber holds: a /64 of IPv6 is one household's, IPv4 counts whole."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)


class Throttle:
    """The counters of sign-in failures. `account` is what was typed, existing or not, so that waiting tells nothing."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self.redis = redis
        self.clock = clock

    def seconds_left(self, account: str, address: str | None, device: str | None) -> int:
        """Seconds until this account may be tried again from this source. `device` is a known browser's mark."""
        pair, whole, source = self._keys(account, address, device)
        counted = [
            self.redis.hmget(pair, "n", "last"),
            self.redis.hmget(whole, "n"),
            self.redis.hmget(source, "n", "last"),
        ]
        (pair_n, pair_last), (account_n,), (source_n, source_last) = (
            [float(value) if value else 0.0 for value in row] for row in counted
        )
        known = device is not None
        wait_pair = wait_s(Failures(int(pair_n), 0 if known else int(account_n)))
        wait_source = 0 if known else wait_s(Failures(source=int(source_n)))
        left = max(pair_last + wait_pair, source_last + wait_source) - self.clock()
        return max(0, int(left + 0.999))

    def failed(self, account: str, address: str | None, device: str | None) -> None:
        """Count one failure."""
        now = self.clock()
        with self.redis.pipeline() as pipe:
            for key in self._keys(account, address, device):
                pipe.hincrby(key, "n", 1)
                pipe.hset(key, "last", now)
                pipe.expire(key, MEMORY_S)
            pipe.execute()

    def succeeded(self, account: str, address: str | None, device: str | None) -> None:
        """Forget what this source failed on this account."""
        self.redis.delete(self._keys(account, address, device)[0])

    @staticmethod
    def _keys(account: str, address: str | None, device: str | None) -> tuple[str, str, str]:
        # Hashed: Redis holds no list of mail addresses.
        name = hashlib.sha256(account.strip().casefold().encode()).hexdigest()[:32]
        network = network_of(address)
        origin = f"device:{device}" if device else network
        return f"atouts:tries:{name}:{origin}", f"atouts:tries:{name}", f"atouts:tries-from:{network}"
