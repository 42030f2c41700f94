"""What became of an intent, in the words that the clerk reads to the student.

The scheme’s partners promise to say what was debited, what is left and until when it can be used: those three are
always here, on every screen and receipt.
"""

from dataclasses import dataclass
from enum import StrEnum

from pos_client.answers import Balance, Cancellation, GroupResult, Sale
from pos_client.french import count, day_of_year, euros
from pos_client.outbox import Intent, Kind, State
from pos_client.refusals import Refusal


class Tone(StrEnum):
    """How an outcome is to be shown; the words say it too, colour alone says nothing."""

    GOOD = "good"
    BAD = "bad"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A headline and what follows from it, one sentence a line."""

    tone: Tone
    headline: str
    lines: tuple[str, ...]


def outcome(intent: Intent) -> Outcome:
    """What to tell about an intent."""
    match intent.state:
        case State.ACCEPTED:
            return _accepted(intent)
        case State.REFUSED if intent.refusal:
            nothing = "RENDU" if intent.kind is Kind.CANCELLATION else "DÉBITÉ"
            lines = (*intent.students[:1], *refusal_lines(intent.refusal))
            return Outcome(Tone.BAD, f"REFUSÉ : RIEN N’EST {nothing}", lines)
        case State.WITHDRAWN:
            return Outcome(Tone.BAD, "RETIRÉ : RIEN N’EST DÉBITÉ", (about(intent),))
        case State.SENDING:
            return Outcome(
                Tone.WAITING,
                "EN ATTENTE DE RÉPONSE",
                (
                    about(intent),
                    intent.problem or "Envoyé, réponse pas encore reçue.",
                    "Ne recommencez pas la vente : elle sera renvoyée d’elle-même et ne comptera qu’une fois.",
                ),
            )
        case _:
            return Outcome(
                Tone.WAITING,
                "EN ATTENTE : RIEN N’EST DÉBITÉ",
                (about(intent), intent.problem, "La caisse l’enverra dès que le service répondra."),
            )


def about(intent: Intent) -> str:
    """An intent in one line: "Léa M., 2de 4 : Mathématiques 2de, 12,50 €"."""
    who = intent.students[0] if len(intent.students) == 1 else f"Groupe de {count(len(intent.students), 'élève')}"
    cents = (intent.answer or {}).get("debited_cents", intent.amount_cents)
    amount = f", {euros(cents)}" if cents else ""
    return f"{who} : {intent.title}{amount}"


def state_word(intent: Intent) -> str:
    """The state in a column's width."""
    if intent.state is State.ACCEPTED and intent.kind is Kind.GROUP:
        result = GroupResult.read(intent.answer or {})
        return f"{count(result.accepted, 'acceptée')}, {count(result.refused, 'refusée')}"
    return {
        State.WAITING: "en attente",
        State.SENDING: "réponse attendue",
        State.ACCEPTED: "acceptée",
        State.REFUSED: "refusée",
        State.WITHDRAWN: "retirée",
    }[intent.state]


def left(balance: Balance) -> str:
    """What is left of a benefit: "Livres scolaires : reste 57,50 €, utilisable jusqu’au 30 juin"."""
    until = day_of_year(balance.usable_until)
    return f"{balance.label} : reste {euros(balance.balance_cents)}, utilisable jusqu’au {until}"


def refusal_lines(refusal: Refusal) -> tuple[str, ...]:
    """Why not, and what the student has, where that is the reason."""
    if refusal.balance_cents is None or euros(refusal.balance_cents) in refusal.sentence:
        return (refusal.sentence,)
    return refusal.sentence, f"Solde de l’élève : {euros(refusal.balance_cents)}."


def _accepted(intent: Intent) -> Outcome:
    answer = intent.answer or {}
    match intent.kind:
        case Kind.SALE:
            sale = Sale.read(answer)
            left_now = (left(balance) for balance in sale.balances)
            return Outcome(Tone.GOOD, f"DÉBITÉ {euros(sale.debited_cents)}", (*intent.students, *left_now))
        case Kind.GROUP:
            return _group(GroupResult.read(answer), intent)
        case Kind.CANCELLATION:
            return _cancelled(Cancellation.read(answer), intent)


def _group(result: GroupResult, intent: Intent) -> Outcome:
    headline = (
        f"DÉBITÉ {euros(result.debited_cents)} : {count(result.accepted, 'vente acceptée', 'ventes acceptées')}, "
        f"{count(result.refused, 'refusée')}"
    )
    lines = tuple(
        f"{intent.students[item.item]} : {' '.join(refusal_lines(item.outcome))}"
        for item in result.items
        if isinstance(item.outcome, Refusal)
    )
    return Outcome(Tone.GOOD if not result.refused else Tone.BAD, headline, lines)


def _cancelled(cancellation: Cancellation, intent: Intent) -> Outcome:
    lines = [*intent.students, *(left(balance) for balance in cancellation.balances)]
    if cancellation.lapsed_cents:
        lines.append(f"La date limite est passée : {euros(cancellation.lapsed_cents)} ne sont plus utilisables.")
    return Outcome(Tone.GOOD, f"ANNULÉ : {euros(cancellation.refunded_cents)} RENDUS", tuple(lines))
