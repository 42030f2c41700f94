"""Sends what the outbox holds, again and again until the service has answered, and never twice at once."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from pos_client.answers import Cancellation, GroupResult, Json, Sale
from pos_client.api import Answered, Api, NoAnswer
from pos_client.outbox import Intent, Kind, Outbox, OutboxUnusable, State, without_codes
from pos_client.refusals import Refusal

READ: dict[Kind, Callable[[Json], object]] = {
    Kind.SALE: Sale.read,
    Kind.GROUP: GroupResult.read,
    Kind.CANCELLATION: Cancellation.read,
}
"""What an acceptance must look like, so that no other page that says 200 is taken for one."""

OTHER_TILL = (
    "Décidée avant une nouvelle association de la caisse : vérifiez dans l’espace partenaire si elle a été débitée."
)


def deliver(outbox: Outbox, api: Api, intent: Intent, *, terminal_id: str, wait_seconds: float = 0.0) -> Intent:
    """Send one intent that the outbox has, and return what is then known of it.

    Where another process is just sending it, wait that long for its result.
    """
    try:
        with outbox.lock(intent, wait_seconds) as mine:
            now = outbox.current(intent)
            if not mine or now.settled:
                return now
            if now.terminal_id != terminal_id:
                return replace(now, problem=OTHER_TILL)
            sending = replace(now, state=State.SENDING, attempts=now.attempts + 1)
            # Noted first: if this computer dies from here on, the request may have left it.
            outbox.put(sending)
            after = _after(now, sending, _send(api, sending))
            # The answer is known even if it cannot be noted: sent again, the service will repeat it.
            with suppress(OutboxUnusable):
                outbox.put(after)
            return after
    except OutboxUnusable as unusable:
        # Not sent, and not forgotten: the intent is in its file as it was.
        return replace(intent, problem=str(unusable))


def deliver_all(outbox: Outbox, api: Api, *, terminal_id: str) -> Iterator[Intent]:
    """Send everything that waits, the oldest first, and give each as it then is; what another process sends is left."""
    for intent in outbox.unsettled():
        yield deliver(outbox, api, intent, terminal_id=terminal_id)


def _send(api: Api, intent: Intent) -> Answered | Refusal | NoAnswer:
    try:
        answer = api.post_once(intent.path, intent.body, intent.key)
        if isinstance(answer, Answered):
            READ[intent.kind](answer.data)
    except NoAnswer as failure:
        return failure
    except (KeyError, TypeError, ValueError):
        return NoAnswer("La réponse du service n’a pas été comprise.", may_have_arrived=True)
    return answer


def _after(before: Intent, sending: Intent, outcome: Answered | Refusal | NoAnswer) -> Intent:
    """What is known of an intent after an attempt."""
    match outcome:
        case Answered(data=data):
            return replace(
                sending, state=State.ACCEPTED, answer=dict(data), problem="", body=without_codes(sending.body)
            )
        case Refusal(final=True):
            return replace(sending, state=State.REFUSED, refusal=outcome, problem="", body=without_codes(sending.body))
        case Refusal():
            return replace(sending, state=before.state, problem=outcome.sentence)
        case NoAnswer(may_have_arrived=False):
            return replace(sending, state=before.state, problem=str(outcome))
        case _:
            return replace(sending, problem=str(outcome))
