"""Letters to partners whom a run pays nothing although their account moved: what was carried over or held, and why."""

from sqlalchemy import Connection, text

from batch.french import counted, day_in_words, euros, moment
from batch.letters import Letter, post
from ledger.payouts.rules import Hold
from ledger.payouts.runs import Run

_BANK_ACCOUNT = "Demandez un autre compte dans votre espace partenaire, rubrique Établissement"
_IS_LOOKED_AT = "La Région examine ce montant avant de le verser ; vous n’avez rien à faire."

WHAT_NEXT: dict[Hold, str] = {
    Hold.NOTHING_DUE: "Il n’y a rien à verser : la différence se déduit de vos prochaines ventes.",
    Hold.BELOW_MINIMUM: "Ce montant s’ajoute à votre prochain virement.",
    Hold.PARTNER_SUSPENDED: "Ce montant vous est versé quand la suspension est levée.",
    Hold.PARTNER_NOT_VALIDATED: "Ce montant vous est versé quand la Région a validé votre partenariat.",
    Hold.NO_BANK_ACCOUNT: f"{_BANK_ACCOUNT} ; ce montant vous est versé quand la Région l’a validé.",
    Hold.BANK_ACCOUNT_COOLING_OFF: "Ce montant part avec le premier virement qui suit ce délai.",
    Hold.BANK_ACCOUNT_BLOCKED: "La Région vérifie votre compte bancaire ; ce montant vous est versé ensuite.",
    Hold.IBAN_WRONG: f"{_BANK_ACCOUNT} : l’IBAN de celui-ci est faux.",
    Hold.NAME_UNWRITABLE: f"{_BANK_ACCOUNT}, avec un titulaire écrit en lettres latines.",
    Hold.PAYEE_IS_PAYER: f"{_BANK_ACCOUNT} : celui-ci est le compte de la Région.",
    Hold.ABOVE_PAYMENT_LIMIT: _IS_LOOKED_AT,
    Hold.ABOVE_WEEKLY_LIMIT: _IS_LOOKED_AT,
}
"""What becomes of an amount that is not in a run, for the partner, whom `Hold.words` has told why."""

# Of the amounts that the run `h` left out: those that the run before did not leave out just so. Nobody is written to
# every week about the same fifty cents.
CHANGED = """
    not exists (select from payout_held b
                 where b.partner_id = h.partner_id
                   and (b.amount, b.transfers, b.reason) = (h.amount, h.transfers, h.reason)
                   and b.run_id = (select max(e.id) from payout_run e where e.id < h.run_id and e.state <> 'refused'))
"""
_LEFT_OUT = text(f"""
    select h.partner_id, p.name, p.email, h.amount, h.transfers, h.reason
      from payout_held h join partner p on p.id = h.partner_id
     where h.run_id = :run and {CHANGED} order by h.partner_id
""")  # noqa: S608


def mail_left_out(conn: Connection, run: Run) -> int:
    """Tell each partner, once, what the run left out of what it is owed or owes; how many mails that made."""
    return sum(
        post(
            conn,
            letter(run, row.name, row.amount, row.transfers, Hold(row.reason)),
            recipient=row.email,
            purpose="payout_left_out",
            dedup_key=f"left_out:{run.reference}:{row.partner_id}",
        )
        for row in conn.execute(_LEFT_OUT, {"run": run.id})
    )


def letter(run: Run, partner: str, amount: int, transfers: int, reason: Hold) -> Letter:
    """What is told; `amount` in cents, below zero for what the partner owes."""
    until = day_in_words(run.last_day)
    turn = f"pour la semaine {run.reference}"
    if run.out_of_turn:
        until = moment(run.out_of_turn)
        turn = f"dans le versement exceptionnel {run.reference}"
    return Letter(
        subject=f"Pas de virement {turn} : {partner}",
        paragraphs=(
            f"La campagne de versement {run.reference} ne comporte pas de virement pour {partner}.",
            WHAT_NEXT[reason],
        ),
        facts=(
            ("Ventes jusqu’au", until),
            ("Reporté" if reason.carried else "Retenu", euros(amount)),
            ("Mouvements", counted(transfers, "mouvement")),
            ("Raison", reason.words),
        ),
        after=(
            "Rien n’est perdu : le montant figure dans votre espace partenaire, rubrique Versements, et chaque "
            "mouvement dans votre relevé de compte.",
        ),
    )
