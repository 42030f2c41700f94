"""What is open: amounts in suspense, conflicts, statements kept aside, gaps, and payments the bank is silent about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import Connection, text

Subject = Literal["share", "conflict", "statement", "gap", "payment"]

TITLES = {
    "debited": "Débit proposé",
    "returned": "Retour proposé",
    "charges": "Frais proposés",
    "offset": "Compensation proposée",
    "rejected_yet_debited": "Rejeté, et pourtant débité",
    "rejected_and_credited": "Rejeté, et crédité",
    "debited_twice": "Débité deux fois",
    "double_credited": "Débité deux fois, crédité une",
    "returned_twice": "Rendu deux fois",
    "return_taken_back": "Retour repris",
    "amount_differs": "Montant différent",
    "unknown": "Mouvement inconnu",
    "batch_total": "Total du lot inexpliqué",
    "remainder": "Reste inexpliqué",
    "unknown_message": "Compte rendu sur un fichier inconnu",
    "unknown_payment": "Compte rendu sur un virement inconnu",
    "unknown_code": "Statut inconnu",
    "contradictory": "Compte rendu contradictoire",
    "rejected_after_booking": "Rejeté après avoir été débité",
    "accepted_after_rejection": "Accepté après avoir été rejeté",
    "said_to_be_double": "Refusé comme doublon",
    "quarantined": "Relevé mis à l’écart",
    "gap": "Relevé manquant",
    "silence": "Virement sans nouvelle",
}
"""What each kind of item is called on a screen."""

_CLOSES_BY_ITSELF = "ce point se ferme alors de lui-même."
WHAT_TO_DO = {
    "debited": "Vérifiez que c’est bien ce virement, puis acceptez ou refusez.",
    "returned": "Vérifiez que c’est bien ce virement : accepter le rend dû de nouveau.",
    "charges": "Vérifiez que ce sont des frais, puis acceptez ou refusez.",
    "offset": "Accepter compense les deux écritures l’une par l’autre ; rien n’est dû de nouveau.",
    "rejected_yet_debited": f"La banque doit recréditer ce montant ; {_CLOSES_BY_ITSELF} S’il tarde, réclamez-le.",
    "rejected_and_credited": "Le débit que ce crédit compense manque : déposez les relevés absents ; "
    f"{_CLOSES_BY_ITSELF} S’il est déjà là sans référence, compensez les deux écritures.",
    "debited_twice": f"Réclamez le second débit à la banque ; {_CLOSES_BY_ITSELF} Rien n’est dû de nouveau.",
    "double_credited": "Ce crédit n’égale pas le débit en trop : réclamez la différence, puis compensez les écritures.",
    "returned_twice": "Demandez à la banque ce qu’est ce second crédit ; rien de plus n’est dû au partenaire.",
    "return_taken_back": "Le virement est peut-être arrivé après tout : vérifiez-le avant que ce partenaire soit "
    "payé de nouveau.",
    "amount_differs": "Demandez à la banque pourquoi le montant n’est pas celui de l’ordre, puis expliquez l’écriture.",
    "unknown": "Cherchez ce que c’est : des frais, une alimentation du compte, ou l’un de nos virements.",
    "batch_total": f"Un compte rendu de rejets manque peut-être : déposez-le ; {_CLOSES_BY_ITSELF}",
    "remainder": "Demandez à la banque le détail de cette écriture.",
    "unknown_message": "Vérifiez que ce compte rendu nous est bien destiné.",
    "unknown_payment": "Vérifiez avec la banque de quel virement elle parle.",
    "unknown_code": "Demandez à la banque ce que ce statut veut dire. Seul un relevé prouve un paiement.",
    "contradictory": "Demandez à la banque lequel des deux est vrai. Seul un relevé prouve un paiement.",
    "rejected_after_booking": f"La banque doit recréditer ce virement ; {_CLOSES_BY_ITSELF}",
    "accepted_after_rejection": "Le partenaire est déjà à payer de nouveau : vérifiez que la banque ne paie pas aussi "
    "le premier virement.",
    "said_to_be_double": "La banque dit avoir déjà reçu ce virement : son premier envoi a pu être exécuté, et rien "
    "n’est dû de nouveau. Dès qu’un relevé le débite, ce point se ferme de lui-même. Sinon demandez à la banque ce "
    "qu’il est devenu.",
    "gap": f"Demandez les relevés absents à la banque et déposez-les ; {_CLOSES_BY_ITSELF}",
    "silence": "Demandez à la banque ce qu’il est devenu. Tant qu’elle ne dit rien, il n’est pas payé de nouveau.",
}
"""What an accountant does about each kind of item, or why nothing needs doing."""

PATIENCE_DAYS = 3
"""Days after the execution date from which a payment that is neither debited nor rejected is asked about."""


LIMIT = 500
"""How many items are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One open item. `amount` in signed cents as on the bank's statement, None where no amount waits.

    `state` is open, refused (a proposal turned down) or waiting (explained and signed).
    """

    subject: Subject
    number: int
    kind: str
    sentence: str
    since: date
    age_days: int
    amount: int | None = None
    state: str = "open"
    proposed: bool = False
    decision: str | None = None
    decided_by: str | None = None
    runs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is called."""
        return TITLES[self.kind]

    @property
    def what_to_do(self) -> str:
        """What an accountant does about it; what is kept aside has its own remedies, see `quarantine`."""
        return WHAT_TO_DO.get(self.kind, "")

    @property
    def in_conflict(self) -> bool:
        """Whether the bank tells of known payments what their story does not allow."""
        return self.subject == "conflict" or self.kind in (
            "rejected_yet_debited", "rejected_and_credited", "debited_twice", "double_credited", "returned_twice",
            "return_taken_back", "amount_differs",
        )  # fmt: skip

    @property
    def explained(self) -> bool:
        """Whether a person has signed why it is open."""
        return self.state == "waiting"


