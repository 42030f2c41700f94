"""The closed list of reasons for which a sale is refused, each with a French sentence for the clerk.

A refusal is data, never an exception: a clerk meets one every few minutes and needs to know what to do next.
"""

from enum import StrEnum


class Refusal(StrEnum):
    """Why a sale was refused; the database type `refusal` lists the same words, in the order they are looked at."""

    TERMINAL_REVOKED = "terminal_revoked"
    PARTNER_NOT_VALIDATED = "partner_not_validated"
    PARTNER_SUSPENDED = "partner_suspended"
    UNKNOWN_CARD = "unknown_card"
    CARD_REVOKED = "card_revoked"
    CODE_EXPIRED = "code_expired"
    STUDENT_NOT_ENROLLED = "student_not_enrolled"
    PRODUCT_NOT_COVERED = "product_not_covered"
    BENEFIT_NOT_ACCEPTED = "benefit_not_accepted"
    BENEFIT_NOT_GRANTED = "benefit_not_granted"
    DEADLINE_PASSED = "deadline_passed"
    PRICE_ABOVE_REAL_COST = "price_above_real_cost"
    LIMIT_REACHED = "limit_reached"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    GROUP_REFUSED = "group_refused"
    KEY_REUSED = "key_reused"


SENTENCES: dict[Refusal, str] = {
    Refusal.TERMINAL_REVOKED: (
        "Ce terminal a été désactivé. Demandez au responsable de l’établissement d’en associer un autre."
    ),
    Refusal.PARTNER_NOT_VALIDATED: (
        "La Région n’a pas encore validé le partenariat : aucune vente n’est possible pour l’instant."
    ),
    Refusal.PARTNER_SUSPENDED: (
        "Le partenariat est suspendu par la Région : aucune vente n’est possible. Contactez l’assistance."
    ),
    Refusal.UNKNOWN_CARD: (
        "Ce code n’est pas une carte Atouts Normandie valable. Scannez de nouveau la carte de l’élève."
    ),
    Refusal.CARD_REVOKED: "Cette carte a été remplacée. L’élève doit présenter sa nouvelle carte ou son téléphone.",
    Refusal.CODE_EXPIRED: (
        "Ce code n’est plus valable. Demandez à l’élève d’afficher de nouveau son code, puis scannez-le."
    ),
    Refusal.STUDENT_NOT_ENROLLED: "Cet élève n’est pas inscrit dans un lycée de la Région pour cette année scolaire.",
    Refusal.PRODUCT_NOT_COVERED: (
        "Cet article n’est pas dans votre catalogue. Ajoutez-le avec son coût réel avant de le vendre."
    ),
    Refusal.BENEFIT_NOT_ACCEPTED: "Votre établissement n’est pas partenaire pour l’avantage qui paie cet article.",
    Refusal.BENEFIT_NOT_GRANTED: "Cet élève n’a pas droit à l’avantage qui paie cet article.",
    Refusal.DEADLINE_PASSED: "La date limite d’utilisation est passée : cet avantage ne peut plus être utilisé.",
    Refusal.PRICE_ABOVE_REAL_COST: "Le prix dépasse le coût réel de la licence inscrit au catalogue. Corrigez le prix.",
    Refusal.LIMIT_REACHED: (
        "Le montant dépasse le plafond par article fixé pour votre établissement. Contactez l’assistance."
    ),
    Refusal.INSUFFICIENT_BALANCE: "Le solde de l’élève ne suffit pas pour cette vente.",
    Refusal.GROUP_REFUSED: (
        "Rien n’a été débité : une autre vente du groupe est refusée et le groupe devait passer en entier."
    ),
    Refusal.KEY_REUSED: "Cette clé a déjà servi pour une autre demande. Recommencez la vente depuis le début.",
}
"""What the clerk reads, for each reason."""
