"""The `atouts-pos` command: the till in a terminal."""

import contextlib
import functools
import io
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from pos_client import printing, terminal
from pos_client.answers import Sale
from pos_client.api import Api, NoAnswer
from pos_client.codes import CardCode
from pos_client.command_inputs import basket_of, card_of, cards_on, confirm, product_of
from pos_client.command_line import DONE, REFUSED, WAITING, FrenchGroup, Said, run
from pos_client.french import count, euros
from pos_client.group_purchase import GroupPurchase, members_of
from pos_client.group_results import rows, write_csv
from pos_client.groups import UnreadableGroup, read_group
from pos_client.outbox import Intent, Kind, NotWithdrawable, OutboxUnusable, State
from pos_client.receipts import receipt
from pos_client.refusals import Refusal
from pos_client.terminal import Misconfigured, Profile, Terminal
from pos_client.till import CannotWait, Scan, Till

SENTENCES = (Misconfigured, NoAnswer, OutboxUnusable, CannotWait, NotWithdrawable, UnreadableGroup)
"""Exceptions whose message is a sentence for the clerk."""
STATUSES = {
    State.ACCEPTED: DONE,
    State.REFUSED: REFUSED,
    State.WITHDRAWN: DONE,
    State.WAITING: WAITING,
    State.SENDING: WAITING,
}


@dataclass(frozen=True, slots=True)
class Session:
    """What every command is called with."""

    profile: Profile
    as_json: bool
    console: Console

    def till(self) -> Till:
        """The paired till of the profile, opened."""
        return Till.open(self.profile)

    def tell(self, shown: Any, data: Any) -> None:
        """Show to people, or print as JSON for programs."""
        if self.as_json:
            click.echo(json.dumps(data, ensure_ascii=False, default=str))
        else:
            self.console.print(shown)


@click.group(cls=FrenchGroup, no_args_is_help=True)
@click.option(
    "--profile",
    "profile_name",
    envvar=terminal.PROFILE_VARIABLE,
    default=terminal.DEFAULT_PROFILE,
    metavar="NOM",
    help="Le profil de caisse, quand l’ordinateur en a plusieurs.",
)
@click.option("--json", "as_json", is_flag=True, help="Répond en JSON, pour un programme.")
@click.pass_context
def cli(ctx: click.Context, profile_name: str, as_json: bool) -> None:
    """La caisse des partenaires Atouts Normandie.

    Lit la carte d’un élève, débite son avantage par le service de la Région, et dit ce qui reste. Rien n’est payé tant
    que le service n’a pas répondu : une vente sans réponse est gardée en attente et renvoyée.

    Code de sortie : 0 fait, 1 refusé, 2 commande mal écrite, 3 en attente de réponse.
    """
    ctx.obj = Session(terminal.profile(profile_name), as_json, Console(highlight=False, soft_wrap=as_json))


@cli.command()
@click.argument("code")
@click.option("--api", "address", required=True, metavar="ADRESSE", help="L’adresse du service de la Région.")
@click.option("--name", default="Caisse", show_default=True, metavar="NOM", help="Le nom de cette caisse.")
@click.option("--replace", "replacing", is_flag=True, help="Remplace une association existante.")
@click.pass_obj
def pair(session: Session, code: str, address: str, name: str, replacing: bool) -> None:
    """Associe cette caisse à l’établissement, avec le code à usage unique CODE de l’espace partenaire."""
    url = terminal.api_url(address)
    if session.profile.file.exists() and not replacing:
        raise Said("Cette caisse est déjà associée. Pour changer : --replace.")
    if replacing:
        with contextlib.suppress(Misconfigured), session.till() as till:
            if waiting := till.outbox.unsettled():
                raise Said(f"{count(len(waiting), 'vente')} en attente : d’abord, atouts-pos outbox --send.")
    terminal.prepare(session.profile)
    with Api(url) as api:
        paired = api.pair(code.strip(), name)
    if isinstance(paired, Refusal):
        raise Said(paired.sentence)
    kept = terminal.keep(
        session.profile, Terminal(url, paired.terminal_id, name, paired.partner_name, paired.uai), paired.secret
    )
    session.tell(f"Caisse « {name} » associée à {paired.partner_name}.", asdict(kept))


