"""A group purchase while it is being put together: kept in Redis for a day, and worth nothing to anybody else."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID, uuid4

from redis import Redis

from ledger.group_purchases import MOST_LINES, MOST_STUDENTS

KEPT_S = 86_400
NOTE_KEPT_S = 600


@dataclass
class Draft:
    """Which students, by their cards, and which licences; each student takes all of them but those in `without`."""

    key: UUID
    partner_id: int
    label: str = ""
    cards: list[int] = field(default_factory=list)
    eans: list[str] = field(default_factory=list)
    without: dict[int, list[str]] = field(default_factory=dict)

    def add_cards(self, cards: Iterable[int]) -> int:
        """Add students who are not there yet, up to the limit; how many that were."""
        new = [card for card in dict.fromkeys(cards) if card not in set(self.cards)]
        taken = new[: MOST_STUDENTS - len(self.cards)]
        self.cards += taken
        return len(taken)

    def remove_card(self, card: int) -> None:
        """Take a student out."""
        self.cards = [one for one in self.cards if one != card]
        self.without.pop(card, None)

    def add_ean(self, ean: str) -> bool:
        """Add a licence for every student; False when it is there already, or there is no room for more."""
        if ean in self.eans or len(self.eans) == MOST_LINES:
            return False
        self.eans.append(ean)
        return True

    def remove_ean(self, ean: str) -> None:
        """Take a licence out."""
        self.eans = [one for one in self.eans if one != ean]
        self.choose({card: [one for one in left_out if one != ean] for card, left_out in self.without.items()})

    def choose(self, without: dict[int, list[str]]) -> None:
        """Set what these students do not take."""
        known = set(self.cards)
        self.without |= {card: left_out for card, left_out in without.items() if card in known}
        self.without = {card: left_out for card, left_out in self.without.items() if left_out}

    def takes(self, card: int, ean: str) -> bool:
        """Whether a student takes a licence."""
        return ean not in self.without.get(card, ())

    @property
    def digest(self) -> str:
        """Changes whenever anything in it does: what is carried out is what was looked at."""
        return hashlib.sha256(_written(self)).hexdigest()[:16]


class Drafts:
    """The drafts of one partner."""

    def __init__(self, redis: Redis, partner_id: int) -> None:
        self.redis = redis
        self.partner_id = partner_id

    def begin(self, **filled: Any) -> Draft:
        """A new draft."""
        draft = Draft(uuid4(), self.partner_id, **filled)
        self.redis.set(self._name(draft.key), _written(draft), ex=KEPT_S)
        return draft

    def get(self, key: UUID) -> Draft | None:
        """The draft of this key, if it is still kept."""
        raw = self.redis.get(self._name(key))
        return None if raw is None else _read(raw)  # type: ignore[arg-type]

    def change(self, key: UUID, change: Callable[[Draft], None]) -> Draft | None:
        """Change a draft, whoever changes it at the same time; None when it is not kept any more."""
        name = self._name(key)
        changed: list[Draft] = []

        def once(pipe: Any) -> None:
            raw = pipe.get(name)
            changed.clear()
            pipe.multi()
            if raw is not None:
                draft = _read(raw)
                change(draft)
                pipe.set(name, _written(draft), ex=KEPT_S)
                changed.append(draft)

        self.redis.transaction(once, name)
        return changed[0] if changed else None

    def drop(self, key: UUID) -> None:
        """Forget a draft."""
        self.redis.delete(self._name(key))

    def note(self, key: UUID, words: str) -> None:
        """Keep what is to be said once, on the page that comes next."""
        self.redis.set(f"{self._name(key)}:note", words, ex=NOTE_KEPT_S)

    def noted(self, key: UUID) -> str | None:
        """What was noted, once."""
        raw = self.redis.getdel(f"{self._name(key)}:note")
        return None if raw is None else raw.decode()  # type: ignore[union-attr]

    def _name(self, key: UUID) -> str:
        return f"atouts:group-draft:{self.partner_id}:{key}"


def _written(draft: Draft) -> bytes:
    return json.dumps(asdict(draft) | {"key": str(draft.key)}, sort_keys=True).encode()


def _read(raw: bytes) -> Draft:
    said = json.loads(raw)
    without = {int(card): left_out for card, left_out in said["without"].items()}
    return Draft(**(said | {"key": UUID(said["key"]), "without": without}))
