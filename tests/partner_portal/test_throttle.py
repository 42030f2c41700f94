"""Guessing gets slow, and never for anybody but the guesser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from partner_portal.auth.throttle import (
    ATTACK,
    FREE_TRIES,
    FREE_TRIES_OF_SOURCE,
    LONGEST_WAIT_OF_SOURCE_S,
    LONGEST_WAIT_S,
    MEMORY_S,
    Failures,
    Throttle,
    network_of,
    wait_s,
)
from tests.partner_portal.conftest import Clock

OWNER, GUESSER = "192.0.2.1", "198.51.100.66"


@pytest.fixture
def throttle(redis: Redis, clock: Clock) -> Throttle:
    return Throttle(redis, clock)


def fail(throttle: Throttle, times: int, address: str = GUESSER, account: str = "chef@lycee.fr") -> None:
    for _ in range(times):
        throttle.failed(account, address, None)


def test_the_first_tries_are_free_and_then_waits_double_up_to_a_limit() -> None:
    waits = [wait_s(Failures(pair=pair)) for pair in range(FREE_TRIES + 12)]
    assert waits[:FREE_TRIES] == [0] * FREE_TRIES
    assert waits[FREE_TRIES : FREE_TRIES + 4] == [1, 2, 4, 8]
    assert waits[-1] == LONGEST_WAIT_S


@given(st.integers(0, 10_000), st.integers(0, 10_000_000), st.integers(0, 10_000))
def test_more_failures_never_shorten_a_wait_and_no_wait_is_endless(pair: int, account: int, source: int) -> None:
    wait = wait_s(Failures(pair, account, source))
    assert 0 <= wait <= LONGEST_WAIT_S
    assert wait <= wait_s(Failures(pair + 1, account, source))
    assert wait <= wait_s(Failures(pair, account + 1, source))
    assert wait <= wait_s(Failures(pair, account, source + 1))


@given(st.integers(0, 10_000_000))
def test_no_attack_from_elsewhere_takes_the_owners_first_try(account: int) -> None:
    assert wait_s(Failures(pair=0, account=account)) == 0


def test_a_guesser_waits_and_the_owner_does_not(throttle: Throttle) -> None:
    fail(throttle, 30)
    assert throttle.seconds_left("chef@lycee.fr", GUESSER, None) == LONGEST_WAIT_S
    assert throttle.seconds_left("chef@lycee.fr", OWNER, None) == 0


def test_under_a_wide_attack_the_owner_still_has_a_try_from_a_new_place_and_all_from_a_known_browser(
    throttle: Throttle,
) -> None:
    for source in range(ATTACK + 10):
        fail(throttle, 1, address=f"203.0.113.{source}")
    assert throttle.seconds_left("chef@lycee.fr", OWNER, None) == 0
    throttle.failed("chef@lycee.fr", OWNER, None)
    assert throttle.seconds_left("chef@lycee.fr", OWNER, None) > 0
    for _ in range(FREE_TRIES - 1):
        throttle.failed("chef@lycee.fr", OWNER, "a known browser")
    assert throttle.seconds_left("chef@lycee.fr", OWNER, "a known browser") == 0


def test_one_source_trying_many_accounts_waits_a_minute_and_a_known_browser_there_does_not(throttle: Throttle) -> None:
    for number in range(FREE_TRIES_OF_SOURCE + 20):
        fail(throttle, 1, account=f"person{number}@lycee.fr")
    assert throttle.seconds_left("somebody@lycee.fr", GUESSER, None) == LONGEST_WAIT_OF_SOURCE_S
    assert throttle.seconds_left("somebody@lycee.fr", GUESSER, "a known browser") == 0


def test_waiting_ends_and_failures_are_forgotten(throttle: Throttle, clock: Clock, redis: Redis) -> None:
    fail(throttle, FREE_TRIES + 3)
    assert throttle.seconds_left("chef@lycee.fr", GUESSER, None) == 8
    clock.now += 7
    assert throttle.seconds_left("chef@lycee.fr", GUESSER, None) == 1
    clock.now += 1
    assert throttle.seconds_left("chef@lycee.fr", GUESSER, None) == 0
    assert all(0 < redis.ttl(key) <= MEMORY_S for key in redis.scan_iter("atouts:tries*"))


def test_a_success_forgives_its_own_source_only(throttle: Throttle) -> None:
    fail(throttle, FREE_TRIES + 1)
    fail(throttle, FREE_TRIES + 1, address=OWNER)
    throttle.succeeded("chef@lycee.fr", OWNER, None)
    assert throttle.seconds_left("chef@lycee.fr", OWNER, None) == 0
    assert throttle.seconds_left("chef@lycee.fr", GUESSER, None) > 0


def test_an_account_is_one_however_it_is_written_and_redis_holds_no_address(throttle: Throttle, redis: Redis) -> None:
    fail(throttle, FREE_TRIES + 1, account=" Chef@LYCEE.fr")
    assert throttle.seconds_left("chef@lycee.fr", GUESSER, None) > 0
    assert not [key for key in redis.scan_iter() if b"lycee" in key]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (None, "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_a_source_is_what_one_subscriber_holds(address: str | None, network: str) -> None:
    assert network_of(address) == network
