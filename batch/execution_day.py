"""Whether a payment file that waits can still be carried out on the day for which it asks.

The day stands in the file, which is made once, for a bank that gets it at once. Handed over past that day or past the
bank's cut-off, the file is carried out later or refused, as each bank sees fit; nothing but its answer tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from batch.french import day_in_words
from batch.sepa.profile import profile_from
from batch.sepa.target import requested_execution_date
from ledger.payouts.runs import Run


@dataclass(frozen=True, slots=True)
class TooLate:
    """The day that a file asks for, and the first day on which the bank can carry it out."""

    asked: date
    possible: date

    @property
    def sentence(self) -> str:
        """What whoever is about to hand the file over should know, in French."""
        return (
            f"Le fichier demande une exécution le {day_in_words(self.asked)}. Remis maintenant, il arrive trop tard "
            "d’après les délais de la banque : elle l’exécutera au prochain jour bancaire possible, le "
            f"{day_in_words(self.possible)}, ou le refusera. S’il est refusé, chaque montant redevient dû et entre "
            "dans la campagne suivante."
        )


def too_late(run: Run, now: datetime) -> TooLate | None:
    """What to tell of a run whose file would come too late if it were handed over at `now`, by its bank's profile.

    None for a file in time, for one that the bank has, and for a run that has no file yet.
    """
    if run.state != "generated" or run.file is None:
        return None
    profile = profile_from(run.bank_profile)
    possible = requested_execution_date(now, profile.execution_offset, profile.cut_off)
    asked = run.file.execution_date
    return TooLate(asked, possible) if asked < possible else None
