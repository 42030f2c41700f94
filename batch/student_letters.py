"""The letters to students and their parents: receipts, reminders before the deadline, and what changed about access."""

from collections.abc import Sequence
from uuid import UUID

from batch import settings
from batch.french import counted, day_in_words, euros, moment
from batch.letters import Letter
from ledger.calendar import last_day_before
from ledger.student_notices import Left, Receipt, Reminder

NOT_ME = "Ce n’est pas vous ? Dites-le tout de suite à l’établissement, puis remplacez votre carte dans votre espace."


def space(path: str = "") -> str:
    """The address of a page of the student's space."""
    return f"{settings.PUBLIC_URL.value.rstrip('/')}/eleve/{path}"


def questions_email() -> str:
    """Where students and parents write: the assistance by phone is for partners."""
    return settings.QUESTIONS_EMAIL.value or settings.ASSISTANCE_EMAIL.value


def reminders_link(token: UUID) -> str:
    """Where the reminders of whoever has `token` are stopped, without signing in."""
    return space(f"rappels/{token}")


def receipt_letter(receipt: Receipt) -> Letter:
    """What a student is told of each debit and each refund: how much, for what, what is left, and until when."""
    is_sale = receipt.kind == "sale"
    done = "débité" if is_sale else "rendu"
    # Not a bank account: a parent who reads "débité" may think of one.
    what = f"a débité {euros(receipt.amount)} de vos avantages" if is_sale else f"vous a rendu {euros(receipt.amount)}"
    paragraphs = [f"{receipt.partner} {what}, le {moment(receipt.at)}."]
    agreed = done if receipt.amount < 2_00 else f"{done}s"
    if receipt.lapsed:
        paragraphs.append(
            f"Ce remboursement arrive après la date limite : {euros(receipt.lapsed)} ne peuvent plus être utilisés."
        )
    facts = [(title, euros(cents)) for title, cents in receipt.lines]
    facts.append((f"Total {done}", euros(receipt.amount)))
    after = [] if not is_sale else ["Vous n’étiez pas là, ou le montant est faux ? Adressez-vous à l’établissement."]
    return Letter(
        subject=f"{euros(receipt.amount)} {agreed} par {receipt.partner}".replace("\n", " "),
        paragraphs=(f"{receipt.first_name}, voici votre reçu.", *paragraphs),
        facts=(*facts, *_left(receipt.left)),
        questions=questions_email(),
        link=("Voir mes avantages", space()),
        after=tuple(after),
    )


def reminder_letter(reminder: Reminder, days_left: int) -> Letter:
    """What is left, and that it is lost after the deadline; `days_left` counts today's midnight as the first."""
    total = euros(sum(left.balance for left in reminder.left))
    last = day_in_words(last_day_before(min(left.usable_until for left in reminder.left)))
    remaining = "C’est le dernier jour" if days_left == 0 else f"Encore {counted(days_left, 'jour')}"
    return Letter(
        subject=f"Il vous reste {total} à utiliser avant le {last}",
        paragraphs=(
            f"{reminder.first_name}, il vous reste {total} sur vos avantages Atouts Normandie.",
            f"{remaining} : ce qui n’est pas utilisé le {last} au soir est perdu.",
        ),
        facts=tuple((left.label, euros(left.balance)) for left in reminder.left),
        questions=questions_email(),
        link=("Voir où les utiliser", space("partenaires")),
        aside=("Ne plus recevoir ces rappels", reminders_link(reminder.token)),
    )


def access_letter(first_name: str, *, is_first: bool) -> Letter:
    """The space was activated, or its password chosen anew, with the card and the birth date."""
    said = (
        "Votre espace est ouvert"
        if is_first
        else "Votre mot de passe a été changé, et les autres appareils déconnectés"
    )
    return Letter(
        subject="Votre espace Atouts Normandie est ouvert" if is_first else "Votre mot de passe a été changé",
        paragraphs=(f"{first_name}, c’est fait. {said}.",),
        questions=questions_email(),
        link=("Ouvrir mon espace", space()),
        after=(NOT_ME,),
    )


def reissue_letter(first_name: str) -> Letter:
    """The card was replaced: the old one counts no more."""
    return Letter(
        subject="Votre carte a été remplacée",
        paragraphs=(
            f"{first_name}, votre ancienne carte est refusée à partir de maintenant. Ce qui vous reste n’a pas changé.",
            "Imprimez la nouvelle, ou montrez le code de votre téléphone.",
        ),
        questions=questions_email(),
        link=("Imprimer ma carte", space("carte")),
        after=(NOT_ME,),
    )


def _left(left: Sequence[Left]) -> list[tuple[str, str]]:
    return [
        (
            f"Il reste – {one.label}, à utiliser avant le {day_in_words(last_day_before(one.usable_until))}",
            euros(one.balance),
        )
        for one in left
    ]
