"""The letters that tell a school that its bank account is about to change, or has changed."""

from sqlalchemy import Connection

from batch.french import moment
from batch.letters import Letter, post
from ledger.partner_accounts import Event, Notice

_SUBJECTS = {
    Event.ASKED: "Un changement de compte bancaire a été demandé",
    Event.ACCEPTED: "Votre compte bancaire a changé",
    Event.REFUSED: "Le changement de compte bancaire a été refusé",
}


def tell(conn: Connection, notice: Notice) -> None:
    """Write to everybody who could be reached before the change, once each; the mails bear no link."""
    account = notice.account
    letter = Letter(
        subject=f"{_SUBJECTS[notice.event]} : {notice.partner_name}",
        paragraphs=_paragraphs(notice),
        facts=(("Compte", account.masked), ("Titulaire", account.holder), ("Demandé le", moment(account.asked_at))),
        after=("Si vous n’êtes pas à l’origine de ce changement, appelez-nous sans attendre, au numéro ci-dessous.",),
    )
    for recipient in notice.recipients:
        post(
            conn,
            letter,
            recipient=recipient,
            purpose=f"bank_account_{notice.event.value}",
            dedup_key=f"bank_account:{account.id}:{notice.event.value}:{recipient}",
        )


def _paragraphs(notice: Notice) -> tuple[str, ...]:
    school, usable = notice.partner_name, notice.account.usable_from
    if notice.event is Event.ASKED:
        return (
            f"Un autre compte bancaire a été demandé pour {school}. Rien n’a changé pour l’instant : nous appellerons "
            "l’établissement au numéro que nous connaissons avant de décider.",
        )
    if notice.event is Event.REFUSED:
        return (
            f"Le compte demandé pour {school} n’a pas été retenu : {notice.reason}.",
            "Le compte en vigueur reste le même.",
        )
    when = f" Il sera crédité à partir du {moment(usable)} ; d’ici là, les versements sont retenus." if usable else ""
    return (f"Un autre compte bancaire est en vigueur pour {school}.{when}",)
