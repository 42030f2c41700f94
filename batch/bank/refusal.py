"""How a file that cannot be trusted is refused."""

from __future__ import annotations


class BankFileRefused(ValueError):
    """A file that says nothing we may act on. The text is one French sentence for the accountant.

    `line` and `element` tell where, as far as is known; `place` names the statement and entry, which helps more when
    the bank writes its file as one endless line.
    """

    def __init__(self, fault: str, *, line: int | None = None, element: str | None = None) -> None:
        super().__init__(fault)
        self.fault = fault
        self.line = line
        self.element = element
        self.place: str | None = None

    def __str__(self) -> str:
        where = [
            *([f"ligne {self.line}"] if self.line else []),
            *([self.place] if self.place else []),
            *([f"élément {self.element}"] if self.element else []),
        ]
        return f"Fichier refusé ({', '.join(where)}) : {self.fault}" if where else f"Fichier refusé : {self.fault}"
