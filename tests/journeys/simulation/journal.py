"""What a till knows for certain: what it was about to ask, and what it was answered, on disk before it goes on."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["sale", "group", "cancellation"]


@dataclass(frozen=True)
class Intent:
    """One request under a key: sales as card and `(ean, price)` lines, or a cancellation's sale and line numbers."""

    key: str
    kind: Kind
    sales: list[tuple[int, list[tuple[int, int]]]] = field(default_factory=list)
    all_or_nothing: bool = False
    sale_id: int = 0
    lines: list[int] = field(default_factory=list)


@dataclass
class Journal:
    """The intents of one till, and its answers by key; read back after the till was killed."""

    path: Path
    intents: dict[str, Intent] = field(default_factory=dict)
    answers: dict[str, list[Any]] = field(default_factory=dict)
    """Every answer that came, in order: the first one, and those of the replays."""

    def __post_init__(self) -> None:
        if not self.path.exists():
            return
        *whole, torn = self.path.read_text().split("\n")
        for line in whole:
            entry = json.loads(line)
            if "intent" in entry:
                intent = Intent(**entry["intent"])
                self.intents[intent.key] = intent
            else:
                self.answers.setdefault(entry["key"], []).append(entry["answer"])
        # Killed while it wrote: what was not written whole was neither sent nor taken for an answer.
        if torn:
            self.path.write_text("".join(f"{line}\n" for line in whole))

    def intend(self, intent: Intent) -> None:
        """Note what is about to be asked."""
        self.intents[intent.key] = intent
        self._write({"intent": asdict(intent)})

    def answered(self, key: str, answer: Any) -> None:
        """Note an answer."""
        self.answers.setdefault(key, []).append(answer)
        self._write({"key": key, "answer": answer})

    def unanswered(self) -> list[Intent]:
        """What was asked and never answered, or not heard."""
        return [intent for key, intent in self.intents.items() if key not in self.answers]

    def _write(self, entry: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
