"""What follows when a payment is rejected or comes back, by its ISO reason code.

Codes are those of the ISO 20022 external code sets for status reasons and return reasons; what follows is ours: the
money is owed again in any case, but whether it may be sent again, and to which account, depends on why it came back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from ledger.bank_messages import Reason


class Retry(StrEnum):
    """When the amount may be paid again."""

    NEXT_RUN = "next_run"
    AFTER_NEW_IBAN = "after_new_iban"
    AFTER_CHECK = "after_check"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a reason means and what is to be done, in French."""

    code: str
    label: str
    retry: Retry
    blocks_iban: bool
    """Whether the account may not be paid any more until a person has validated it again."""
    action: str


_NEW_IBAN = "Demander un nouvel IBAN au partenaire ; il sera payé dès que cet IBAN sera validé."
_CALL_PARTNER = "Appeler le partenaire ou la banque avant de renvoyer le virement."
_CHECK_IDENTITY = "Vérifier le nom et l'adresse du titulaire avec le partenaire, puis valider de nouveau l'IBAN."
_CHECK_AMOUNT = "Vérifier le montant et les plafonds avec la banque avant de renvoyer le virement."
_CHECK_TWICE = "Vérifier sur le relevé que le virement n'est pas déjà parti avant de le renvoyer."
_CHECK_FILE = "Corriger la cause avec la banque ; le fichier a été refusé, pas le compte du partenaire."
_NEXT = "Rien à corriger : le montant repartira dans le prochain lot."
_STOP = "Ne jamais renvoyer ce virement ; saisir le responsable de la conformité."

_TABLE: tuple[tuple[Retry, bool, str, dict[str, str]], ...] = (
    (
        Retry.AFTER_NEW_IBAN,
        True,
        _NEW_IBAN,
        {
            "AC01": "IBAN incorrect",
            "AC03": "IBAN du bénéficiaire incorrect",
            "AC04": "compte clos",
            "AC06": "compte bloqué",
            "AC07": "compte du bénéficiaire clos",
            "AC14": "type de compte du bénéficiaire non admis",
            "AC15": "coordonnées du compte changées",
            "AC16": "compte sous séquestre",
            "AC17": "compte en liquidation",
            "AG01": "opération interdite sur ce type de compte",
            "AG03": "opération non admise sur ce compte",
            "BE06": "bénéficiaire inconnu à cette adresse bancaire",
            "CNOR": "banque du bénéficiaire non joignable",
            "MD07": "titulaire décédé",
            "RC01": "identifiant de banque incorrect",
            "RC04": "banque du bénéficiaire incorrecte",
            "RC07": "BIC de la banque du bénéficiaire incorrect",
            "SL02": "service non offert par la banque du bénéficiaire",
        },
    ),
    (
        Retry.AFTER_CHECK,
        True,
        _CHECK_IDENTITY,
        {
            "BE01": "le titulaire ne correspond pas au compte",
            "BE04": "adresse du bénéficiaire manquante ou incorrecte",
            "RR03": "nom ou adresse du bénéficiaire manquants",
        },
    ),
    (
        Retry.AFTER_CHECK,
        True,
        _CALL_PARTNER,
        {
            "CUST": "refusé ou rappelé par un client",
            "MS02": "motif non précisé par le client",
            "MS03": "motif non précisé par la banque",
            "NARR": "motif donné en texte libre",
            "NOAS": "le bénéficiaire n'a pas répondu",
            "FOCR": "rendu à la suite d'un rappel",
            "SVNR": "service non rendu",
            "UPAY": "paiement indu",
        },
    ),
    (
        Retry.AFTER_CHECK,
        False,
        _CHECK_AMOUNT,
        {
            "AM01": "montant nul",
            "AM02": "montant supérieur au maximum",
            "AM03": "devise non admise",
            "AM04": "provision insuffisante sur notre compte",
            "AM06": "montant inférieur au minimum",
            "AM07": "montant bloqué",
            "AM09": "montant inattendu",
            "AM23": "plafond de règlement dépassé",
            "CURR": "devise incorrecte",
        },
    ),
    (
        Retry.AFTER_CHECK,
        False,
        _CHECK_TWICE,
        {
            "AM05": "doublon selon la banque",
            "ARDT": "virement déjà rendu",
            "DU01": "identifiant de message déjà utilisé",
            "DU02": "identifiant de lot déjà utilisé",
            "DU03": "opération en double",
            "DU04": "référence de bout en bout déjà utilisée",
            "DU05": "référence d'instruction déjà utilisée",
            "DUPL": "paiement en double",
            "RF01": "référence non unique",
        },
    ),
    (
        Retry.AFTER_CHECK,
        False,
        _CHECK_FILE,
        {
            "AC02": "notre compte est incorrect",
            "AC05": "notre compte est clos",
            "AC13": "type de notre compte non admis",
            "AG02": "code d'opération incorrect",
            "AM10": "somme de contrôle incorrecte",
            "BE05": "émetteur non reconnu",
            "BE07": "adresse du débiteur manquante",
            "CH03": "date d'exécution trop éloignée",
            "DNOR": "notre banque n'est pas joignable",
            "DS02": "ordre annulé par une personne habilitée",
            "ERIN": "informations étendues non admises",
            "FF01": "format de fichier incorrect",
            "FF05": "type d'opération incorrect",
            "NOOR": "opération d'origine introuvable",
            "RC05": "BIC incorrect",
            "RR01": "compte ou identité du débiteur manquants",
            "RR02": "nom ou adresse du débiteur manquants",
            "RR12": "identifiant non admis",
            "SL01": "service non offert par notre banque",
        },
    ),
    (
        Retry.NEXT_RUN,
        False,
        _NEXT,
        {
            "AB05": "délai dépassé chez la banque du bénéficiaire",
            "AB06": "délai dépassé chez une banque intermédiaire",
            "AB08": "banque du bénéficiaire momentanément injoignable",
            "AB10": "incident chez une banque intermédiaire",
            "DS28": "incident technique",
            "DT01": "date d'exécution incorrecte",
            "ED05": "règlement entre banques échoué",
            "TECH": "incident technique",
            "TM01": "reçu après l'heure limite",
        },
    ),
    (
        Retry.NEVER,
        True,
        _STOP,
        {
            "FR01": "fraude",
            "FRAD": "origine frauduleuse",
            "RR04": "motif réglementaire",
        },
    ),
)

