"""The rules of our rulebook, in the words that their readers see.

Each rule has a name that people can quote, a sentence that says what is wrong, and one that says what to do. The
official schemas let files through that break nearly all of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

REPORTED_PER_RULE = 50
SHOWN_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `message` is filled in with the details of a finding, `remedy` stands as it is."""

    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a file breaks a rule: `line` counts from 1, `path` is relative to the message's root."""

    rule: str
    line: int
    path: str
    message: str
    remedy: str


class Findings:
    """Collects findings, a limited number per rule, so that a file wrong on every line stays readable."""

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._counts: Counter[str] = Counter()
        self._last: dict[str, Finding] = {}

    def add(self, rule: str, line: int, path: str, **details: object) -> None:
        """Note that `rule` is broken; `details` fill in its message.

        Raises KeyError for a rule that is not in RULES.
        """
        self._counts[rule] += 1
        shown = {name: _shown(str(detail)) for name, detail in details.items()}
        finding = Finding(rule, line, path, RULES[rule].message.format(**shown), RULES[rule].remedy)
        if self._counts[rule] <= REPORTED_PER_RULE:
            self._found.append(finding)
        self._last[rule] = finding

    def __bool__(self) -> bool:
        return bool(self._found)

    def sorted(self) -> list[Finding]:
        """The findings in the order of the file; a rule that was cut short ends with a finding that says so."""
        cut_short = [
            replace(self._last[rule], message=f"… et encore {count - REPORTED_PER_RULE} fois jusqu’à cette ligne.")
            for rule, count in self._counts.items()
            if count > REPORTED_PER_RULE
        ]
        return sorted(self._found + cut_short, key=lambda finding: finding.line)


def _shown(detail: str) -> str:
    """A detail fit for a screen: a file may hold texts of any length, and characters that command a terminal."""
    visible = "".join(c if c.isprintable() else "�" for c in detail[:SHOWN_LENGTH])
    return visible if len(detail) <= SHOWN_LENGTH else f"{visible}…"


