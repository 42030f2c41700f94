"""Who may do what: one table of roles and actions, read by the code, by the rights page and by the test of every route.

A right says that a role may ask for an action at all. On *what* it may act (a partner's own sales, a student's own
wallet) follows from the principal's partner or id, and a foreign object is answered like one that does not exist.
"""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is to the scheme. People are given those that are in the schema's `portal_role`."""

    ANYONE = "anyone"
    """Everybody, signed in or not."""
    PERSON = "person"
    """Every signed-in portal user, whatever else they are."""
    STUDENT = "student"
    TERMINAL = "terminal"
    PARTNER_CASHIER = "partner_cashier"
    PARTNER_MANAGER = "partner_manager"
    REGION_OFFICER = "region_officer"
    ACCOUNTANT = "accountant"
    PAYMENT_APPROVER = "payment_approver"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


ROLE_NAMES: dict[Role, str] = {
    Role.ANYONE: "Tout le monde",
    Role.PERSON: "Personne connectée",
    Role.STUDENT: "Élève",
    Role.TERMINAL: "Caisse",
    Role.PARTNER_CASHIER: "Caissier du partenaire",
    Role.PARTNER_MANAGER: "Responsable du partenaire",
    Role.REGION_OFFICER: "Chargé des partenaires",
    Role.ACCOUNTANT: "Comptable",
    Role.PAYMENT_APPROVER: "Approbateur des paiements",
    Role.AUDITOR: "Auditeur",
    Role.ADMINISTRATOR: "Administrateur",
}

PARTNER_ROLES = frozenset({Role.PARTNER_CASHIER, Role.PARTNER_MANAGER})
REGION_ROLES = frozenset(
    {Role.REGION_OFFICER, Role.ACCOUNTANT, Role.PAYMENT_APPROVER, Role.AUDITOR, Role.ADMINISTRATOR}
)
GRANTABLE_ROLES = PARTNER_ROLES | REGION_ROLES
"""The roles a person can be given; the others follow from how somebody came in."""


@dataclass(frozen=True)
class Right:
    """One action: the roles that may ask for it, and what it is, in French, for the rights page."""

    roles: frozenset[Role]
    meaning: str


def _right(meaning: str, *roles: Role | frozenset[Role]) -> Right:
    return Right(frozenset().union(*(role if isinstance(role, frozenset) else {role} for role in roles)), meaning)


_TILL = PARTNER_ROLES | {Role.TERMINAL}
_MONEY = frozenset({Role.ACCOUNTANT, Role.PAYMENT_APPROVER, Role.AUDITOR})