FOLLOW_UPS: dict[str, FollowUp] = {
    code: FollowUp(code, label, retry, blocks_iban, action)
    for retry, blocks_iban, action, labels in _TABLE
    for code, label in labels.items()
}


DOUBLES = frozenset(code for code, known in FOLLOW_UPS.items() if known.action == _CHECK_TWICE)
"""By these a bank refuses what it says it has had before: of the payment that it has had, they say nothing."""


def iso_code(reasons: Iterable[Reason]) -> str | None:
    """The ISO code among the reasons of one payment, or None.

    An ISO code that says something comes first, wherever it stands; then one that the bank wrote into its own code or
    text; then one that merely announces a text (NARR). A bank's own code is none.
    """
    told = tuple(reasons)
    codes = [reason.code for reason in told if reason.code]
    in_texts = [
        word
        for reason in told
        for text in (reason.proprietary, *reason.texts)
        for word in re.findall(r"\b[A-Z]{2}[0-9]{2}\b", text or "")
        if word in FOLLOW_UPS
    ]
    candidates = [code for code in codes if code != "NARR"] + in_texts + codes
    return candidates[0] if candidates else None


def follow_up(reasons: Iterable[Reason], *, returned: bool) -> FollowUp:
    """What follows for one payment; `returned` tells a return from a rejection.

    A return blocks the account whatever its reason: somebody refused money there. An unknown code is for a person.
    """
    told = tuple(reasons)
    code = iso_code(told)
    known = FOLLOW_UPS.get(code or "")
    if known is None:
        name = code or next((reason.proprietary for reason in told if reason.proprietary), None)
        label = f"motif {name} inconnu" if name else "motif absent"
        known = FollowUp(code or "", label, Retry.AFTER_CHECK, True, _CALL_PARTNER)
    return replace(known, blocks_iban=True) if returned else known


def words(reasons: Iterable[Reason]) -> str:
    """The reasons as one French phrase: what the code means, its code, and what the bank wrote beside it."""
    told = tuple(reasons)
    known = follow_up(told, returned=False)
    head = f"{known.label} ({known.code})" if known.code in FOLLOW_UPS else known.label
    texts = "; ".join(dict.fromkeys(text for reason in told for text in reason.texts))
    return f"{head} : « {texts} »" if texts else head
