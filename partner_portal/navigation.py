"""Where one can go: the entries of each space's navigation, shown to whoever has the right they name."""

from dataclasses import dataclass

from flask import Flask, request, url_for

from batch.student_letters import questions_email
from partner_portal.auth.principals import Principal, current_principal
from partner_portal.portal import portal


@dataclass(frozen=True)
class Entry:
    """One entry: its French label, the endpoint it leads to, and the right one must have to see it."""

    label: str
    endpoint: str
    action: str


@dataclass(frozen=True)
class Space:
    """One part of the portal. The first entry is its home."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def home(self) -> Entry:
        """Where one arrives."""
        return self.entries[0]


SPACES: dict[str, Space] = {
    "partner": Space(
        "Espace partenaire",
        (
            Entry("Accueil", "partner_home.index", "partner.read"),
            Entry("Caisse", "till.index", "sales.make"),
            Entry("Achats groupés", "groups.index", "sales.make"),
            Entry("Ventes", "sales_pages.index", "sales.read"),
            Entry("Catalogue", "catalogue_pages.index", "catalogue.read"),
            Entry("Versements", "money.index", "partner.balance"),
            Entry("Établissement", "establishment.sheet.show", "partner.read"),
        ),
    ),
    "student": Space(
        "Espace élève",
        (
            Entry("Mes avantages", "students_home.index", "wallet.read"),
            Entry("Mon code", "students_code.page", "card.show"),
            Entry("Où payer", "students_places.index", "wallet.read"),
            Entry("Mes données", "students_data.index", "own_data.read"),
        ),
    ),
    "region": Space(
        "Espace Région",
        (
            Entry("Accueil", "region_home.index", "region.read"),
            Entry("Partenaires", "desk.files.index", "partners.read"),
            Entry("Versements", "payouts.index", "payouts.read"),
            Entry("Rapprochement", "reconciliation.index", "reconciliation.read"),
            Entry("Agents", "agents.index", "people.manage"),
            Entry("Exploitation", "operations.index", "operations.read"),
        ),
    ),
}
"""A blueprint that adds pages to a space adds their entries here."""


@dataclass(frozen=True)
class Link:
    """An entry as a page shows it."""

    label: str
    url: str
    is_current: bool


def links(space: str) -> list[Link]:
    """The entries of `space` for whoever asks. An entry is current on its own page and on those of its blueprint."""
    principal = current_principal()
    shown = [entry for entry in SPACES[space].entries if principal.may(entry.action)]
    here = request.endpoint or ""
    exact = any(entry.endpoint == here for entry in shown)
    return [
        Link(
            entry.label,
            url_for(entry.endpoint),
            entry.endpoint == here if exact else entry.endpoint.partition(".")[0] == here.partition(".")[0],
        )
        for entry in shown
    ]


def landing(principal: Principal) -> str:
    """The page `principal` wants to see after signing in: the home of their first space, else their account."""
    for space in SPACES.values():
        if principal.may(space.home.action):
            return url_for(space.home.endpoint)
    return url_for("account.overview" if principal.kind == "person" else "home.index")


def install(app: Flask) -> None:
    """Offer the navigation and the settings every page shows to the templates of `app`."""

    @app.context_processor
    def shown() -> dict[str, object]:
        return {
            "principal": current_principal(),
            "assistance": portal().config.assistance,
            "questions": questions_email(),
            "provider": portal().config.provider,
            "space_links": links,
            "spaces": SPACES,
            "landing": landing,
        }