@cli.command()
@click.argument("code", required=False)
@click.option("--picture", type=click.Path(path_type=Path), metavar="PHOTO", help="Une photo de la carte.")
@click.pass_obj
def lookup(session: Session, code: str | None, picture: Path | None) -> None:
    """Dit à qui est la carte CODE et ce qui reste dessus."""
    with session.till() as till:
        found = till.look_up(card_of(code, picture))
        if isinstance(found, Refusal):
            raise Said(found.sentence)
        session.tell(printing.student(found), printing.student_for_programs(found))


@cli.command()
@click.argument("code", required=False)
@click.option("--picture", type=click.Path(path_type=Path), metavar="PHOTO", help="Une photo de la carte.")
@click.option("--ean", "eans", multiple=True, metavar="ISBN", help="Un manuel, obligatoire ; à répéter.")
@click.option("--price", "prices", multiple=True, metavar="ISBN=PRIX", help="Un prix sous le coût réel : 978…=9,90")
@click.option("--yes", is_flag=True, help="Débite sans demander.")
@click.pass_obj
def sell(
    session: Session, code: str | None, picture: Path | None, eans: tuple[str, ...], prices: tuple[str, ...], yes: bool
) -> int:
    """Débite des manuels à l’élève de la carte CODE."""
    if not eans:
        raise click.UsageError("Donnez au moins un manuel : --ean ISBN.")
    with session.till() as till:
        card = card_of(code, picture)
        basket = basket_of(till, eans, prices)
        scan = _scan(till, card)
        if not session.as_json:
            session.console.print(printing.basket(basket, scan.lookup))
        confirm(yes, f"Débiter {euros(basket.total_cents)} à {scan.student} ?")
        intent = till.sell(scan, basket)
        _send_what_waited(session, till, intent)
        return _tell_intent(session, intent)


@cli.command()
@click.argument("file", metavar="FICHIER.csv", type=click.Path(path_type=Path))
@click.option("--ean", "eans", multiple=True, metavar="ISBN", help="Un manuel pour tout le groupe ; à répéter.")
@click.option("--price", "prices", multiple=True, metavar="ISBN=PRIX", help="Un prix sous le coût réel : 978…=9,90")
@click.option("--all-or-nothing", is_flag=True, help="Ne débite personne si l’un des élèves est refusé.")
@click.option("--export", type=click.Path(path_type=Path), metavar="RÉSULTAT.csv", help="Écrit le résultat par élève.")
@click.option("--yes", is_flag=True, help="Débite sans demander.")
@click.pass_obj
def group(
    session: Session,
    file: Path,
    eans: tuple[str, ...],
    prices: tuple[str, ...],
    all_or_nothing: bool,
    export: Path | None,
    yes: bool,
) -> int:
    """Débite des manuels à tous les élèves d’un fichier : une carte par ligne, colonnes carte, ean, prix."""
    with session.till() as till:
        purchase = GroupPurchase(
            members=tuple(members_of(read_group(file), functools.cache(functools.partial(product_of, till)))),
            common=basket_of(till, eans, prices),
            mode="all_or_nothing" if all_or_nothing else "each",
        )
        for member in track(purchase.members, "Lecture des cartes", transient=True, disable=session.as_json):
            purchase = purchase.with_found(member.code, till.look_up(member.code))
        if not session.as_json:
            session.console.print(printing.group_preview(purchase))
        if obstacle := purchase.obstacle():
            raise Said(obstacle)
        confirm(yes, purchase.question())
        intents = list(till.sell_group(purchase.ready(), purchase.mode))
        _send_what_waited(session, till, *intents)
    results = [*purchase.turned_away(), *(row for intent in intents for row in rows(intent))]
    if export:
        try:
            write_csv(export, results)
        except OSError:
            click.echo(f"Le fichier {export} ne peut pas être écrit.", err=True)
    session.tell(printing.group_results(results, intents), [printing.for_programs(intent) for intent in intents])
    if any(not intent.settled for intent in intents):
        return WAITING
    return DONE if all(row.accepted for row in results) else REFUSED


