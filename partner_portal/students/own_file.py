"""The file in which students take away what is held about them, in the words of who reads it: a person (GDPR, art. 15).

It stays one that machines read (art. 20): JSON, amounts in whole cents, instants in UTC as the API writes them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

WORDS = {
    # Its parts
    "made_at": "fichier établi le",
    "questions": "écrire à",
    "identity": "identité",
    "enrolments": "scolarité",
    "benefits": "avantages",
    "operations": "opérations",
    "cards": "cartes",
    "access": "accès à l’espace",
    "reminders_stopped": "arrêt des rappels",
    "reminders": "rappels envoyés",
    "actions": "journal",
    # Identity and school
    "national_id": "numéro national (INE)",
    "last_name": "nom",
    "first_name": "prénom",
    "birth_date": "date de naissance",
    "email": "adresse électronique",
    "created_at": "connu depuis",
    "school_year": "année scolaire (rentrée)",
    "uai": "code UAI",
    "school": "établissement",
    "town": "commune",
    "class_name": "classe",
    "stream": "voie",
    "programme": "formation",
    "first_entry": "première entrée",
    "withdrawn_at": "fin de l’inscription",
    # Money
    "code": "code de l’avantage",
    "label": "avantage",
    "benefit": "avantage",
    "balance_cents": "solde en centimes",
    "held_cents": "réservé en centimes",
    "usable_until": "utilisable jusqu’au",
    "amount_cents": "montant en centimes",
    "balance_after_cents": "solde ensuite en centimes",
    "partner": "partenaire",
    "titles": "licences ou équipements",
    "kind": "nature",
    # Cards, access, reminders, journal
    "issued_at": "émise le",
    "revoked_at": "annulée le",
    "reason": "raison",
    "chosen_at": "mot de passe choisi le",
    "last_sign_in_at": "dernière connexion",
    "stopped_at": "arrêtés le",
    "days_before": "jours avant la date limite",
    "sent_at": "envoyé le",
    "at": "date",
    "action": "action",
    "actor": "auteur",
    "details": "détails",
    "means": "moyen",
    "revoked": "carte annulée",
    "issued": "carte émise",
}
"""What things are called here, by the names that the database gives them."""

VALUES: dict[str, dict[str, str]] = {
    "kind": {
        "grant": "accordé par la Région",
        "sale": "achat",
        "refund": "remboursement",
        "lapse": "perdu à la date limite",
        "late_refund_lapse": "remboursé après la date limite, donc perdu",
        "grant_withdrawal": "retiré par la Région",
    },
    "stream": {"general": "générale", "technological": "technologique", "vocational": "professionnelle"},
    "reason": {"student_not_enrolled": "fin de l’inscription"},
    "means": {"passcode": "mot de passe", "card": "carte et date de naissance"},
    "action": {
        "student.activate": "espace ouvert",
        "student.choose_passcode": "mot de passe changé",
        "student.withdraw": "fin de l’inscription",
        "session.opened": "connexion",
        "session.closed": "déconnexion",
        "card.reissue": "carte remplacée",
        "own_data.export": "données téléchargées",
    },
}
"""Words for values that are codes, by the name of what they say."""

_ACTORS = {"person": "une personne habilitée", "terminal": "une caisse", "job": "une tâche automatique"}


def in_french(everything: Mapping[str, Any], own: str) -> dict[str, Any]:
    """`everything` under French names; `own` is how the journal calls the student. A name without a word stays."""
    return {WORDS.get(name, name): _value(name, value, own) for name, value in everything.items()}


def _value(name: str, value: Any, own: str) -> Any:
    if isinstance(value, Mapping):
        return in_french(value, own)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_value(name, one, own) for one in value]
    if name == "actor":
        return "vous" if value == own else _ACTORS.get(value.partition(":")[0], value)
    return VALUES.get(name, {}).get(value, value) if isinstance(value, str) else value
