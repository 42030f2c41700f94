"""What somebody reads whose role does not open a page: which roles do, which they have, whom to ask."""

from collections.abc import Collection

from ledger.rights import PARTNER_ROLES, REGION_ROLES, RIGHTS, ROLE_NAMES, Role
from partner_portal.auth.principals import Principal
from partner_portal.formats import unbroken

_FOLLOW_FROM_THE_DOOR = frozenset({Role.ANYONE, Role.PERSON})
"""Roles that everybody has who came in by a certain door; nobody calls themselves that."""


def sentence(action: str, principal: Principal) -> str:
    """Why `principal`, who is signed in, may not do `action`, and what they can do about it, in French.

    Raises `KeyError` for an action that is not in the table of rights.
    """
    right = RIGHTS[action]
    openers, own = right.roles - _FOLLOW_FROM_THE_DOOR, principal.roles - _FOLLOW_FROM_THE_DOOR
    reserved = f"est réservé {_roles(openers, 'au rôle', 'aux rôles')}" if openers else "n’est pas pour les élèves"
    has = f"votre compte a {_roles(own, 'le rôle', 'les rôles')}" if own else "votre compte n’a aucun rôle"
    return unbroken(f"« {right.meaning} » {reserved} ; {has}. {_next_step(openers, own)}")


def till_sentence(action: str) -> str:
    """Why a till may not do `action`, which its secret does not open. Raises `KeyError` as `sentence` does."""
    return f"« {RIGHTS[action].meaning} » n’est pas pour les caisses : une personne le fait, connectée au portail."


def _next_step(openers: Collection[Role], own: Collection[Role]) -> str:
    if not PARTNER_ROLES.isdisjoint(openers) and not PARTNER_ROLES.isdisjoint(own):
        return "Demandez à un responsable de votre établissement de s’en charger, ou de changer votre rôle."
    if not REGION_ROLES.isdisjoint(openers) and not REGION_ROLES.isdisjoint(own):
        return "Demandez à un collègue qui a ce rôle de s’en charger, ou à un administrateur de changer le vôtre."
    return "Si vous avez un autre compte pour cela, déconnectez-vous, puis connectez-vous avec celui-là."


def _roles(roles: Collection[Role], one: str, several: str) -> str:
    """ "au rôle Comptable", "aux rôles Comptable et Auditeur", in the order of the table of roles."""
    *names, last = [ROLE_NAMES[role] for role in Role if role in roles]
    return f"{several} {', '.join(names)} et {last}" if names else f"{one} {last}"
