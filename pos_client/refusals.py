"""Refusals: the service's own sentence first, and ours for the day when it sends none."""

from dataclasses import dataclass

SENTENCES = {
    "unknown_card": "Cette carte n’est pas connue. Vérifiez que c’est bien une carte Atouts Normandie.",
    "card_revoked": "Cette carte a été remplacée. L’élève doit présenter sa nouvelle carte.",
    "code_expired": "Ce code a expiré. L’élève doit l’afficher à nouveau, puis scannez-le.",
    "student_not_enrolled": "Cet élève n’est pas inscrit pour cette année scolaire.",
    "benefit_not_granted": "Cet élève n’a pas cet avantage.",
    "benefit_not_accepted": "Votre établissement n’est pas habilité pour cet avantage.",
    "product_not_covered": "Ce produit n’est pas au catalogue de votre établissement.",
    "insufficient_balance": "Le solde de l’élève ne suffit pas.",
    "deadline_passed": "La date limite est passée : l’avantage de cette année scolaire ne peut plus être utilisé.",
    "price_above_real_cost": "Le prix dépasse le coût réel de la licence.",
    "partner_not_validated": "Votre partenariat n’est pas encore validé par la Région.",
    "partner_suspended": "Votre partenariat est suspendu par la Région.",
    "terminal_revoked": "Cette caisse n’est plus autorisée. Associez-la de nouveau depuis votre espace partenaire.",
    "limit_reached": "La limite est atteinte pour le moment. Réessayez plus tard.",
    "group_refused": "Rien n’est débité : une autre vente du groupe est refusée, et c’est tous ou aucun.",
    "key_reused": "Cette vente a déjà été envoyée avec un autre contenu. Recommencez-la.",
}
"""One sentence for each code of the API's closed list."""

AT_THE_DOOR = frozenset({"terminal_revoked", "unauthenticated", "invalid_token", "forbidden"})
"""With these the request may have been stopped before anybody looked whether an earlier attempt at it was accepted."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no from the service: nothing was debited."""

    code: str
    detail: str
    """The sentence for the clerk."""
    balance_cents: int | None = None
    """What the student has left, where that is the reason."""
    request_id: str = ""
    """What to tell the assistance."""
    sale_id: str = ""
    """Under which number the books have recorded the refusal."""

    @property
    def final(self) -> bool:
        """Whether this settles a sale; else the service perhaps did not come to look at it.

        A refusal with a sale's number is written in the books under the sale's key: nothing else will ever be said.
        """
        return bool(self.sale_id) or self.code not in AT_THE_DOOR

    @property
    def sentence(self) -> str:
        """What the clerk reads: the service's sentence, else ours."""
        return self.detail or SENTENCES.get(self.code) or f"La demande a été refusée ({self.code})."
