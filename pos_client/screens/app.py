"""The till's application: the counter, the group purchase and the outbox, and what is common to them."""

from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.theme import Theme
from textual.widgets import ContentSwitcher, Footer, Static

from pos_client.answers import TerminalStatus
from pos_client.api import NoAnswer
from pos_client.french import count
from pos_client.outbox import Intent, OutboxUnusable, State
from pos_client.outcomes import about, state_word
from pos_client.refusals import Refusal
from pos_client.screens.counter import CounterPane
from pos_client.screens.group import GroupPane
from pos_client.screens.outbox import OutboxPane
from pos_client.screens.pane import Pane
from pos_client.till import Till

SEND_AGAIN_SECONDS = 15.0

THEME = Theme(
    name="atouts",
    dark=False,
    primary="#1b4f72",
    secondary="#5d6d7e",
    accent="#1b4f72",
    success="#1e6b3a",
    warning="#f4c542",
    error="#a32020",
    foreground="#17202a",
    background="#f7f8f9",
    surface="#ffffff",
    panel="#e8ecef",
)


class TillApp(App[None]):
    """The till on a screen, driven by the keyboard alone."""

    CSS_PATH = "till.tcss"
    TITLE = "Caisse Atouts Normandie"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [
        Binding("f1", "show('counter')", show=False),
        Binding("f2", "show('group')", show=False),
        Binding("f3", "show('outbox')", show=False),
        Binding("ctrl+q", "quit", "Quitter", priority=True),
    ]

    def __init__(self, till: Till) -> None:
        super().__init__()
        self.till = till
        self.assistance = ""
        """Whom the clerk may ask, once the service has said it."""
        self._away = ""
        self._refused_behind = 0
        self._told_once: set[str] = set()

    def compose(self) -> ComposeResult:
        """The head, the banner that shows while the service is away, the three screens, the keys."""
        with Horizontal(id="head"):
            yield Static(Text(f"Atouts Normandie  {self.till.identity.partner_name}"), id="where")
            yield Static(id="state")
        yield Static(id="tabs")
        yield Static(id="banner", classes="hidden")
        with ContentSwitcher(initial="counter", id="panes"):
            yield CounterPane(self.till, id="counter")
            yield GroupPane(self.till, id="group")
            yield OutboxPane(self.till, id="outbox")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin at the counter, and send what an earlier day left."""
        self.register_theme(THEME)
        self.theme = "atouts"
        self.action_show("counter")
        self._fetch_catalogue()
        self.send_waiting()
        self.set_interval(SEND_AGAIN_SECONDS, self._send_if_needed)

    def action_show(self, pane: str) -> None:
        """Go to one of the three screens."""
        self.query_one("#panes", ContentSwitcher).current = pane
        if pane == "outbox":
            self._refused_behind = 0
        self.outbox_changed()
        self.query_one(f"#{pane}", Pane).activate()

    def tell_once(self, sentence: str) -> None:
        """Tell something that is worth telling, but not at every scan."""
        if sentence not in self._told_once:
            self._told_once.add(sentence)
            self.notify(sentence, severity="warning", timeout=12)

    def heard_from_service(self) -> None:
        """The service has answered something."""
        self._away = ""
        self._show_state()

    def lost_service(self, sentence: str) -> None:
        """The service has not answered."""
        self._away = sentence or "Le service ne répond pas."
        self._show_state()

    def outbox_changed(self) -> None:
        """Show how many intents wait, wherever that is shown."""
        self._show_state()
        self.query_one(OutboxPane).refresh_lists()

    def _send_if_needed(self) -> None:
        if self._away or self.till.outbox.unsettled():
            self.send_waiting()

    @work(thread=True, group="sending")
    def send_waiting(self) -> None:
        """Send what waits, and find out whether the service is there."""
        try:
            status, sent = self.till.send_waiting()
        except (NoAnswer, OutboxUnusable) as failure:
            self.call_from_thread(self.lost_service, str(failure))
        else:
            self.call_from_thread(self._sent, status, sent)

    def _sent(self, status: TerminalStatus | Refusal, sent: list[Intent]) -> None:
        if isinstance(status, Refusal):
            self.lost_service(status.sentence)
        else:
            self.assistance = status.assistance.sentence
            self.heard_from_service()
        for intent in sent:
            if intent.state is State.REFUSED:
                self._refused_behind += 1
            if intent.settled:
                reason = f" : {intent.refusal.sentence}" if intent.refusal else ""
                severity = "error" if intent.refusal else "information"
                self.notify(f"{about(intent)} : {state_word(intent)}{reason}", severity=severity, timeout=20)  # type: ignore[arg-type]
        self.outbox_changed()

    @work(thread=True)
    def _fetch_catalogue(self) -> None:
        try:
            self.till.catalogue.refresh(self.till.api)
        except NoAnswer as failure:
            self.call_from_thread(self.lost_service, str(failure))

    def _show_state(self) -> None:
        waiting = len(self.till.outbox.unsettled())
        state = self.query_one("#state", Static)
        state.update(Text("○ HORS LIGNE" if self._away else "● en ligne"))
        state.set_class(bool(self._away), "away")
        banner = self.query_one("#banner", Static)
        banner.set_class(not self._away, "hidden")
        banner.update(Text(f"HORS LIGNE : rien n’est débité sans réponse du service. {self._away}"))
        self.query_one("#tabs", Static).update(self._tabs(waiting))

    def _tabs(self, waiting: int) -> Text:
        current = self.query_one("#panes", ContentSwitcher).current
        refused = f", {count(self._refused_behind, 'refusée')}" if self._refused_behind else ""
        titles = {
            "counter": "F1 Comptoir",
            "group": "F2 Groupe",
            "outbox": f"F3 En attente : {waiting}{refused}",
        }
        parts = [Text(f" {title} ", "bold reverse" if pane == current else "") for pane, title in titles.items()]
        return Text("  ").join(parts)