_ITEMS = text("""
    with item as (
        select 'share' as subject, s.id as number, s.kind, s.reason as sentence,
               coalesce(e.booked_on, current_date) as since, s.amount, s.state,
               s.nature = 'match' and s.state = 'open' as proposed, s.decision, s.decided_by,
               (select coalesce(array_agg(distinct r.reference), '{}')
                  from bank_share_payment x join payout_payment p on p.id = x.payment_id
                  join payout_run r on r.id = p.run_id where x.share_id = s.id) as runs
          from bank_share s join bank_entry e on e.id = s.entry_id
         where s.state in ('open', 'refused', 'waiting')
        union all
        select 'conflict', c.id, c.kind, c.sentence, i.created_at::date, null, 'open', false, null, null,
               (select coalesce(array_agg(r.reference), '{}') from payout_payment p join payout_run r on r.id = p.run_id
                 where p.id = c.payment_id)
          from bank_status_conflict c join bank_import i on i.id = c.import_id
         where c.settled_at is null
        union all
        select 'statement', s.id, 'quarantined',
               'Relevé ' || s.statement_id || ' : '
               || (select string_agg(r->>'sentence', ' ') from jsonb_array_elements(s.remarks) r),
               i.imported_at::date, null, 'open', false, null, null, '{}'
          from bank_statement s join bank_import i on i.id = s.import_id
         where s.state = 'quarantined'
        union all
        select 'gap', 0, 'gap', 'Compte ' || account || ' : des relevés manquent.', current_date, sum(amount), 'open',
               false, null, null, '{}'
          from bank_adjustment where kind = 'gap' group by account having sum(amount) <> 0
        union all
        select 'payment', p.id, 'silence',
               'Virement ' || p.end_to_end_id || ' : ni débité ni rejeté.', f.execution_date, null, 'open',
               false, null, null, array[r.reference]
          from payout_payment p join payout_run r on r.id = p.run_id join payout_file f on f.run_id = r.id
         where p.state = 'issued' and f.execution_date + cast(:patience as integer) < current_date
           and r.state not in ('approved', 'generated')
    )
    select *, greatest(current_date - since, 0) as age_days from item
     where (cast(:run as text) is null or cast(:run as text) = any(runs))
       and (cast(:subject as text) is null or (subject, number) = (cast(:subject as text), cast(:number as bigint)))
     order by since, subject, number
     limit :limit
""")


def open_items(conn: Connection, *, run: str | None = None, limit: int = LIMIT) -> list[Item]:
    """What is open, the oldest first; of one run if its reference is given."""
    return _items(conn, run=run, limit=limit)


def find(conn: Connection, subject: str, number: int) -> Item | None:
    """An open item, if it is still open."""
    return next(iter(_items(conn, subject=subject, number=number)), None)


def _items(
    conn: Connection, *, run: str | None = None, subject: str | None = None, number: int | None = None, limit: int = 1
) -> list[Item]:
    wanted = {"patience": PATIENCE_DAYS, "run": run, "subject": subject, "number": number, "limit": limit}
    return [
        Item(
            subject=row.subject,
            number=row.number,
            kind=row.kind,
            sentence=row.sentence,
            since=row.since,
            age_days=row.age_days,
            amount=row.amount if row.amount is None else int(row.amount),
            state=row.state,
            proposed=row.proposed,
            decision=row.decision,
            decided_by=row.decided_by,
            runs=tuple(row.runs),
        )
        for row in conn.execute(_ITEMS, wanted)
    ]
