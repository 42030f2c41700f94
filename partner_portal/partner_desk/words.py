"""What happened to a partner, in French, as its history tells it."""

from ledger.partner_sheets import Happening

ACTIONS = {
    "partner.apply": "Dossier envoyé",
    "partner.apply_again": "Dossier corrigé et envoyé de nouveau",
    "partner.draft": "Dossier rendu pour correction",
    "partner.validated": "Partenariat validé",
    "partner.refused": "Demande refusée",
    "partner.suspended": "Partenariat suspendu",
    "partner.contact_changed": "Contact modifié",
    "partner.students_exported": "Liste d’élèves injoignables exportée",
    "sign_up.asked": "Message de la Région",
    "sign_up.answered": "Message de l’établissement",
    "sign_up.started": "Dossier ouvert",
    "sign_up.document_added": "Pièce jointe",
    "sign_up.document_removed": "Pièce retirée",
    "terminal.invite": "Code d’association créé",
    "terminal.pair": "Caisse associée",
    "terminal.revoke": "Caisse révoquée",
    "terminal.new_secret": "Secret de caisse renouvelé",
    "bank_account.asked": "Changement de compte demandé",
    "bank_account.call": "Appel de confirmation noté",
    "bank_account.check": "Vérification du bénéficiaire notée",
    "bank_account.accepted": "Changement de compte validé",
    "bank_account.refused": "Changement de compte refusé",
    "bank_account.block": "Compte bloqué",
    "bank_account.unblock": "Compte débloqué",
    "catalogue.offer": "Catalogue modifié",
}
_ACTORS = {
    "sign_up": "L’établissement",
    "anonymous": "L’établissement",
    "terminal": "Une caisse",
    "job": "Tâche automatique",
}


def action(happening: Happening) -> str:
    """What was done."""
    return ACTIONS.get(happening.action, happening.action)


def who(happening: Happening) -> str:
    """Who did it."""
    return happening.who or _ACTORS.get(happening.actor.partition(":")[0], happening.actor)
