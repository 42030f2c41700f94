"""Counts that all processes share, kept in memory: Redis is told behind the requests, and no request waits for it."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError

TELL_AFTER_S = 0.05
"""How long a process may keep a count to itself: the others let through what is asked of them in that time."""
RETRY_AFTER_S = 1.0
FORGET_EVERY_S = 10.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Window:
    """What was counted under `key` until `ends` (since 1970): by all processes as Redis last said, and by us since."""

    key: str
    seconds: int
    ends: float
    told: int = 0
    untold: int = 0


class SharedCounts:
    """Counts in windows that begin with their first hit.

    While Redis is away each process counts for itself, and tells it when it is back.
    """

    def __init__(self, redis: Redis) -> None:
        """Count with every process that uses the same `redis`."""
        self._redis = redis
        self._lock = threading.Lock()
        self._windows: dict[str, _Window] = {}
        self._untold: dict[str, _Window] = {}
        self._is_telling = False
        self._is_away = False
        self._forget_at = 0.0

    def hit(self, key: str, seconds: int) -> tuple[int, float]:
        """Count one more under `key` in a window of so many `seconds`: the count, and the instant when it ends."""
        now = time.time()
        with self._lock:
            window = self._windows.get(key)
            if window is None or window.ends <= now:
                window = self._windows[key] = _Window(key, seconds, now + seconds)
            window.untold += 1
            self._untold[key] = window
            counted = window.told + window.untold, window.ends
            has_to_tell, self._is_telling = not self._is_telling, True
        if has_to_tell:
            self._tell_in(TELL_AFTER_S)
        return counted

    def _tell_in(self, seconds: float) -> None:
        teller = threading.Timer(seconds, self._tell)
        teller.daemon = True
        teller.start()

    def _tell(self) -> None:
        """Add what was counted here to what Redis has, and take over the sum. One thread does at a time."""
        with self._lock:
            told, self._untold = list(self._untold.values()), {}
            amounts = [window.untold for window in told]
        answers = self._added(told, amounts)
        now = time.time()
        with self._lock:
            if answers is None:
                self._untold = {window.key: window for window in told if window.ends > now} | self._untold
            else:
                for window, amount, (count, left) in zip(told, amounts, answers, strict=True):
                    window.untold -= amount
                    window.told, window.ends = count, now + left / 1000
            if now >= self._forget_at:
                self._windows = {key: window for key, window in self._windows.items() if window.ends > now}
                self._forget_at = now + FORGET_EVERY_S
            has_more = self._is_telling = bool(self._untold)
        if has_more:
            self._tell_in(RETRY_AFTER_S if answers is None else TELL_AFTER_S)

    def _added(self, windows: Sequence[_Window], amounts: Sequence[int]) -> list[tuple[int, int]] | None:
        """Each window's count with its amount added, and the milliseconds it has left. None while Redis is away."""
        try:
            with self._redis.pipeline() as pipe:
                for window, amount in zip(windows, amounts, strict=True):
                    key = f"atouts:count:{window.key}"
                    pipe.set(key, 0, ex=window.seconds, nx=True)
                    pipe.incrby(key, amount)
                    pipe.pttl(key)
                answers: list[Any] = pipe.execute()
        except RedisError as error:
            if not self._is_away:
                log.warning("counting requests alone", error=type(error).__name__)
            self._is_away = True
            return None
        self._is_away = False
        return list(zip(answers[1::3], answers[2::3], strict=True))
