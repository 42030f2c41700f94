"""The group purchase: a class's cards, scanned one after the other or from a file, and what all of them take."""

from dataclasses import replace
from enum import Enum, auto
from itertools import chain
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import DataTable, Static

from pos_client.answers import Product
from pos_client.api import NoAnswer
from pos_client.codes import CardCode
from pos_client.french import count, euros
from pos_client.group_purchase import GroupPurchase, Member, members_of
from pos_client.group_results import Row, rows, write_csv
from pos_client.groups import UnreadableGroup, read_group
from pos_client.outbox import Intent, OutboxUnusable
from pos_client.outcomes import outcome
from pos_client.refusals import Refusal
from pos_client.screens.pane import Pane
from pos_client.screens.scan_field import ScanField
from pos_client.till import CannotWait, Mode, Scan, Till

MODES: dict[Mode, str] = {"each": "chacun pour soi", "all_or_nothing": "tous ou aucun"}


class Stage(Enum):
    """Where the group purchase is."""

    GATHERING = auto()
    CONFIRMING = auto()
    BUSY = auto()
    DONE = auto()


class GroupPane(Pane):
    """The group purchase's screen."""

    BINDINGS = [  # noqa: RUF012 - as Textual declares them
        Binding("escape", "back", "Retour"),
        Binding("f4", "mode", "Chacun/tous"),
        Binding("f6", "remove_last", "Retirer"),
        Binding("f7", "export", "Exporter"),
        Binding("f8", "clear", "Nouveau groupe"),
    ]

    def __init__(self, till: Till, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(till, id=id)
        self._stage = Stage.GATHERING
        self._purchase = GroupPurchase()
        self._intents: list[Intent] = []

    def compose(self) -> ComposeResult:
        """The prompt, the field, and below them the students beside what they take."""
        yield Static(id="group-prompt")
        yield ScanField(self._till, placeholder="Cartes l’une après l’autre, ISBN, mots du titre, ou chemin d’un CSV")
        yield Static(id="group-remark")
        with Horizontal(id="group"):
            yield DataTable(id="members", cursor_type="row", zebra_stripes=True)
            yield Static(id="group-basket", classes="panel")

    def on_mount(self) -> None:
        """Show the empty group."""
        self._show()

    def activate(self) -> None:
        """Take the keyboard."""
        self.query_one(ScanField).focus_field()

    # What the field says.

    @on(ScanField.CardRead)
    def _card(self, event: ScanField.CardRead) -> None:
        if not self._open_for_changes():
            return
        if event.code in self._purchase:
            self._remark("Cette carte est déjà dans le groupe.")
            return
        self._purchase = self._purchase.with_member(Member(event.code))
        self._show()
        self._look_up([event.code])

    @on(ScanField.ProductChosen)
    def _product(self, event: ScanField.ProductChosen) -> None:
        if not self._open_for_changes():
            return
        self._change(common=self._purchase.common.with_product(event.product))

    @on(ScanField.FileGiven)
    def _file(self, event: ScanField.FileGiven) -> None:
        if not self._open_for_changes():
            return
        self._remark("Lecture du fichier…")
        self._load(Path(event.path).expanduser())

    @on(ScanField.Confirmed)
    def _confirmed(self) -> None:
        match self._stage:
            case Stage.GATHERING:
                obstacle = self._purchase.obstacle()
                if obstacle:
                    self._remark(obstacle)
                    return
                self._go(Stage.CONFIRMING)
            case Stage.CONFIRMING:
                self._go(Stage.BUSY)
                self._sell(self._purchase)
            case _:
                pass

    @on(ScanField.Puzzled)
    def _puzzled(self, event: ScanField.Puzzled) -> None:
        self._remark(event.sentence)

    # What the keys do.

    def action_back(self) -> None:
        """Back from the question; nothing is debited."""
        if self._stage is Stage.CONFIRMING:
            self._go(Stage.GATHERING)

    def action_mode(self) -> None:
        """Change between one by one and all or nothing."""
        if self._open_for_changes():
            self._change(mode="each" if self._purchase.mode == "all_or_nothing" else "all_or_nothing")

    def action_remove_last(self) -> None:
        """Take the last product out, or else the last student."""
        if not self._open_for_changes():
            return
        if self._purchase.common:
            self._change(common=self._purchase.common.without_last())
        else:
            self._change(members=self._purchase.members[:-1])

    def action_clear(self) -> None:
        """Begin another group."""
        if self._stage is not Stage.BUSY:
            self._purchase = GroupPurchase()
            self._intents = []
            self._go(Stage.GATHERING)

    def action_export(self) -> None:
        """Write the result for a spreadsheet, into the folder of this till."""
        if self._stage is not Stage.DONE:
            self._remark("Le résultat s’exporte une fois l’achat envoyé.")
            return
        first = self._intents[0]
        when = f"{first.created_at.astimezone():%Y-%m-%d-%Hh%M}"
        file = self._till.profile.data / f"groupe-{when}-{str(first.key)[:4]}.csv"
        try:
            write_csv(file, self._results())
        except OSError:
            self._remark(f"Le fichier {file} ne peut pas être écrit.")
        else:
            self._remark(f"Résultat écrit dans {file}")

    # What takes time.

    @work(thread=True)
    def _look_up(self, codes: list[CardCode]) -> None:
        for code in codes:
            try:
                found = self._till.look_up(code)
            except NoAnswer as failure:
                self.app.call_from_thread(self._looked_up_offline, str(failure))
                return
            self.app.call_from_thread(self._looked_up, code, found)

    @work(thread=True)
    def _load(self, file: Path) -> None:
        try:
            members = members_of(read_group(file), self._product_of)
        except (UnreadableGroup, NoAnswer) as refusal:
            self.app.call_from_thread(self._remark, str(refusal))
        else:
            self.app.call_from_thread(self._loaded, members)

    @work(thread=True)
    def _sell(self, purchase: GroupPurchase) -> None:
        sentence = ""
        intents = []
        try:
            for intent in self._till.sell_group(purchase.ready(), purchase.mode):
                intents.append(intent)
        except (CannotWait, OutboxUnusable) as refusal:
            sentence = str(refusal)
        self.app.call_from_thread(self._sold, intents, sentence)

    def _product_of(self, ean: str) -> Product:
        product = self._till.catalogue.by_ean(ean) or self._till.product(ean)
        if isinstance(product, Product):
            return product
        raise UnreadableGroup(product.sentence if product else f"Le produit {ean} n’est pas au catalogue.")

    def _looked_up(self, code: CardCode, found: Scan | Refusal) -> None:
        self.app.heard_from_service()
        self._purchase = self._purchase.with_found(code, found)
        self._show()

    def _looked_up_offline(self, sentence: str) -> None:
        self.app.lost_service(sentence)
        known = tuple(member for member in self._purchase.members if member.found)
        lost = len(self._purchase.members) - len(known)
        self._purchase = replace(self._purchase, members=known)
        self._show(f"{sentence} {count(lost, 'carte')} à scanner à nouveau.")

    def _loaded(self, members: list[Member]) -> None:
        added = [member for member in members if member.code not in self._purchase]
        for member in added:
            self._purchase = self._purchase.with_member(member)
        self._show(f"{count(len(added), 'carte')} du fichier.")
        self._look_up([member.code for member in added])

    def _sold(self, intents: list[Intent], sentence: str) -> None:
        self._intents = intents
        if any(not intent.settled for intent in intents):
            self.app.lost_service(intents[-1].problem)
        self.app.outbox_changed()
        if not intents:
            self._go(Stage.GATHERING, sentence)
            return
        told = [outcome(intent).headline for intent in intents]
        self._go(Stage.DONE, "\n".join([*told, sentence]).strip())

    # What is on the screen.

    def _open_for_changes(self) -> bool:
        """Whether the group may be changed; the clerk is told when it may not."""
        if self._stage is Stage.DONE:
            self._remark("Cet achat est fait : F8 pour un nouveau groupe.")
        elif self._stage is Stage.CONFIRMING:
            self._go(Stage.GATHERING)
        return self._stage is Stage.GATHERING

    def _change(self, **what: object) -> None:
        self._purchase = replace(self._purchase, **what)  # type: ignore[arg-type]
        self._show()

    def _go(self, stage: Stage, remark: str = "") -> None:
        self._stage = stage
        self._show(remark)

    def _results(self) -> list[Row]:
        return [*self._purchase.turned_away(), *chain.from_iterable(rows(intent) for intent in self._intents)]

    def _show(self, remark: str = "") -> None:
        self.query_one("#group-prompt", Static).update(Text(self._prompt()))
        self.query_one("#group-basket", Static).update(self._basket())
        table = self.query_one(DataTable)
        table.clear(columns=True)
        done = self._stage is Stage.DONE
        table.add_columns("Élève", *(("Débité", "Reste") if done else ("À débiter", "Disponible")), "État")
        if done:
            for row in self._results():
                state = f"{'✔' if row.accepted else '✖'} {row.state}{f' : {row.reason}' if row.reason else ''}"
                table.add_row(row.student, _money(row.debited_cents), _money(row.left_cents), state)
        else:
            for member in self._purchase.members:
                table.add_row(*self._row(member))
            table.move_cursor(row=table.row_count - 1)
        self._remark(remark)

    def _row(self, member: Member) -> tuple[str, str, str, str]:
        taken = self._purchase.basket_of(member)
        amount = euros(taken.total_cents)
        match member.found:
            case None:
                return member.name, amount, "", "lecture…"
            case Refusal() as refusal:
                return member.name, "", "", f"✖ {refusal.sentence}"
            case scan:
                lookup = scan.lookup
        if lookup is None:
            return member.name, amount, "", ""
        available = sum(benefit.available_cents for benefit in lookup.benefits)
        lacking = taken.shortfall(lookup)
        return member.name, amount, euros(available), f"✖ {lacking}" if lacking else "✔ suffisant"

    def _prompt(self) -> str:
        match self._stage:
            case Stage.GATHERING if self._purchase.members and self._purchase.common:
                return f"Entrée : {self._purchase.question()}"
            case Stage.GATHERING:
                return "Scannez les cartes du groupe, et les manuels"
            case Stage.CONFIRMING:
                return f"{self._purchase.question()}  Entrée : oui   Échap : non"
            case Stage.BUSY:
                return "Envoi de l’achat groupé…"
            case Stage.DONE:
                return "Achat groupé envoyé. F7 : exporter   F8 : nouveau groupe"

    def _basket(self) -> Group:
        parts: list[Text | Table] = [Text("Pour chacun", "bold")]
        lines = Table(box=None, show_header=False, padding=(0, 1, 0, 0), expand=True)
        lines.add_column(ratio=1)
        lines.add_column(justify="right")
        for line in self._purchase.common:
            lines.add_row(line.product.title, euros(line.price_cents))
        parts.append(lines if self._purchase.common else Text("aucun manuel", "dim"))
        parts += [
            Text(""),
            Text(f"{count(len(self._purchase.members), 'élève')}, {euros(self._purchase.total_cents)} en tout", "bold"),
            Text(f"Mode : {MODES[self._purchase.mode]}"),
        ]
        return Group(*parts)

    def _remark(self, sentence: str) -> None:
        self.query_one("#group-remark", Static).update(Text(sentence))


def _money(cents: int | None) -> str:
    return "" if cents is None else euros(cents)
