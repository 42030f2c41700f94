"""The letters about a payment that did not arrive: to the partner that waits for it, and to the Region's officers."""

from sqlalchemy import Connection

from batch.french import euros
from batch.letters import Letter, post
from ledger.identifiers import mask_iban
from ledger.reconciliation.notices import Notice
from ledger.return_reasons import words

_WHAT = {
    "rejected": ("n’a pas été exécuté par la banque", "rejeté"),
    "returned": ("est revenu : la banque du bénéficiaire ne l’a pas accepté", "retourné"),
}


def tell(conn: Connection, notice: Notice) -> None:
    """Write to the partner and to each officer, once for each payment; the mails bear no link."""
    key = f"payment_{notice.outcome}:{notice.end_to_end_id}"
    post(conn, _to_partner(notice), recipient=notice.partner_email, purpose=f"payment_{notice.outcome}", dedup_key=key)
    for officer in notice.officers:
        post(
            conn,
            _to_officer(notice),
            recipient=officer,
            purpose=f"payment_{notice.outcome}_officer",
            dedup_key=f"{key}:{officer}",
        )


def _facts(notice: Notice) -> tuple[tuple[str, str], ...]:
    return (
        ("Virement", notice.end_to_end_id),
        ("Montant", euros(notice.amount)),
        ("Compte", mask_iban(notice.iban)),
        ("Motif", words(notice.reasons)),
    )


def _to_partner(notice: Notice) -> Letter:
    sentence, _ = _WHAT[notice.outcome]
    if notice.what_to_do.blocks_iban:
        then = (
            "La somme vous reste due. Nous ne versons plus rien sur ce compte tant qu’il n’a pas été vérifié : "
            "contrôlez votre RIB dans votre espace partenaire, ou appelez-nous."
        )
    else:
        then = "La somme vous reste due et repart avec le prochain versement ; vous n’avez rien à faire."
    return Letter(
        subject=f"Votre virement Atouts Normandie de {euros(notice.amount)} n’est pas arrivé",
        paragraphs=(f"Le virement de {euros(notice.amount)} à {notice.partner_name} {sentence}.", then),
        facts=_facts(notice),
    )


def _to_officer(notice: Notice) -> Letter:
    _, word = _WHAT[notice.outcome]
    blocked = " Le compte est bloqué jusqu’à sa nouvelle validation." if notice.what_to_do.blocks_iban else ""
    return Letter(
        subject=f"Virement {word} : {notice.partner_name}, {euros(notice.amount)}",
        paragraphs=(
            f"Le virement {notice.end_to_end_id} de la campagne {notice.run} a été {word}. Son montant est de nouveau "
            f"dû au partenaire.{blocked}",
            notice.what_to_do.action,
        ),
        facts=(("Partenaire", notice.partner_name), *_facts(notice)),
    )
