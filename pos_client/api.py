"""The service's API, called over HTTP.

A refusal is a value (`Refusal`). An exception (`NoAnswer`) means that nobody knows: the network failed, or what
answered was not the service. Only calls that change nothing twice are tried again: readings, look-ups, and what carries
an Idempotency-Key, always with the same key and the same body.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from pos_client.answers import Cancellation, GroupResult, Json, Lookup, Pairing, Product, Sale, TerminalStatus
from pos_client.refusals import Refusal

ATTEMPTS = 3
PATIENCE_SECONDS = 12.0
"""A clerk with a queue waits no longer than this for one call to be tried again."""
TIMEOUT = httpx.Timeout(10.0, connect=3.0)
GROUP_TIMEOUT = httpx.Timeout(30.0, connect=3.0)

PAUSE = wait_exponential(multiplier=0.2, max=2.0) + wait_random(0, 0.2)
NOT_TAKEN = frozenset({429})
"""Statuses with which a request is turned away at the door."""
PASSING = frozenset({408, 425, 502, 503, 504})
"""Statuses that a moment later may be over; what became of the request is not known."""

T = TypeVar("T")


class NoAnswer(Exception):
    """The service's answer is not known; the message is the sentence for the clerk."""

    def __init__(self, sentence: str, *, may_have_arrived: bool, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.may_have_arrived = may_have_arrived
        """False only when it is certain that no attempt reached the service."""
        self.retry_after = retry_after
        """Seconds to wait, where the service said so."""


class Unreachable(NoAnswer):
    """The network or the service is away for the moment."""


class UnexpectedAnswer(NoAnswer):
    """Something answered, but not as the service does: a fault there, a proxy, the sign-in page of a network."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of success to a call with an Idempotency-Key."""

    data: Json
    replayed: bool
    """The service had already answered this key, and repeats itself."""


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """Some products, and the cursor of the next ones; None on the last page."""

    items: tuple[Product, ...]
    next_cursor: str | None


class Api:
    """A connection to the service, for one till.

    `url` is the API's root, such as https://atouts.example/api/v1. Safe to use from several threads.
    """

    def __init__(self, url: str, secret: str | None = None, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        headers = {"User-Agent": f"atouts-pos/{version('atouts-normandie')}", "Accept": "application/json"}
        if secret is not None:
            headers["Authorization"] = f"Bearer {secret}"
        context = httpx.create_ssl_context()
        # Schools often sit behind a proxy whose certificate only the computer itself was told to trust.
        context.load_default_certs()
        self._http = httpx.Client(base_url=url.rstrip("/") + "/", headers=headers, timeout=TIMEOUT, verify=context)
        self._patience = patience_seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def pair(self, pairing_code: str, name: str) -> Pairing | Refusal:
        """Tie this till to the partner that was given the one-time code. Never tried again: the code is then used."""
        body = {"pairing_code": pairing_code, "name": name}
        return self._ask(Pairing.read, "POST", "terminals/pair", body=body, attempts=1)

    def terminal(self) -> TerminalStatus | Refusal:
        """This till and its partner, as the service sees them."""
        return self._ask(TerminalStatus.read, "GET", "terminal")

    def lookup(self, code: str) -> Lookup | Refusal:
        """Whose card this is, and what is left."""
        return self._ask(Lookup.read, "POST", "lookups", body={"code": code})

    def catalogue(
        self, *, search: str = "", ean: str = "", cursor: str | None = None, limit: int = 50
    ) -> CataloguePage | Refusal:
        """A page of the products that this partner may sell, by words of the title or by EAN."""
        wanted = {"search": search, "ean": ean, "cursor": cursor, "limit": limit}
        return self._ask(_catalogue_page, "GET", "catalogue", params={k: v for k, v in wanted.items() if v})

    def whole_catalogue(self, most: int = 5000) -> Iterator[Product]:
        """All products, page after page, `most` at the most. Stops at a refusal."""
        cursor: str | None = None
        while most > 0:
            page = self.catalogue(cursor=cursor, limit=100)
            if isinstance(page, Refusal):
                return
            yield from page.items[:most]
            most -= len(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return

    def sell(self, body: Json, key: uuid.UUID) -> Sale | Refusal:
        """Make one sale: `{lookup_token | code, lines: [{ean, price_cents}]}`; the answer has no names and titles."""
        return self._once_only(Sale.read, "sales", body, key)

    def sell_group(self, body: Json, key: uuid.UUID) -> GroupResult | Refusal:
        """Make up to a hundred sales: `{mode, sales: [...]}`."""
        return self._once_only(GroupResult.read, "sales/groups", body, key)

    def cancel(self, sale_id: str, body: Json, key: uuid.UUID) -> Cancellation | Refusal:
        """Give a sale back, or the lines of it that `{lines, reason}` names."""
        return self._once_only(Cancellation.read, f"sales/{sale_id}/cancellations", body, key)

    def sale(self, sale_id: str) -> Sale | Refusal:
        """A sale made before."""
        return self._ask(Sale.read, "GET", f"sales/{sale_id}")

    def sales(self, limit: int = 20) -> tuple[Sale, ...] | Refusal:
        """This partner's latest sales, the newest first."""
        return self._ask(_sales, "GET", "sales", params={"limit": limit})

    def unpaid_cents(self) -> int | Refusal:
        """What the partner sold and was not yet paid for."""
        return self._ask(lambda data: int(data["unpaid_cents"]), "GET", "partner/balance")

    def post_once(self, path: str, body: Json, key: uuid.UUID) -> Answered | Refusal:
        """Send what must happen once and only once; `key` is made once and kept with the body until an answer is here.

        Raises NoAnswer: the same key and body must then be sent again, later.
        """
        timeout = GROUP_TIMEOUT if path == "sales/groups" else TIMEOUT
        response = self._send("POST", path, body=body, key=key, timeout=timeout)
        answer = _answer(response)
        if isinstance(answer, Refusal):
            return answer
        return Answered(answer, replayed=response.headers.get("Idempotency-Replayed", "").lower() == "true")

    def _once_only(self, read: Callable[[Json], T], path: str, body: Json, key: uuid.UUID) -> T | Refusal:
        answer = self.post_once(path, body, key)
        return answer if isinstance(answer, Refusal) else _as_promised(read, answer.data)

    def _ask(self, read: Callable[[Json], T], method: str, path: str, **what: Any) -> T | Refusal:
        answer = _answer(self._send(method, path, **what))
        return answer if isinstance(answer, Refusal) else _as_promised(read, answer)

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        params: Mapping[str, Any] | None = None,
        key: uuid.UUID | None = None,
        attempts: int = ATTEMPTS,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> httpx.Response:
        headers = {"X-Request-ID": uuid.uuid4().hex}
        if key is not None:
            headers["Idempotency-Key"] = str(key)
        request = self._http.build_request(method, path, json=body, params=params, headers=headers, timeout=timeout)
        arrived = False

        def attempt() -> httpx.Response:
            nonlocal arrived
            try:
                return self._attempt(request)
            except NoAnswer as failure:
                arrived = arrived or failure.may_have_arrived
                failure.may_have_arrived = arrived
                raise

        return Retrying(
            retry=retry_if_exception_type(Unreachable),
            stop=stop_after_attempt(attempts) | stop_before_delay(self._patience),
            wait=_pause,
            reraise=True,
        )(attempt)

    def _attempt(self, request: httpx.Request) -> httpx.Response:
        try:
            response = self._http.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(
                "Le service est injoignable : vérifiez la connexion au réseau.", may_have_arrived=False
            ) from error
        except httpx.HTTPError as error:
            raise Unreachable(
                "La connexion a été coupée avant la réponse du service.", may_have_arrived=True
            ) from error
        if response.status_code in NOT_TAKEN | PASSING:
            raise Unreachable(
                "Le service est très sollicité ou momentanément arrêté. Patientez un instant.",
                may_have_arrived=response.status_code not in NOT_TAKEN,
                retry_after=_retry_after(response),
            )
        return response


def _answer(response: httpx.Response) -> Json | Refusal:
    """The JSON object of an answer, or the refusal that it is. Raises UnexpectedAnswer for anything else."""
    try:
        data = response.json()
    except ValueError:
        data = None
    if isinstance(data, dict):
        if response.status_code in (200, 201):
            return data
        if 400 <= response.status_code < 500 and isinstance(data.get("code"), str):
            return Refusal(
                data["code"],
                str(data.get("detail") or ""),
                data.get("balance_cents"),
                str(data.get("request_id") or response.headers.get("X-Request-ID", "")),
                str(data.get("sale_id") or ""),
            )
    raise UnexpectedAnswer(
        f"Le service n’a pas répondu comme prévu (HTTP {response.status_code}, "
        f"demande {response.request.headers['X-Request-ID'][:8]}).",
        may_have_arrived=True,
    )


def _as_promised(read: Callable[[Json], T], data: Json) -> T:
    try:
        return read(data)
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(
            f"La réponse du service n’a pas été comprise ({error}). La caisse est peut-être à mettre à jour.",
            may_have_arrived=True,
        ) from error


def _pause(state: RetryCallState) -> float:
    """How long before the next attempt: what the service asks for, else a little longer each time."""
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, NoAnswer) and failure.retry_after is not None:
        return failure.retry_after
    return PAUSE(state)


def _retry_after(response: httpx.Response) -> float | None:
    """The Retry-After header in seconds (RFC 9110, 10.2.3: a number of seconds or a date)."""
    asked = response.headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _catalogue_page(data: Json) -> CataloguePage:
    return CataloguePage(tuple(Product.read(item) for item in data["items"]), data.get("next_cursor"))


def _sales(data: Json) -> tuple[Sale, ...]:
    return tuple(Sale.read(item) for item in data["items"])