RULES: dict[str, Rule] = {
    # The file itself
    "bom": Rule(
        "Le fichier commence par une marque d’ordre des octets (BOM).",
        "Enregistrer le fichier en UTF-8 sans BOM.",
    ),
    "declaration": Rule(
        "La première ligne n’est pas une déclaration XML en UTF-8 entre guillemets doubles.",
        'Commencer le fichier par <?xml version="1.0" encoding="UTF-8"?>.',
    ),
    "doctype": Rule(
        "Le fichier contient une déclaration DOCTYPE : la suite n’a pas été lue.",
        "Supprimer la déclaration DOCTYPE et ce qu’elle définit.",
    ),
    "syntax": Rule(
        "Le fichier n’est pas du XML bien formé : {error}.",
        "Reprendre le fichier d’origine : celui-ci est tronqué ou abîmé.",
    ),
    "namespace": Rule(
        "L’élément {tag} n’est pas celui d’un fichier pain.001.001.03 ou pain.001.001.09.",
        "Produire un ordre de virement pain.001 dans l’une de ces deux versions.",
    ),
    "prefix": Rule(
        "L’espace de noms porte le préfixe « {prefix} ».",
        "Déclarer l’espace de noms par défaut, sans préfixe.",
    ),
    "schema": Rule(
        "Le schéma officiel refuse cette ligne : {error}",
        "Corriger l’élément cité ; l’ordre et la forme des éléments sont ceux du schéma ISO 20022.",
    ),
    # Counts and sums
    "no-payment": Rule(
        "Le fichier ne contient aucun virement.",
        "Ne pas transmettre de fichier vide.",
    ),
    "one-batch": Rule(
        "Le fichier contient {count} lots (PmtInf) au lieu d’un seul.",
        "Faire un fichier par lot.",
    ),
    "group-count": Rule(
        "L’en-tête annonce {announced} virements, le fichier en contient {actual}.",
        "Inscrire dans GrpHdr/NbOfTxs le nombre de virements du fichier.",
    ),
    "group-sum": Rule(
        "L’en-tête annonce un total de {announced}, les virements font {actual}.",
        "Inscrire dans GrpHdr/CtrlSum la somme des virements du fichier.",
    ),
    "batch-count": Rule(
        "Le lot annonce {announced} virements, il en contient {actual}.",
        "Inscrire dans PmtInf/NbOfTxs le nombre de virements du lot.",
    ),
    "batch-sum": Rule(
        "Le lot annonce un total de {announced}, ses virements font {actual}.",
        "Inscrire dans PmtInf/CtrlSum la somme des virements du lot.",
    ),
    "file-limit": Rule(
        "Le fichier ({count} virements, {total} €) dépasse les limites du profil bancaire.",
        "Partager le fichier, ou faire relever les limites par la banque et dans son profil.",
    ),
    # The batch
    "method": Rule(
        "Le mode de paiement est « {value} ».",
        "Inscrire TRF dans PmtMtd : un virement SEPA n’est ni un chèque ni un avis.",
    ),
    "service-level": Rule(
        "Le niveau de service est « {value} ».",
        "Inscrire SEPA dans PmtTpInf/SvcLvl/Cd.",
    ),
    "charge-bearer": Rule(
        "Le partage des frais est « {value} ».",
        "Inscrire SLEV dans ChrgBr, seule valeur admise pour un virement SEPA.",
    ),
    "execution-date": Rule(
        "La date d’exécution « {value} » n’est pas un jour d’ouverture de TARGET.",
        "Demander un jour ouvré TARGET : ni samedi, ni dimanche, ni 1er janvier, Vendredi saint, lundi de Pâques, "
        "1er mai, 25 ou 26 décembre.",
    ),
    "execution-past": Rule(
        "La date d’exécution {value} précède la création du fichier ({created}).",
        "Demander une date d’exécution à venir.",
    ),
    "debtor-agent": Rule(
        "Le BIC de la banque du payeur manque.",
        "Inscrire le BIC dans DbtrAgt/FinInstnId.",
    ),
    # Parties and accounts
    "name-missing": Rule(
        "Le nom manque.",
        "Inscrire dans Nm le nom du titulaire du compte.",
    ),
    "name-length": Rule(
        "Le nom compte {length} caractères ; SEPA en admet 70.",
        "Abréger le nom.",
    ),
    "account-missing": Rule(
        "Le compte n’est pas donné par son IBAN.",
        "Inscrire l’IBAN dans Id/IBAN.",
    ),
    "iban": Rule(
        "Le compte {iban} ne peut pas être payé. {reason}",
        "Demander un nouveau relevé d’identité bancaire et y recopier l’IBAN, sans espace, en majuscules.",
    ),
    "payee-is-payer": Rule(
        "Le compte du bénéficiaire est celui du payeur.",
        "Vérifier l’IBAN du bénéficiaire.",
    ),
    "address-lines": Rule(
        "L’adresse est donnée en lignes libres (AdrLine), refusées depuis le 15 novembre 2026.",
        "Structurer l’adresse (StrtNm, BldgNb, PstCd, TwnNm, Ctry) ou la retirer.",
    ),
    "address-incomplete": Rule(
        "L’adresse n’a pas de ville (TwnNm) ou pas de pays (Ctry).",
        "Compléter l’adresse ou la retirer.",
    ),
    # Amounts
    "currency": Rule(
        "La devise est « {value} ».",
        'Payer en euros (Ccy="EUR").',
    ),
    "amount-form": Rule(
        "Le montant « {value} » n’est pas un nombre que les banques lisent.",
        "Écrire le montant dans Amt/InstdAmt, en chiffres, avec un point devant les centimes.",
    ),
    "amount-decimals": Rule(
        "Le montant {value} a plus de deux décimales.",
        "Arrondir le montant au centime.",
    ),
    "amount-range": Rule(
        "Le montant {value} n’est pas compris entre 0.01 et 999999999.99.",
        "Retirer le virement, ou le partager.",
    ),
    "amount-limit": Rule(
        "Le montant {value} dépasse la limite par virement du profil bancaire ({limit}).",
        "Vérifier le montant ; s’il est juste, faire relever la limite par la banque et dans son profil.",
    ),
    # References and texts
    "end-to-end-missing": Rule(
        "Le virement n’a pas de référence de bout en bout.",
        "Donner à chaque virement un EndToEndId : il le reconnaît sur le relevé et dans les rejets.",
    ),
    "duplicate-end-to-end": Rule(
        "La référence de bout en bout « {value} » figure déjà à la ligne {first}.",
        "Donner à chaque virement son propre EndToEndId ; si c’est le même virement, retirer le doublon.",
    ),
    "duplicate-instruction": Rule(
        "La référence d’instruction « {value} » figure déjà à la ligne {first}.",
        "Donner à chaque virement son propre InstrId ; si c’est le même virement, retirer le doublon.",
    ),
    "reference-characters": Rule(
        "La référence « {value} » contient {characters}.",
        "N’employer que des lettres sans accent, des chiffres, l’espace et / - ? : ( ) . , ' +.",
    ),
    "reference-slashes": Rule(
        "La référence « {value} » commence ou finit par « / », ou contient « // ».",
        "Retirer ces barres obliques.",
    ),
    "reference-length": Rule(
        "La référence « {value} » compte {length} caractères ; SEPA en admet 35.",
        "Raccourcir la référence.",
    ),
    "characters": Rule(
        "Le texte « {value} » contient {characters}.",
        "Remplacer les caractères hors du jeu SEPA (lettres sans accent, chiffres, espace et / - ? : ( ) . , ' +).",
    ),
    "spaces": Rule(
        "Le texte « {value} » est vide, ou commence ou finit par un espace.",
        "Retirer les espaces de trop, ou l’élément vide.",
    ),
    "remittance-form": Rule(
        "Le motif est donné plusieurs fois, ou à la fois libre et structuré.",
        "Donner un seul motif, libre (Ustrd) ou structuré (Strd).",
    ),
    "remittance-length": Rule(
        "Le motif compte {length} caractères ; SEPA en admet 140.",
        "Raccourcir le motif.",
    ),
}
