"""How runs, orders and hindrances are called in front of accountants and approvers."""

from __future__ import annotations

from batch.payout_orders import Order
from ledger.payouts.comparison import Look
from ledger.payouts.independence import Hindrance
from ledger.payouts.rules import Flag
from ledger.payouts.runs import PAYMENT_STATE_WORDS, STATE_WORDS, PaymentState, State

_TONES: dict[State, str] = {
    "draft": "neutral",
    "frozen": "warning",
    "approved": "info",
    "generated": "info",
    "transmitted": "info",
    "booked": "success",
    "partial": "warning",
    "rejected": "danger",
    "reconciled": "success",
    "refused": "neutral",
    "empty": "neutral",
}
STATES: dict[State, tuple[str, str]] = {
    state: (words[0].upper() + words[1:], _TONES[state]) for state, words in STATE_WORDS.items()
}
"""By the state of a run: its words, and the tone of its badge."""

_PAYMENT_TONES: dict[PaymentState, str] = {
    "planned": "neutral",
    "issued": "info",
    "booked": "success",
    "rejected": "danger",
    "returned": "danger",
    "withdrawn": "neutral",
}
PAYMENT_STATES: dict[PaymentState, tuple[str, str]] = {
    state: (words[0].upper() + words[1:], _PAYMENT_TONES[state]) for state, words in PAYMENT_STATE_WORDS.items()
}
"""By the state of a payment: its words, and the tone of its badge."""

CHANNELS = {"download": "Fichier téléchargé", "directory": "Dépôt dans le dossier de la banque"}
"""How a file leaves."""

STEPS = ("Préparer", "Approuver à deux", "Produire le fichier", "Transmettre", "Exécution par la banque")
STEP_OF: dict[State, int] = {
    "frozen": 2,
    "approved": 3,
    "generated": 4,
    "transmitted": 5,
    "partial": 6,
    "booked": 6,
    "reconciled": 6,
}
"""At which of `STEPS` a run stands, counted from 1; those that lead nowhere are left out."""

FLAGS: dict[Flag, str] = {
    Flag.FIRST_PAYMENT: "1er virement",
    Flag.IBAN_CHANGED: "IBAN modifié",
    Flag.IBAN_SHARED: "IBAN partagé",
    Flag.FOREIGN_IBAN: "IBAN étranger",
    Flag.PAYEE_DIFFERS: "Titulaire à vérifier",
    Flag.ABOVE_USUAL: "Montant inhabituel",
    Flag.REISSUE: "Réémission",
    Flag.SINGLE_PAYMENT: "Virement isolé",
    Flag.ABOVE_RUN_LIMIT: "Plafond dépassé",
}
"""What to look at, as short as a table wants it; the payment's own page says it in full."""

LOOKS: dict[Look, str] = {
    Look.ALL: "Tous",
    Look.FLAGGED: "À regarder",
    Look.NEW: "Absents la fois précédente",
    Look.MOVED: "Montants changés",
    Look.CAME_BACK: "Rejetés ou retournés",
}

HINDRANCES: dict[Hindrance, str] = {
    Hindrance.PREPARED_IT: "Vous avez préparé cette campagne : deux autres personnes doivent l’approuver.",
    Hindrance.TOUCHED_AN_ACCOUNT: (
        "Vous êtes intervenu sur un compte bancaire que cette campagne paie (demande, appel, validation ou déblocage) "
        ": deux autres personnes doivent l’approuver."
    ),
    Hindrance.HAS_APPROVED: "Vous avez approuvé cette campagne : une autre personne doit l’approuver aussi.",
    Hindrance.ABOVE_THE_LIMIT: "La somme dépasse le plafond d’une campagne : personne ne peut l’approuver.",
    Hindrance.ABOVE_THE_ADVANCE: (
        "La somme dépasse l’avance disponible : personne ne peut approuver avant que l’avance soit reconstituée et le "
        "relevé de la banque lu."
    ),
}

ORDERS: dict[Order, str] = {
    Order.PREPARE_DUE: "Préparation des semaines dues",
    Order.PREPARE_NOW: "Préparation d’une campagne exceptionnelle",
    Order.PREPARE_WEEK: "Nouvelle préparation d’une semaine",
    Order.GENERATE: "Production du fichier de virements",
    Order.TRANSMIT: "Transmission à la banque",
}
NOT_NOW = {
    ("approved", False): "Le fichier se produit quand deux personnes ont approuvé la campagne.",
    ("approved", True): "Le fichier de cette campagne est déjà produit.",
    ("generated", False): "Cette campagne n’a pas encore de fichier à transmettre.",
    ("generated", True): "Le fichier de cette campagne est déjà transmis à la banque.",
}
"""Why a run is not at a step, by the state that the step wants and whether the run has its file."""

COUNTED: dict[Order, str] = {Order.PREPARE_DUE: "Semaines préparées", Order.GENERATE: "Virements écrits"}
"""What the progress of an order counts."""
