"""What the command line shows: to people as tables and panels, to programs as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pos_client import outcomes
from pos_client.answers import Lookup, Product, TerminalStatus
from pos_client.basket import Basket
from pos_client.french import count, day, day_of_year, euros, short_moment
from pos_client.group_purchase import GroupPurchase
from pos_client.group_results import Row
from pos_client.outbox import Intent
from pos_client.outcomes import Tone
from pos_client.refusals import Refusal
from pos_client.till import Scan, Till

COLOURS = {Tone.GOOD: "green", Tone.BAD: "red", Tone.WAITING: "yellow"}


def student(found: Scan) -> RenderableType:
    """Whose card it is and what is left on it."""
    lookup = _known(found)
    table = _table("Avantage", "Accordé:", "Disponible:", "Utilisable jusqu’au")
    for benefit in lookup.benefits:
        table.add_row(
            benefit.label,
            euros(benefit.granted_cents),
            euros(benefit.available_cents),
            day_of_year(benefit.usable_until),
        )
    return Group(Text(lookup.student.called, style="bold"), table)


def student_for_programs(found: Scan) -> dict[str, Any]:
    """The same, without the token, which is nobody else's business."""
    return {name: value for name, value in asdict(_known(found)).items() if name != "token"}


def basket(chosen: Basket, lookup: Lookup | None) -> RenderableType:
    """What would be debited, and a warning where it does not fit."""
    table = _table("Manuel", "Prix:")
    for line in chosen:
        table.add_row(line.product.title, euros(line.price_cents))
    table.add_row(Text("Total", style="bold"), Text(euros(chosen.total_cents), style="bold"))
    lacking = chosen.shortfall(lookup) if lookup else None
    return Group(table, Text(lacking, style="yellow")) if lacking else table


def outcome(intent: Intent) -> RenderableType:
    """What became of an intent, with its key and the sale's number."""
    told = outcomes.outcome(intent)
    lines = [Text(told.headline, style=f"bold {COLOURS[told.tone]}"), *(Text(line) for line in told.lines if line)]
    sale_id = (intent.answer or {}).get("sale_id")
    number = f"vente {sale_id}" if sale_id else f"clé {str(intent.key)[:8]}"
    return Panel(Group(*lines), subtitle=number, border_style=COLOURS[told.tone], expand=False)


def group_preview(purchase: GroupPurchase) -> RenderableType:
    """Who is in the group, and who has enough for what they take."""
    table = _table("Élève", "À débiter:", "Avant l’achat")
    for member in purchase.members:
        taken = purchase.basket_of(member)
        if isinstance(member.found, Scan) and member.found.lookup:
            lacking = taken.shortfall(member.found.lookup)
            verdict = Text(lacking, "yellow") if lacking else Text("suffisant", "green")
        else:
            verdict = Text(member.found.sentence if isinstance(member.found, Refusal) else "", "red")
        table.add_row(member.name, euros(taken.total_cents), verdict)
    return table


def results(found: Sequence[Row]) -> RenderableType:
    """What became of each student of a group; nothing where there is none."""
    if not found:
        return Text("")
    table = _table("Élève", "Résultat", "Débité:", "Reste:", "Motif")
    for row in found:
        table.add_row(
            row.student,
            Text(row.state, "green" if row.accepted else "red"),
            "" if row.debited_cents is None else euros(row.debited_cents),
            "" if row.left_cents is None else euros(row.left_cents),
            row.reason,
        )
    return table


def group_results(found: Sequence[Row], intents: Sequence[Intent]) -> RenderableType:
    """The same, with what each call to the service came to."""
    told = [outcomes.outcome(intent) for intent in intents]
    return Group(results(found), *(Text(each.headline, f"bold {COLOURS[each.tone]}") for each in told))


def outbox(
    waiting: Sequence[Intent], accepted: Sequence[Intent], refused: Sequence[Intent], damaged: Sequence[Path]
) -> RenderableType:
    """What waits, what was accepted and what was refused, apart."""
    parts: list[RenderableType] = []
    for title, intents in (("En attente", waiting), ("Refusées", refused), ("Acceptées", accepted)):
        table = _table("Clé", "Le", "Vente", "État", title=f"{title} : {len(intents)}")
        for intent in intents:
            reason = intent.refusal.sentence if intent.refusal else intent.problem
            told = f"{outcomes.state_word(intent)} : {reason}" if reason else outcomes.state_word(intent)
            table.add_row(str(intent.key)[:8], short_moment(intent.created_at), outcomes.about(intent), told)
        parts.append(table if intents else Text(f"{title} : aucune", "dim"))
    parts += [Text(f"Fichier illisible, à vérifier dans l’espace partenaire : {file}", "bold red") for file in damaged]
    return Group(*parts)


def products(found: Sequence[Product]) -> RenderableType:
    """The catalogue."""
    table = _table("ISBN", "Titre", "Éditeur", "Coût réel:")
    for product in found:
        table.add_row(product.ean, product.title, product.publisher, euros(product.real_cost_cents))
    return table if found else Text("Aucun produit.", "dim")


def status(
    till: Till, seen: TerminalStatus | Refusal, unpaid_cents: int | None, waiting: Sequence[Intent], note: str | None
) -> RenderableType:
    """How the till stands with the service."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("Caisse", f"{till.identity.name} ({till.identity.terminal_id})")
    table.add_row("Établissement", f"{till.identity.partner_name} {till.identity.uai}".strip())
    table.add_row("Service", till.identity.api_url)
    table.add_row("Secret", "trousseau de l’ordinateur" if till.identity.secret_in_keyring else "fichier protégé")
    if isinstance(seen, Refusal):
        table.add_row("État", Text(seen.sentence, "bold red"))
    else:
        table.add_row("État", Text("en ligne", "green"))
        if seen.usable_until:
            table.add_row("Avantages", f"utilisables jusqu’au {day(seen.usable_until)}")
        table.add_row("Aide", seen.assistance.sentence)
    if unpaid_cents is not None:
        table.add_row("À verser", f"{euros(unpaid_cents)} pour les ventes pas encore payées par virement")
    table.add_row("En attente", count(len(waiting), "vente"))
    if note:
        table.add_row("Note", Text(note, "yellow"))
    return table


def for_programs(intent: Intent) -> dict[str, Any]:
    """An intent without the cards it was made with."""
    told = asdict(intent)
    del told["body"]
    return told


def _known(found: Scan) -> Lookup:
    if found.lookup is None:
        raise ValueError("this card was not looked up")
    return found.lookup


def _table(*columns: str, title: str | None = None) -> Table:
    """A table; a column whose name ends in a colon holds amounts."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column.rstrip(":"), justify="right" if column.endswith(":") else "left", header_style="dim")
    return table
