"""What the three screens have in common."""

from typing import TYPE_CHECKING

from textual.containers import Vertical

from pos_client.till import Till

if TYPE_CHECKING:
    from pos_client.screens.app import TillApp


class Pane(Vertical):
    """One of the till's screens."""

    app: "TillApp"

    def __init__(self, till: Till, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._till = till

    def activate(self) -> None:
        """Take the keyboard, now that the screen is shown."""
        raise NotImplementedError