@cli.command()
@click.argument("sale_id", metavar="VENTE")
@click.option("--line", "lines", type=int, multiple=True, metavar="N", help="Une ligne de la vente ; sinon toutes.")
@click.option("--reason", default="", metavar="TEXTE", help="Pourquoi.")
@click.option("--yes", is_flag=True, help="Annule sans demander.")
@click.pass_obj
def cancel(session: Session, sale_id: str, lines: tuple[int, ...], reason: str, yes: bool) -> int:
    """Annule la VENTE, ou certaines de ses lignes, et rend l’argent à l’élève."""
    with session.till() as till:
        sale = _sale(till, sale_id)
        confirm(yes, f"Annuler la vente de {euros(sale.debited_cents)} à {sale.buyer} ?")
        intent = till.cancel(sale.sale_id, sale.buyer, list(lines), reason)
        _send_what_waited(session, till, intent)
        return _tell_intent(session, intent)


@cli.command()
@click.option("--send", is_flag=True, help="Renvoie maintenant ce qui attend.")
@click.option("--withdraw", metavar="CLÉ", help="Retire une vente qui n’est jamais partie.")
@click.pass_obj
def outbox(session: Session, send: bool, withdraw: str | None) -> int:
    """Montre ce qui attend une réponse, et ce qui a été accepté ou refusé dernièrement."""
    with session.till() as till:
        if withdraw:
            intent = till.outbox.find(withdraw)
            if intent is None:
                raise Said(f"Aucune vente, ou plusieurs, dont la clé commence par {withdraw}.")
            return _tell_intent(session, till.outbox.withdraw(intent))
        if send:
            status, _ = till.send_waiting()
            if isinstance(status, Refusal):
                raise Said(status.sentence)
        waiting = till.outbox.unsettled()
        accepted, refused = (till.outbox.settled(state) for state in (State.ACCEPTED, State.REFUSED))
        session.tell(
            printing.outbox(waiting, accepted, refused, till.outbox.damaged()),
            {
                "waiting": [printing.for_programs(intent) for intent in waiting],
                "accepted": [printing.for_programs(intent) for intent in accepted],
                "refused": [printing.for_programs(intent) for intent in refused],
            },
        )
        return WAITING if waiting else DONE


@cli.command()
@click.argument("files", metavar="PHOTO…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Cherche toutes les cartes de chaque photo, plus lentement.")
@click.pass_obj
def decode(session: Session, files: tuple[Path, ...], everything: bool) -> int:
    """Lit les cartes photographiées."""
    seen: dict[str, list[str]] = {}
    unread = 0
    for file in files:
        try:
            cards = cards_on(file, wanted=1000 if everything else 1)
        except Said as nothing:
            unread += 1
            seen[str(file)] = []
            click.echo(f"{file} : {nothing}", err=True)
        else:
            seen[str(file)] = cards
    session.tell("\n".join(card for cards in seen.values() for card in cards), seen)
    return REFUSED if unread else DONE


@cli.command()
@click.argument("words", metavar="[MOTS]…", nargs=-1)
@click.pass_obj
def catalogue(session: Session, words: tuple[str, ...]) -> None:
    """Montre le catalogue de l’établissement, ou les manuels dont le titre a ces MOTS."""
    with session.till() as till:
        with _going_on_without_an_answer():
            till.catalogue.refresh(till.api)
        found = till.catalogue.search(" ".join(words), limit=100) if words else till.catalogue.all()
        session.tell(printing.products(found), [asdict(product) for product in found])


