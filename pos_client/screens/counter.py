"""The counter: one student after the other. Scan the card, scan the books, Enter; the next card is the next sale."""

from enum import Enum, auto

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Digits, Static

from pos_client.answers import Sale
from pos_client.api import NoAnswer
from pos_client.basket import EMPTY, Basket
from pos_client.french import day_of_year, euros
from pos_client.outbox import Intent, Kind, OutboxUnusable, State
from pos_client.outcomes import Outcome, Tone, outcome
from pos_client.refusals import Refusal
from pos_client.screens.pane import Pane
from pos_client.screens.scan_field import ScanField
from pos_client.till import TELEPHONE_OFFLINE, CannotWait, Scan, Till

MARKS = {Tone.GOOD: "✔", Tone.BAD: "✖", Tone.WAITING: "…"}


class Stage(Enum):
    """Where the counter is with a student."""

    READY = auto()
    """Nobody is at the counter."""
    STUDENT = auto()
    """The student is known and chooses."""
    BUSY = auto()
    """The service was asked and has not answered."""
    TOLD = auto()
    """The outcome is on the screen."""
    UNDOING = auto()
    """The clerk is asked whether to cancel the last sale."""


class CounterPane(Pane):
    """The counter's screen."""

    BINDINGS = [  # noqa: RUF012 - as Textual declares them
        Binding("escape", "abandon", "Abandonner"),
        Binding("f5", "keep_basket", "Garder panier"),
        Binding("f6", "remove_last", "Retirer"),
        Binding("f9", "undo", "Annuler vente"),
    ]

    def __init__(self, till: Till, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(till, id=id)
        self._stage = Stage.READY
        self._scan: Scan | None = None
        self._basket = EMPTY
        self._keeping = False
        self._last_sale: Intent | None = None

    def compose(self) -> ComposeResult:
        """The prompt, the field, and below them the student with the basket or the outcome."""
        yield Static(id="prompt")
        yield ScanField(self._till, placeholder="Carte, ISBN ou mots du titre")
        yield Static(id="remark")
        with Horizontal(id="sale"):
            yield Static(id="student", classes="panel")
            yield Static(id="basket", classes="panel")
        with Vertical(id="outcome"):
            yield Static(id="headline")
            yield Horizontal(id="amounts")
            yield Static(id="told")

    def on_mount(self) -> None:
        """Show the empty counter."""
        self._show()

    def activate(self) -> None:
        """Take the keyboard."""
        self.query_one(ScanField).focus_field()

    # What the field says.

    @on(ScanField.CardRead)
    def _card(self, event: ScanField.CardRead) -> None:
        if self._stage is Stage.BUSY:
            self._remark("Attendez la réponse du service, puis scannez à nouveau.")
            return
        given_up = self._scan if self._stage is Stage.STUDENT and self._basket and not self._keeping else None
        if given_up and given_up.code != event.code:
            # The books were chosen by the student before: the next one must not pay for them.
            self._basket = EMPTY
            self.app.notify(f"Vente de {given_up.student} abandonnée : rien n’a été débité.", severity="warning")
        elif self._stage is not Stage.STUDENT and not self._keeping:
            self._basket = EMPTY
        self._go(Stage.BUSY, "Lecture de la carte…")
        self._look_up(event)

    @on(ScanField.ProductChosen)
    def _product(self, event: ScanField.ProductChosen) -> None:
        if self._stage is Stage.BUSY:
            return
        if self._stage in (Stage.TOLD, Stage.UNDOING):
            self._clear()
        if event.product in self._basket:
            self._remark(f"« {event.product.title} » est déjà dans le panier.")
            return
        self._basket = self._basket.with_product(event.product)
        self._show()

    @on(ScanField.Confirmed)
    def _confirmed(self) -> None:
        match self._stage:
            case Stage.STUDENT if self._basket and self._scan:
                self._go(Stage.BUSY, "Envoi de la vente…")
                self._sell(self._scan, self._basket)
            case Stage.STUDENT:
                self._remark("Le panier est vide : scannez ou cherchez un manuel.")
            case Stage.READY if self._basket:
                self._remark("Scannez la carte de l’élève.")
            case Stage.TOLD:
                self._clear()
            case Stage.UNDOING if self._last_sale:
                self._go(Stage.BUSY, "Envoi de l’annulation…")
                self._cancel(self._last_sale)
            case _:
                pass

    @on(ScanField.Puzzled)
    def _puzzled(self, event: ScanField.Puzzled) -> None:
        self._remark(event.sentence)

    @on(ScanField.FileGiven)
    def _file(self) -> None:
        self._remark("Un fichier se charge dans l’écran Groupe (F2).")

    # What the keys do.

    def action_abandon(self) -> None:
        """Let the student go; nothing is debited."""
        if self._stage is not Stage.BUSY:
            self._clear()

    def action_keep_basket(self) -> None:
        """Keep the basket for the students who follow, who all take the same, or stop keeping it."""
        self._keeping = not self._keeping
        self._show()

    def action_remove_last(self) -> None:
        """Take the last product out of the basket."""
        if self._stage in (Stage.READY, Stage.STUDENT):
            self._basket = self._basket.without_last()
            self._show()

    def action_undo(self) -> None:
        """Ask whether the last sale is to be cancelled."""
        if self._stage is Stage.BUSY:
            return
        if self._last_sale is None:
            self._remark("Aucune vente à annuler depuis l’ouverture de la caisse.")
            return
        self._go(Stage.UNDOING)

    # What takes time.

    @work(thread=True)
    def _look_up(self, event: ScanField.CardRead) -> None:
        try:
            found = self._till.look_up(event.code)
        except NoAnswer as failure:
            self.app.call_from_thread(self._looked_up_offline, Scan(event.code, None), failure)
        else:
            self.app.call_from_thread(self._looked_up, found)

    @work(thread=True)
    def _sell(self, scan: Scan, basket: Basket) -> None:
        try:
            intent = self._till.sell(scan, basket)
        except (CannotWait, OutboxUnusable) as refusal:
            self.app.call_from_thread(self._told, Outcome(Tone.BAD, "RIEN N’EST DÉBITÉ", (str(refusal),)))
        else:
            self.app.call_from_thread(self._answered, intent)

    @work(thread=True)
    def _cancel(self, sold: Intent) -> None:
        try:
            intent = self._till.cancel(str((sold.answer or {})["sale_id"]), sold.students[0])
        except OutboxUnusable as refusal:
            self.app.call_from_thread(self._told, Outcome(Tone.BAD, "RIEN N’EST ANNULÉ", (str(refusal),)))
        else:
            self.app.call_from_thread(self._answered, intent)

    def _looked_up(self, found: Scan | Refusal) -> None:
        self.app.heard_from_service()
        if isinstance(found, Refusal):
            self._told(Outcome(Tone.BAD, "CARTE REFUSÉE : RIEN N’EST DÉBITÉ", (found.sentence,)))
            return
        self._scan = found
        self._go(Stage.STUDENT)

    def _looked_up_offline(self, scan: Scan, failure: NoAnswer) -> None:
        self.app.lost_service(str(failure))
        if scan.code.on_telephone:
            self._told(Outcome(Tone.BAD, "RIEN N’EST DÉBITÉ", (TELEPHONE_OFFLINE,)))
            return
        self._scan = scan
        self._go(Stage.STUDENT)

    def _answered(self, intent: Intent) -> None:
        if intent.settled:
            self.app.heard_from_service()
        else:
            self.app.lost_service(intent.problem)
        self.app.outbox_changed()
        sold = intent.kind is Kind.SALE and intent.state is State.ACCEPTED
        if sold or intent.kind is Kind.CANCELLATION:
            self._last_sale = intent if sold else None
        self._told(outcome(intent), intent if sold else None)

    def _told(self, told: Outcome, sold: Intent | None = None) -> None:
        self._scan = None
        if not self._keeping:
            self._basket = EMPTY
        self._show_outcome(told, sold)
        self._go(Stage.TOLD)

    # What is on the screen.

    def _clear(self) -> None:
        self._scan = None
        if not self._keeping:
            self._basket = EMPTY
        self._go(Stage.READY)

    def _go(self, stage: Stage, remark: str = "") -> None:
        self._stage = stage
        self._show(remark)

    def _show(self, remark: str = "") -> None:
        told = self._stage is Stage.TOLD
        self.query_one("#sale").set_class(told, "hidden")
        self.query_one("#outcome").set_class(not told, "hidden")
        self.query_one("#prompt", Static).update(self._prompt())
        self.query_one("#student", Static).update(self._student())
        self.query_one("#basket", Static).update(self._basket_table())
        self._remark(remark)

    def _prompt(self) -> str:
        match self._stage:
            case Stage.READY:
                return "Scannez la carte de l’élève"
            case Stage.STUDENT if self._basket:
                return f"Entrée : débiter {euros(self._basket.total_cents)}"
            case Stage.STUDENT:
                return "Scannez un manuel, ou tapez les mots de son titre"
            case Stage.BUSY:
                return "Un instant…"
            case Stage.TOLD:
                return "Scannez la carte suivante"
            case Stage.UNDOING if self._last_sale:
                sold = self._last_sale
                return f"Annuler {euros(sold.amount_cents)} à {sold.students[0]} ?  Entrée : oui   Échap : non"
        return ""

    def _student(self) -> Group | Text:
        if self._scan is None:
            return Text("1  la carte de l’élève\n2  ses manuels\n3  Entrée", "dim")
        parts = [Text(self._scan.student, "bold")]
        if self._scan.lookup is None:
            parts.append(Text("Hors ligne : ni nom ni solde. La vente attendra la réponse du service.", "italic"))
            return Group(*parts)
        balances = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for benefit in self._scan.lookup.benefits:
            balances.add_row(benefit.label, Text(euros(benefit.available_cents), "bold", justify="right"))
            balances.add_row(Text(f"jusqu’au {day_of_year(benefit.usable_until)}", "dim"), "")
        return Group(*parts, Text(""), balances)

    def _basket_table(self) -> Group:
        kept = "  (gardé pour le suivant)" if self._keeping else ""
        parts: list[Text | Table] = [Text(f"Panier{kept}", "bold")]
        if not self._basket:
            return Group(*parts, Text("vide", "dim"))
        lines = Table(box=None, show_header=False, padding=(0, 2, 0, 0), expand=True)
        lines.add_column(ratio=1)
        lines.add_column(justify="right")
        for line in self._basket:
            lines.add_row(line.product.title, euros(line.price_cents))
        lines.add_row(Text("Total", "bold"), Text(euros(self._basket.total_cents), "bold"))
        parts.append(lines)
        lacking = self._basket.shortfall(self._scan.lookup) if self._scan and self._scan.lookup else None
        if lacking:
            parts.append(Text(f"✖ {lacking}", "bold red"))
        return Group(*parts)

    def _show_outcome(self, told: Outcome, sold: Intent | None) -> None:
        panel = self.query_one("#outcome")
        panel.remove_class(*(str(tone) for tone in Tone))
        panel.add_class(str(told.tone))
        self.query_one("#headline", Static).update(Text(f"{MARKS[told.tone]} {told.headline}"))
        amounts = self.query_one("#amounts")
        amounts.remove_children()
        lines = told.lines
        if sold and sold.answer:
            sale = Sale.read(sold.answer)
            amounts.mount(_amount("DÉBITÉ", sale.debited_cents))
            for balance in sale.balances:
                until = day_of_year(balance.usable_until).upper()
                amounts.mount(_amount(f"RESTE, {balance.label}", balance.balance_cents, f"UTILISABLE JUSQU’AU {until}"))
            lines = (*sold.students, sold.title)
        if told.tone is not Tone.GOOD and self.app.assistance:
            lines = (*lines, self.app.assistance)
        self.query_one("#told", Static).update(Text("\n".join(line for line in lines if line)))

    def _remark(self, sentence: str) -> None:
        self.query_one("#remark", Static).update(Text(sentence))


def _amount(title: str, cents: int, below: str = "") -> Vertical:
    return Vertical(Static(Text(title)), Digits(euros(cents)), Static(Text(below, "bold")), classes="amount")
