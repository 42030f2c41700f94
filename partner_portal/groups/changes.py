"""What can be done to a draft: students and licences come in and go out, each time with a sentence on what happened."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from flask import request
from sqlalchemy import Connection

from batch.french import counted
from ledger import catalogue, classes, partners
from ledger.catalogue import Offer
from ledger.group_purchases import MOST_STUDENTS
from ledger.refusals import SENTENCES, Refusal
from ledger.terminals import browser_terminal
from partner_portal import spreadsheets
from partner_portal.asked_numbers import number
from partner_portal.auth.principals import acting_partner_id
from partner_portal.groups.codes_file import read_codes
from partner_portal.groups.drafts import Draft
from partner_portal.portal import portal
from partner_portal.resources.scans import read_scan
from partner_portal.spreadsheets import UnreadableFile
from pos_client.codes import NotACard, read_card

FAULTS_SHOWN = 20
LICENCES_SHOWN = 10
_EAN = re.compile(r"(?<![0-9])[0-9]{13}(?![0-9])")


@dataclass(frozen=True)
class Said:
    """What has just happened, as a sentence and the tone in which it is said, with further lines below.

    `place` is the part of the page it is said in; `typed` what is to stand in its field again, to be made clearer.
    """

    sentence: str
    tone: str = "success"
    more: tuple[str, ...] = ()
    place: Literal["students", "licences"] = "students"
    typed: str = ""


def _add_class(draft: Draft) -> Said:
    name = request.form.get("class_name", "")
    with portal().engine.connect() as conn:
        cards = classes.cards_of_class(conn, partners.get(conn, acting_partner_id()).uai, name)
    return _added(draft, cards, name)


def _add_scan(draft: Draft) -> Said:
    try:
        found = _card_reader()(read_card(request.form.get("code", "")).text)
    except NotACard as error:
        return Said(str(error), "danger")
    if isinstance(found, Refusal):
        return Said(SENTENCES[found], "danger")
    if found in draft.cards:
        return Said("Cet élève est déjà dans la liste.", "warning")
    if not draft.add_cards([found]):
        return _full()
    with portal().engine.connect() as conn:
        (member,) = classes.members(conn, [found], accepts=())
    if member.refusal is not None:
        draft.remove_card(found)
        return Said(SENTENCES[member.refusal], "danger")
    return Said(f"{member.called}, {member.class_name} : ajouté. {counted(len(draft.cards), 'élève')}.")


def _add_file(draft: Draft) -> Said:
    try:
        with spreadsheets.uploaded(request.files.get("file")) as file:
            read = read_codes(file.lines(), _card_reader())
    except UnreadableFile as error:
        return Said(str(error), "danger")
    said = _added(draft, read.cards, "")
    if not read.faults:
        return said
    shown = tuple(f"Ligne {number} : {sentence}" for number, sentence in read.faults[:FAULTS_SHOWN])
    rest = len(read.faults) - len(shown)
    more = (*shown, *([f"et {counted(rest, 'autre ligne')}."] if rest else []))
    return Said(f"{said.sentence} {counted(len(read.faults), 'ligne')} sans carte valable :", "warning", more)


def _added(draft: Draft, cards: Sequence[int], label: str) -> Said:
    room = MOST_STUDENTS - len(draft.cards)
    added = draft.add_cards(cards)
    draft.label = draft.label or label[:80]
    if len(cards) > room:
        return _full()
    there = len(set(cards)) - added
    known = f" {there} y étaient déjà." if there else ""
    return Said(
        f"{counted(added, 'élève ajouté')}.{known}" if cards else "Aucun élève trouvé.",
        "success" if added else "warning",
    )


def _full() -> Said:
    return Said(f"Un achat groupé compte {MOST_STUDENTS} élèves au plus : passez-en plusieurs.", "warning")


def _add_licence(draft: Draft) -> Said:
    typed = " ".join(request.form.get("licence", "").split())[:200]
    if not typed:
        return Said("Indiquez une licence.", "warning", place="licences")
    ean = _EAN.search(typed)
    with portal().engine.connect() as conn:
        if ean:
            offers = offers_of(conn, [ean[0]])
        else:
            offers = catalogue.search(conn, acting_partner_id(), words=typed, limit=LICENCES_SHOWN + 1)
    if not offers:
        sentence = f"Aucune licence de votre catalogue ne correspond à « {typed} »."
        return Said(sentence, "danger", place="licences", typed=typed)
    if len(offers) > 1:
        sentence = f"Plusieurs licences correspondent à « {typed} » : choisissez-en une dans la liste."
        shown = tuple(f"{offer.title}, {offer.publisher}" for offer in offers[:LICENCES_SHOWN])
        more = (*shown, *(["et d’autres encore."] if len(offers) > LICENCES_SHOWN else []))
        return Said(sentence, "warning", more, "licences", typed)
    if not draft.add_ean(offers[0].ean):
        return Said(f"« {offers[0].title} » est déjà choisie.", "warning", place="licences")
    return Said(f"« {offers[0].title} » : ajoutée pour chaque élève.", place="licences")


def _remove_licence(draft: Draft) -> Said:
    draft.remove_ean(request.form.get("ean", ""))
    return Said("Licence retirée.", place="licences")


def _choose(draft: Draft) -> Said:
    removed = request.form.get("remove", type=number)
    if removed is not None:
        draft.remove_card(removed)
        return Said("Élève retiré de la liste.")
    taken = set(request.form.getlist("take"))
    shown = [int(card) for card in request.form.get("cards", "").split(",") if card.isdecimal()]
    draft.choose({card: [ean for ean in draft.eans if f"{card}:{ean}" not in taken] for card in shown})
    return Said("Choix enregistré.")


CHANGES: dict[str, Callable[[Draft], Said]] = {
    "class": _add_class,
    "scan": _add_scan,
    "file": _add_file,
    "licence": _add_licence,
    "remove_licence": _remove_licence,
    "choose": _choose,
}
"""By what the form asks to do."""


def offers_of(conn: Connection, eans: Iterable[str]) -> list[Offer]:
    """Those of these licences that the school offers."""
    wanted = [ean for ean in eans if ean.isdecimal() and len(ean) == 13]
    found = [catalogue.search(conn, acting_partner_id(), ean=ean) for ean in wanted]
    return [offers[0] for offers in found if offers]


def _card_reader() -> Callable[[str], int | Refusal]:
    """Tells the card behind a code's text, as the school's browser till scans it."""
    with portal().engine.begin() as conn:
        terminal_id = browser_terminal(conn, acting_partner_id())
    return lambda code: read_scan(code, terminal_id)