RIGHTS: dict[str, Right] = {
    # Everybody
    "public.read": _right("Lire les pages publiques", Role.ANYONE),
    "session.open": _right("Se connecter", Role.ANYONE),
    "session.close": _right("Se déconnecter", Role.PERSON, Role.STUDENT),
    "account.manage": _right("Gérer son mot de passe, son code et ses connexions", Role.PERSON),
    # Till
    "terminals.pair": _right("Associer une caisse avec un code à usage unique", Role.ANYONE),
    "terminal.read": _right("Lire la fiche de sa propre caisse", Role.TERMINAL),
    "students.look_up": _right("Lire la carte d’un élève pour une vente", _TILL),
    "catalogue.read": _right("Chercher dans son catalogue", _TILL),
    "sales.make": _right("Enregistrer une vente ou un achat groupé", _TILL),
    "sales.cancel": _right("Annuler une vente", _TILL),
    "sales.read": _right("Relire ses ventes", _TILL),
    "partner.balance": _right("Lire ce qui sera versé à l’établissement", _TILL),
    "partner.statement": _right("Lire le relevé et les versements de l’établissement", _TILL),
    # Partner space
    "partner.apply": _right("Demander un partenariat", Role.ANYONE),
    "partner.read": _right("Lire la fiche et le dossier de son établissement", PARTNER_ROLES),
    "partner.edit": _right("Modifier la fiche de son établissement", Role.PARTNER_MANAGER),
    "partner.change_iban": _right("Demander un changement de compte bancaire", Role.PARTNER_MANAGER),
    "catalogue.edit": _right("Modifier son catalogue et ses coûts réels", Role.PARTNER_MANAGER),
    "terminals.manage": _right("Associer et révoquer les caisses de son établissement", Role.PARTNER_MANAGER),
    "staff.manage": _right("Inviter et retirer le personnel de son établissement", Role.PARTNER_MANAGER),
    "students.unreachable": _right(
        "Lister les élèves de son établissement que nos courriels n’atteignent pas", Role.PARTNER_MANAGER
    ),
    # Student
    "wallet.read": _right("Lire ses propres avantages et opérations", Role.STUDENT),
    "card.show": _right("Afficher son propre code", Role.STUDENT),
    "card.replace": _right("Remplacer sa carte perdue ou copiée", Role.STUDENT),
    "reminders.choose": _right("Recevoir ou non les rappels", Role.STUDENT),
    "reminders.stop": _right("Arrêter les rappels par le lien d’un courriel", Role.ANYONE),
    "own_data.read": _right("Lire et emporter ce qui est gardé sur soi", Role.STUDENT),
    # Region: partners and students
    "region.read": _right("Entrer dans l’espace Région", REGION_ROLES),
    "partners.read": _right("Lire les dossiers des partenaires", REGION_ROLES),
    "partners.decide": _right("Accepter, refuser, suspendre ou rétablir un partenaire", Role.REGION_OFFICER),
    "partners.accept_iban": _right("Valider un changement de compte bancaire", Role.REGION_OFFICER),
    "students.read": _right(
        "Lire la fiche d’un élève", Role.REGION_OFFICER, Role.ACCOUNTANT, Role.AUDITOR, Role.ADMINISTRATOR
    ),
    "students.erase": _right("Effacer les données personnelles d’un élève", Role.ADMINISTRATOR),
    "cards.manage": _right("Émettre et révoquer des cartes", Role.REGION_OFFICER),
    "roster.import": _right("Importer les listes d’élèves", Role.REGION_OFFICER, Role.ADMINISTRATOR),
    "scheme.edit": _right("Régler les avantages d’une année scolaire", Role.ADMINISTRATOR),
    # Region: money
    "books.read": _right("Lire le grand livre", _MONEY),
    "payouts.read": _right("Lire les campagnes de versement", _MONEY),
    "payouts.prepare": _right("Préparer, figer et générer une campagne de versement", Role.ACCOUNTANT),
    "payouts.approve": _right("Approuver une campagne de versement", Role.PAYMENT_APPROVER),
    "payouts.refuse": _right("Refuser une campagne de versement", Role.ACCOUNTANT, Role.PAYMENT_APPROVER),
    "payouts.transmit": _right("Transmettre le fichier de virements à la banque", Role.ACCOUNTANT),
    "bank.import": _right("Importer les relevés et comptes rendus de la banque", Role.ACCOUNTANT),
    "reconciliation.read": _right("Lire le rapprochement bancaire", _MONEY),
    "reconciliation.settle": _right("Expliquer un écart de rapprochement", Role.ACCOUNTANT),
    "reconciliation.release": _right(
        "Contresigner la prise en compte d’un relevé mis à l’écart", Role.PAYMENT_APPROVER
    ),
    "books.write_off": _right("Signer un abandon de créance", Role.PAYMENT_APPROVER),
    # Region: house
    "audit.read": _right("Lire le journal des actions", Role.AUDITOR, Role.ADMINISTRATOR),
    "people.manage": _right("Inviter, changer de rôle et désactiver les agents", Role.ADMINISTRATOR),
    "operations.read": _right("Surveiller les tâches et les courriels", Role.ADMINISTRATOR, Role.ACCOUNTANT),
    "operations.resend": _right("Renvoyer un courriel qui n’est pas parti", Role.ADMINISTRATOR),
}


def may(roles: frozenset[Role], action: str) -> bool:
    """Whether one of `roles` has the right to `action`. Raises `KeyError` for an action that is not in the table."""
    return not RIGHTS[action].roles.isdisjoint(roles)
