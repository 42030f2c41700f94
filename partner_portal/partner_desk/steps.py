"""The decisions that go against a school: what each will do, as its officer reads it before it is done."""

from dataclasses import dataclass

from ledger.partner_sheets import Sheet
from ledger.sign_ups import SignUp

MOST = 4000
"""Characters of a reason or question."""


@dataclass(frozen=True, slots=True)
class Step:
    """A decision that takes a reason. `address` is its page's; `statuses` those of a partner that it is open to.

    Where `by_the_school`, it needs a file that the school filled in itself, and can open again.
    """

    address: str
    title: str
    effects: tuple[str, ...]
    button: str
    statuses: tuple[str, ...]
    is_harsh: bool = True
    by_the_school: bool = False


GIVE_BACK = Step(
    "correction",
    "Rendre le dossier pour correction",
    (
        "L’établissement reçoit votre motif par courriel, avec un lien qui rouvre son dossier.",
        "Il peut tout corriger, puis envoyer le dossier de nouveau : il reviendra alors dans « À étudier ».",
    ),
    "Rendre pour correction",
    ("submitted", "refused"),
    is_harsh=False,
    by_the_school=True,
)
REFUSE = Step(
    "refus",
    "Refuser la demande",
    (
        "L’établissement reçoit votre motif par courriel, et le lit dans son dossier.",
        "Il ne peut faire aucune vente, ni changer son dossier de lui-même.",
        "Vous pourrez encore revenir sur ce refus et accepter la demande.",
    ),
    "Refuser la demande",
    ("submitted",),
)
SUSPEND = Step(
    "suspension",
    "Suspendre le partenariat",
    (
        "Dès maintenant, l’établissement ne peut plus faire aucune vente.",
        "Ce qui lui est dû reste dû, mais n’est plus versé tant que dure la suspension.",
        "Il reçoit votre motif par courriel, et le lit dans son espace.",
        "Vous pourrez rétablir le partenariat à tout moment.",
    ),
    "Suspendre le partenariat",
    ("validated",),
)
STEPS = (GIVE_BACK, REFUSE, SUSPEND)


def possible(sheet: Sheet, sign_up: SignUp | None) -> list[Step]:
    """The decisions of this kind that are open now."""
    return [step for step in STEPS if sheet.status in step.statuses and (sign_up or not step.by_the_school)]