@cli.command(name="receipt")
@click.argument("sale_id", metavar="[VENTE]", required=False)
@click.option("--out", type=click.Path(path_type=Path), metavar="FICHIER", help="Écrit le reçu dans un fichier.")
@click.pass_obj
def print_receipt(session: Session, sale_id: str | None, out: Path | None) -> None:
    """Donne le reçu de la VENTE, ou de la dernière vente de cette caisse."""
    with session.till() as till:
        sale = _sale(till, sale_id) if sale_id else _latest_sale(till)
        assistance = None
        with _going_on_without_an_answer():
            seen = till.api.terminal()
            assistance = None if isinstance(seen, Refusal) else seen.assistance
        text = receipt(sale, till.identity, assistance)
    if out:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Said(f"Le fichier {out} ne peut pas être écrit.") from error
    else:
        click.echo(text, nl=False)


@cli.command()
@click.pass_obj
def status(session: Session) -> int:
    """Dit si la caisse est associée, si le service répond, et ce qui attend."""
    from pos_client.decoding import zbar_missing

    with session.till() as till:
        try:
            seen = till.api.terminal()
            unpaid = till.api.unpaid_cents()
        except NoAnswer as failure:
            seen, unpaid = Refusal("no_answer", str(failure)), None
        waiting = till.outbox.unsettled()
        session.tell(
            printing.status(till, seen, unpaid if isinstance(unpaid, int) else None, waiting, zbar_missing()),
            {"terminal": asdict(seen), "waiting": len(waiting)},
        )
        return REFUSED if isinstance(seen, Refusal) else DONE


@cli.command()
@click.pass_obj
def ui(session: Session) -> None:
    """Ouvre l’écran du comptoir : clavier et lecteur de cartes suffisent."""
    from pos_client.screens.app import TillApp

    with session.till() as till:
        TillApp(till).run()
        if waiting := till.outbox.unsettled():
            raise Said(f"{count(len(waiting), 'vente')} en attente de réponse, à renvoyer.", WAITING)


def main() -> None:
    """Run the command and end the process with its status."""
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console of another age shows a question mark rather than failing on a narrow space.
            stream.reconfigure(errors="replace")
    sys.exit(run(cli, SENTENCES))


def _scan(till: Till, card: CardCode) -> Scan:
    """The card with its student; without, where the service is away."""
    try:
        found = till.look_up(card)
    except NoAnswer as failure:
        click.echo(f"{failure} La vente peut être gardée en attente.", err=True)
        return Scan(card, None)
    if isinstance(found, Refusal):
        raise Said(found.sentence)
    return found


def _sale(till: Till, sale_id: str) -> Sale:
    found = till.api.sale(sale_id)
    if isinstance(found, Refusal):
        raise Said(found.sentence)
    return found


def _latest_sale(till: Till) -> Sale:
    for intent in till.outbox.settled(State.ACCEPTED):
        if intent.kind is Kind.SALE and intent.answer:
            # Read again: the answer to a sale has neither the student's name nor the titles.
            return _sale(till, Sale.read(intent.answer).sale_id)
    raise Said("Cette caisse n’a pas encore fait de vente : donnez le numéro de la vente.")


@contextlib.contextmanager
def _going_on_without_an_answer() -> Iterator[None]:
    """For what is good to have and not needed: the clerk is told that it is missing."""
    try:
        yield
    except NoAnswer as failure:
        click.echo(str(failure), err=True)


def _send_what_waited(session: Session, till: Till, *just_asked: Intent) -> None:
    """If what was `just_asked` was answered, send what an earlier cut left, and show people what became of it."""
    if all(intent.settled for intent in just_asked) and till.outbox.unsettled():
        with _going_on_without_an_answer():
            for earlier in till.send_waiting()[1]:
                if not session.as_json:
                    session.console.print(printing.outcome(earlier))


def _tell_intent(session: Session, intent: Intent) -> int:
    session.tell(printing.outcome(intent), printing.for_programs(intent))
    return STATUSES[intent.state]
