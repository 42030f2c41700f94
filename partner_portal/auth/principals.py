"""Who a request comes from: nobody known, a portal user, a student, or a till."""

from dataclasses import dataclass
from typing import Literal

from flask import g

from ledger.rights import PARTNER_ROLES, REGION_ROLES, Role, may

Kind = Literal["anonymous", "person", "student", "terminal"]


@dataclass(frozen=True, slots=True)
class Principal:
    """One asker. `id` is that of the person, student or terminal; `partner_id` the school they act for, if any."""

    kind: Kind
    id: int | None = None
    roles: frozenset[Role] = frozenset({Role.ANYONE})
    name: str = ""
    partner_id: int | None = None
    partner_name: str = ""
    email: str = ""
    secret_hash: bytes | None = None
    """Of a terminal: SHA-256 of the secret it presented, which the sale statement checks again."""
    is_revoked: bool = False
    """Of a terminal: it opens nothing any more, but a sale that was answered is answered the same way for ever."""

    @property
    def actor(self) -> str:
        """How the audit trail and the logs call them: "person:12", "terminal:7", "anonymous"."""
        return self.kind if self.id is None else f"{self.kind}:{self.id}"

    def may(self, action: str) -> bool:
        """Whether they have the right to `action` at all."""
        return may(self.roles, action)

    @property
    def is_signed_in(self) -> bool:
        """Whether they came through a sign-in page."""
        return self.kind in ("person", "student")

    @property
    def is_region(self) -> bool:
        """Whether they hold a role of the Region."""
        return not self.roles.isdisjoint(REGION_ROLES)

    @property
    def is_partner(self) -> bool:
        """Whether they act for a partner school."""
        return not self.roles.isdisjoint(PARTNER_ROLES)


ANONYMOUS = Principal("anonymous")


def current_principal() -> Principal:
    """Who asks for the request at hand."""
    principal: Principal = g.get("principal", ANONYMOUS)
    return principal


def acting_partner_id() -> int:
    """The partner the asker acts for; only for views whose right is given to partner roles and terminals alone."""
    partner_id = current_principal().partner_id
    if partner_id is None:
        raise LookupError("the asker acts for no partner")
    return partner_id
