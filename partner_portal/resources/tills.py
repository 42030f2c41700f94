"""The till that a request comes from, and what it asks of the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ledger import sales
from ledger.refusals import Refusal
from ledger.sales import AnsweredSale, AskedSale
from ledger.terminals import browser_terminal
from partner_portal.auth.gate import refused_token
from partner_portal.auth.principals import acting_partner_id, current_principal
from partner_portal.limits import count_stranger
from partner_portal.portal import portal
from partner_portal.problems import Problem


@dataclass(frozen=True, slots=True)
class Till:
    """A terminal that asks: it proves itself by the secret with this hash, or a `person` ("person:12") is signed in."""

    terminal_id: int
    secret_hash: bytes | None = None
    person: str | None = None


def acting_till() -> Till:
    """The till of the request at hand: the terminal, or the one under which a school's staff sell in the browser."""
    principal = current_principal()
    if principal.kind == "terminal" and principal.id is not None:
        return Till(principal.id, principal.secret_hash)
    with portal().engine.begin() as conn:
        return Till(browser_terminal(conn, acting_partner_id()), person=principal.actor)


def ask(
    till: Till,
    key: UUID,
    request_hash: bytes,
    asked: Sequence[AskedSale],
    *,
    all_or_nothing: bool = False,
    held_until: datetime | None = None,
) -> list[AnsweredSale]:
    """Have the books decide on sales, in one round trip. Raises `Problem` for what is no decision about a sale."""
    try:
        return sales.sell_now(
            portal().engine,
            person=till.person,
            terminal_id=till.terminal_id,
            secret_hash=till.secret_hash,
            key=key,
            request_hash=request_hash,
            sales=asked,
            all_or_nothing=all_or_nothing,
            held_until=held_until,
        )
    except sales.CardTwice as error:
        sentence = f"Les ventes {error.item} et {error.again} sont pour la même carte : réunissez-les."
        errors = [{"pointer": f"#/sales/{error.again - 1}", "detail": sentence, "in": "json"}]
        raise Problem("invalid", sentence, errors=errors) from error
    except sales.KeyReused as error:
        raise Problem(Refusal.KEY_REUSED) from error
    except sales.UnknownTerminal as error:
        count_stranger()
        raise refused_token() from error
    except sales.AskedTwiceAtOnce as error:
        # The other one is still being answered: what it was told, this one will be told a moment later.
        raise Problem("unavailable", headers={"Retry-After": "1"}) from error
