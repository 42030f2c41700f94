"""Which conflicts with the bank make up for each other: what it debited by mistake, it credits again.

Conflicts stand in suspense. Those of a payment that add up to nothing are over, whatever the order in which they were
told: no money waits there any more, and nothing that is owed changes by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class OpenConflict:
    """A conflict that waits. Amounts are signed cents as on the statement."""

    share: int
    day: date
    named: bool
    """Whether the bank named its payments; else an account and an amount led to the only one it can be."""
    amounts: Mapping[int, int]
    """By payment."""


def made_good(conflicts: Iterable[OpenConflict]) -> list[tuple[OpenConflict, ...]]:
    """The groups of conflicts that add up to nothing.

    First debits and credits of the same single payment and amount, one by one: those that the bank named before others,
    the earliest first. Then, of what is left, all that add up to nothing for each of their payments.
    """
    left = list(conflicts)
    pairs = _pairs(left)
    paired = {conflict.share for pair in pairs for conflict in pair}
    rest = _sum_to_nothing([conflict for conflict in left if conflict.share not in paired])
    return [*pairs, tuple(rest)] if rest else list(pairs)


def _pairs(conflicts: list[OpenConflict]) -> list[tuple[OpenConflict, OpenConflict]]:
    sides: defaultdict[tuple[int, int], tuple[list[OpenConflict], list[OpenConflict]]] = defaultdict(lambda: ([], []))
    for conflict in sorted(conflicts, key=lambda one: (not one.named, one.day, one.share)):
        if len(conflict.amounts) == 1:
            ((payment, cents),) = conflict.amounts.items()
            sides[payment, abs(cents)][cents > 0].append(conflict)
    return [pair for taken, given in sides.values() for pair in zip(taken, given, strict=False)]


def _sum_to_nothing(conflicts: list[OpenConflict]) -> list[OpenConflict]:
    while conflicts:
        sums: defaultdict[int, int] = defaultdict(int)
        for conflict in conflicts:
            for payment, cents in conflict.amounts.items():
                sums[payment] += cents
        kept = [conflict for conflict in conflicts if not any(sums[payment] for payment in conflict.amounts)]
        if len(kept) == len(conflicts):
            break
        conflicts = kept
    return conflicts
