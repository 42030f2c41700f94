"""The one field where everything is typed or scanned: cards, books' numbers, words of a title, nothing for yes."""

import time
from typing import TYPE_CHECKING

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from pos_client.answers import Product
from pos_client.api import NoAnswer
from pos_client.codes import LENGTH, CardCode, NotACard, NotAnEan, looks_like_a_number, read_card, read_ean
from pos_client.french import euros
from pos_client.refusals import Refusal
from pos_client.till import Till

if TYPE_CHECKING:
    from pos_client.screens.app import TillApp

BOUNCE_SECONDS = 0.4
"""A scanner may end its text with two line ends, a finger may bounce: the second is no confirmation."""
SHORTEST_CARD = LENGTH - 8
"""What is at least so long, in one word, was meant as a card, even if it is misread."""


class ScanField(Vertical):
    """The field, and below it the products whose title has the words typed so far."""

    BINDINGS = [Binding("down", "to_suggestions", show=False)]  # noqa: RUF012 - as Textual declares them

    class CardRead(Message):
        """A card was scanned or typed."""

        def __init__(self, code: CardCode) -> None:
            super().__init__()
            self.code = code

    class ProductChosen(Message):
        """A product was scanned, or picked from the suggestions."""

        def __init__(self, product: Product) -> None:
            super().__init__()
            self.product = product

    class FileGiven(Message):
        """The path of a CSV file was typed, or dropped on the terminal."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    class Confirmed(Message):
        """The Enter key alone."""

    class Puzzled(Message):
        """What was typed means nothing here; the sentence says why."""

        def __init__(self, sentence: str) -> None:
            super().__init__()
            self.sentence = sentence

    app: "TillApp"

    def __init__(self, till: Till, *, placeholder: str, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._till = till
        self._placeholder = placeholder
        self._last_entry = 0.0

    def compose(self) -> ComposeResult:
        """The field and its suggestions."""
        yield Input(placeholder=self._placeholder, select_on_focus=False)
        yield OptionList(classes="hidden")

    def focus_field(self) -> None:
        """Make the field ready for the next scan."""
        self.query_one(Input).focus()

    def on_key(self, event: events.Key) -> None:
        """Take signs typed among the suggestions: a scanner does not mind the focus, and its Enter would pick one."""
        field = self.query_one(Input)
        if event.character and event.is_printable and self.screen.focused is not field:
            event.stop()
            self._clear()
            self.screen.set_focus(field)
            field.insert_text_at_cursor(event.character)

    @on(Input.Changed)
    def _suggest(self, event: Input.Changed) -> None:
        words = event.value.strip()
        # A code arriving sign by sign would make the list flicker.
        meant_as_words = 2 <= len(words) < SHORTEST_CARD or " " in words
        self._show(self._till.catalogue.search(words) if meant_as_words else [])

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        typed = event.value.strip()
        self._clear()
        bounced = time.monotonic() - self._last_entry < BOUNCE_SECONDS
        if typed:
            self._last_entry = time.monotonic()
            self._understand(typed)
        elif not bounced:
            self.post_message(self.Confirmed())

    def _understand(self, typed: str) -> None:
        if typed.strip("'\"").casefold().endswith(".csv"):
            self.post_message(self.FileGiven(typed.strip("'\"")))
            return
        if looks_like_a_number(typed):
            self._find_number(typed)
            return
        try:
            code = read_card(typed)
        except NotACard as refusal:
            if len("".join(typed.split())) >= SHORTEST_CARD and " " not in typed:
                self.post_message(self.Puzzled(str(refusal)))
            else:
                self._find_words(typed)
            return
        if code.scanner_layout_wrong:
            self.app.tell_once("Le lecteur est réglé pour un clavier américain : réglez-le en AZERTY français.")
        self.post_message(self.CardRead(code))

    def _find_words(self, words: str) -> None:
        found = self._till.catalogue.search(words)
        if len(found) == 1:
            self._choose(found[0])
        elif found:
            self._show(found)
            self.action_to_suggestions()
        else:
            self.post_message(self.Puzzled(f"Aucun manuel du catalogue ne répond à « {words} »."))

    def _find_number(self, typed: str) -> None:
        try:
            ean = read_ean(typed)
        except NotAnEan as refusal:
            self.post_message(self.Puzzled(str(refusal)))
            return
        known = self._till.catalogue.by_ean(ean)
        if known is not None:
            self._choose(known)
        else:
            self._ask_for(ean)

    @work(thread=True)
    def _ask_for(self, ean: str) -> None:
        try:
            product = self._till.product(ean)
        except NoAnswer as failure:
            self.post_message(self.Puzzled(f"{failure} Ce produit n’est pas dans la copie du catalogue."))
            return
        if isinstance(product, Product):
            self.app.call_from_thread(self._choose, product)
        elif isinstance(product, Refusal):
            self.post_message(self.Puzzled(product.sentence))
        else:
            self.post_message(self.Puzzled(f"Le produit {ean} n’est pas au catalogue de l’établissement."))

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        product = self._till.catalogue.by_ean(event.option.id or "")
        self._clear()
        self.focus_field()
        self._last_entry = time.monotonic()
        if product:
            self._choose(product)

    def _choose(self, product: Product) -> None:
        self.post_message(self.ProductChosen(product))

    def _clear(self) -> None:
        # Emptying the field would otherwise be told later, and take away the suggestions shown in between.
        with self.prevent(Input.Changed):
            self.query_one(Input).clear()
        self._show([])

    def _show(self, products: list[Product]) -> None:
        suggestions = self.query_one(OptionList)
        suggestions.clear_options()
        suggestions.add_options(
            Option(f"{product.title}  ({product.publisher})  {euros(product.real_cost_cents)}", id=product.ean)
            for product in products
        )
        suggestions.set_class(not products, "hidden")

    def action_to_suggestions(self) -> None:
        """Go down into the suggestions, where there are any."""
        suggestions = self.query_one(OptionList)
        if suggestions.option_count:
            suggestions.focus()
            suggestions.highlighted = 0
