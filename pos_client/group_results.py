"""The result of a group purchase, student by student, for the screen and for the spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pos_client import durable
from pos_client.answers import GroupResult, Sale
from pos_client.outbox import Intent, State
from pos_client.outcomes import refusal_lines, state_word


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one student's sale; amounts in cents, None where nobody knows them."""

    student: str
    state: str
    debited_cents: int | None
    left_cents: int | None
    reason: str = ""
    accepted: bool = False


def rows(intent: Intent) -> Iterator[Row]:
    """The students of one group intent, in its order."""
    if intent.state is not State.ACCEPTED or intent.answer is None:
        reason = intent.refusal.sentence if intent.refusal else intent.problem
        for student in intent.students:
            yield Row(student, state_word(intent), None, None, reason)
        return
    for item in sorted(GroupResult.read(intent.answer).items, key=lambda item: item.item):
        student = intent.students[item.item]
        match item.outcome:
            case Sale() as sale:
                left = sum(balance.balance_cents for balance in sale.balances)
                yield Row(student, "acceptée", sale.debited_cents, left, accepted=True)
            case refusal:
                yield Row(student, "refusée", 0, refusal.balance_cents, " ".join(refusal_lines(refusal)))


def write_csv(file: Path, results: Iterable[Row]) -> None:
    """Write the results as French spreadsheets open them: semicolons, decimal comma, UTF-8 with its mark.

    Raises OSError.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(["élève", "résultat", "débité", "reste", "motif"])
    for row in results:
        writer.writerow(
            [_cell(row.student), row.state, _amount(row.debited_cents), _amount(row.left_cents), _cell(row.reason)]
        )
    durable.write_text(file, "\N{BYTE ORDER MARK}" + text.getvalue())


def _amount(cents: int | None) -> str:
    return "" if cents is None else f"{cents // 100},{cents % 100:02d}"


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
