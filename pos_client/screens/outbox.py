"""The outbox on the screen: what waits for an answer, what was refused, what was accepted, each apart."""

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import DataTable, Static

from pos_client.french import short_moment
from pos_client.outbox import Intent, NotWithdrawable, OutboxUnusable, State
from pos_client.outcomes import about, state_word
from pos_client.screens.pane import Pane

LISTS = {"waiting": "En attente de réponse", "refused": "Refusées", "accepted": "Acceptées"}


class OutboxPane(Pane):
    """Three lists; the one that waits has the keyboard."""

    BINDINGS = [  # noqa: RUF012 - as Textual declares them
        Binding("f5", "send", "Renvoyer"),
        Binding("delete", "withdraw", "Retirer"),
    ]

    def compose(self) -> ComposeResult:
        """The lists, each under its title."""
        for name in LISTS:
            yield Static(id=f"{name}-title", classes="list-title")
            yield DataTable(id=f"{name}-list", cursor_type="row", zebra_stripes=True)
        yield Static(id="outbox-remark")

    def on_mount(self) -> None:
        """Name the columns."""
        for table in self.query(DataTable):
            table.add_columns("Le", "État", "Vente")
        self.refresh_lists()

    def activate(self) -> None:
        """Take the keyboard."""
        self.query_one("#waiting-list").focus()

    def refresh_lists(self) -> None:
        """Show the outbox as it now is."""
        outbox = self._till.outbox
        self._fill("waiting", outbox.unsettled())
        self._fill("refused", outbox.settled(State.REFUSED, limit=20))
        self._fill("accepted", outbox.settled(State.ACCEPTED, limit=20))
        damaged = ", ".join(file.name for file in outbox.damaged())
        remark = f"Fichiers illisibles, à vérifier dans l’espace partenaire : {damaged}" if damaged else ""
        self.query_one("#outbox-remark", Static).update(Text(remark))

    def action_send(self) -> None:
        """Send again now."""
        self.app.send_waiting()

    def action_withdraw(self) -> None:
        """Give up the chosen intent, if it certainly never left."""
        waiting = self._till.outbox.unsettled()
        row = self.query_one("#waiting-list", DataTable).cursor_row
        if not 0 <= row < len(waiting):
            return
        try:
            withdrawn = self._till.outbox.withdraw(waiting[row])
        except (NotWithdrawable, OutboxUnusable) as refusal:
            self.app.notify(str(refusal), severity="error", timeout=12)
        else:
            self.app.notify(f"{about(withdrawn)} : retirée, rien n’est débité.")
        self.app.outbox_changed()

    def _fill(self, name: str, intents: list[Intent]) -> None:
        self.query_one(f"#{name}-title", Static).update(Text(f"{LISTS[name]} : {len(intents)}"))
        table = self.query_one(f"#{name}-list", DataTable)
        table.clear()
        for intent in intents:
            reason = intent.refusal.sentence if intent.refusal else intent.problem
            state = f"{state_word(intent)} : {reason}" if reason else state_word(intent)
            table.add_row(short_moment(intent.created_at), state, about(intent))
