"""What the clerk decided and the service has not answered yet, kept so that no crash, power cut or dead network loses
it or does it twice.

One file per intent, written and made lasting before anything is sent. Its key is made once, when the clerk decides, and
is what tells the service that two arrivals are one sale. An intent leaves `waiting/` only with the service's answer in
hand, for `accepted/` or `refused/`; or for `withdrawn/`, when it certainly never left this computer.
"""

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pos_client import durable, locks
from pos_client.refusals import Refusal

KEPT_AFTER_SETTLING = timedelta(days=30)
"""Settled intents name students; the service keeps the sales themselves, this computer need not."""


class State(StrEnum):
    """How far an intent has come."""

    WAITING = "waiting"
    """It certainly did not reach the service."""
    SENDING = "sending"
    """It was sent, perhaps received, and no answer is known: only the service can say what became of it."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """The clerk gave it up before it was ever sent."""


SETTLED = (State.ACCEPTED, State.REFUSED, State.WITHDRAWN)
FOLDERS = (State.WAITING, *SETTLED)
"""A folder for each settled state, and one for what is not settled, sent or not."""


class Kind(StrEnum):
    """What the clerk decided to do."""

    SALE = "sale"
    GROUP = "group"
    CANCELLATION = "cancellation"


class OutboxUnusable(Exception):
    """The folder cannot be written, so nothing may be sent; the message is the sentence for the clerk."""


class NotWithdrawable(Exception):
    """The intent may have reached the service; the message is the sentence for the clerk."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One decision of the clerk, and what is known of it."""

    kind: Kind
    path: str
    """Where it is posted, below the API's root."""
    body: dict[str, Any]
    """What is posted, the same at every attempt."""
    terminal_id: str
    """The till it was decided at; its key means nothing under another till's secret."""
    students: list[str]
    """Whom it is about, for people, in the order of the body: "Léa M., 2de 4"."""
    title: str
    """What it is about, for people: "Mathématiques 2de"."""
    amount_cents: int
    """What it would debit; 0 for a cancellation."""
    key: uuid.UUID = field(default_factory=uuid.uuid4)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    state: State = State.WAITING
    attempts: int = 0
    problem: str = ""
    """Why the last attempt brought no answer, in a sentence."""
    answer: dict[str, Any] | None = None
    """The service's JSON object, once accepted."""
    refusal: Refusal | None = None

    @property
    def settled(self) -> bool:
        return self.state in SETTLED

    @property
    def file_name(self) -> str:
        # The instant first, so that names sort by age.
        return f"{self.created_at:%Y%m%dT%H%M%S%f}Z-{self.key}.json"


class Outbox:
    """The intents of one till, in a folder. Any number of processes may use one folder at once."""

    def __init__(self, folder: Path) -> None:
        """Open the folder, making it where needed. Raises OutboxUnusable."""
        self.folder = folder
        try:
            for place in (*FOLDERS, "locks"):
                durable.make_folder(folder / place)
            self._finish_interrupted()
        except OSError as error:
            raise _unusable(folder) from error

    def put(self, intent: Intent) -> None:
        """Keep the intent as it now is; on return it is safe from a power cut. Raises OutboxUnusable."""
        try:
            durable.write_json(self._place(intent), _to_json(intent))
            if intent.settled:
                self._clear_waiting(intent.file_name)
        except OSError as error:
            raise _unusable(self.folder) from error

    def current(self, intent: Intent) -> Intent:
        """The same intent as the folder now has it; another process may have brought it further."""
        # It may move from the middle one to the others while they are looked through.
        for state in (*SETTLED, State.WAITING, *SETTLED):
            try:
                return _read(self.folder / state / intent.file_name)
            except FileNotFoundError:
                continue
        raise LookupError(f"no intent {intent.key} in {self.folder}")

    def unsettled(self) -> list[Intent]:
        """What waits for an answer, the oldest first."""
        return list(self._readable(State.WAITING))

    def settled(self, state: State, limit: int = 50) -> list[Intent]:
        """What was accepted, refused or withdrawn lately, the newest first."""
        return list(self._readable(state, newest=limit))[::-1]

    def find(self, key: str) -> Intent | None:
        """The intent whose key begins so; None when there is none, or more than one."""
        wanted = [path for path in self._files(*FOLDERS) if _key_of(path).startswith(key.lower())]
        return _read(wanted[0]) if key and len(wanted) == 1 else None

    def damaged(self) -> list[Path]:
        """Waiting files that cannot be read any more: what they asked for must be looked up in the partner space."""
        return [path for path in self._files(State.WAITING) if _read_if_whole(path) is None]

    @contextlib.contextmanager
    def lock(self, intent: Intent, wait_seconds: float = 0.0) -> Iterator[bool]:
        """The right to send this intent, for one process at a time; gives False when another has it.

        Raises OutboxUnusable.
        """
        with contextlib.ExitStack() as held:
            try:
                mine = held.enter_context(locks.held(self.folder / "locks" / str(intent.key), wait_seconds))
            except OSError as error:
                raise _unusable(self.folder) from error
            yield mine

    def withdraw(self, intent: Intent) -> Intent:
        """Give up an intent that never left this computer. Raises NotWithdrawable, OutboxUnusable."""
        with self.lock(intent) as mine:
            now = self.current(intent)
            if not mine or now.state is not State.WAITING:
                raise NotWithdrawable(
                    "Cette vente est peut-être déjà arrivée au service : elle ne peut plus être retirée ici. "
                    "Attendez la réponse, puis annulez-la si besoin."
                )
            withdrawn = replace(now, state=State.WITHDRAWN, body=without_codes(now.body))
            self.put(withdrawn)
            return withdrawn

    def forget_settled(self, older_than: timedelta = KEPT_AFTER_SETTLING) -> int:
        """Delete settled intents decided longer ago than that; how many there were."""
        limit = f"{datetime.now(UTC) - older_than:%Y%m%dT%H%M%S}"
        old = [path for path in self._files(*SETTLED) if path.name < limit]
        for path in old:
            with contextlib.suppress(OSError):  # the next start tries again
                path.unlink()
        return len(old)

    def _place(self, intent: Intent) -> Path:
        return self.folder / (intent.state if intent.settled else State.WAITING) / intent.file_name

    def _clear_waiting(self, name: str) -> None:
        waiting = self.folder / State.WAITING / name
        waiting.unlink(missing_ok=True)
        # Whoever waits for the lock meanwhile finds the intent settled when it gets it. Windows removes no open file.
        with contextlib.suppress(OSError):
            (self.folder / "locks" / _key_of(waiting)).unlink(missing_ok=True)

    def _finish_interrupted(self) -> None:
        """Complete what a crash cut between an intent's settling and its leaving `waiting/`; drop unfinished drafts."""
        settled = {path.name for path in self._files(*SETTLED)}
        for path in self._files(State.WAITING):
            if path.name in settled:
                self._clear_waiting(path.name)
        hour_ago = datetime.now(UTC).timestamp() - 3600
        for draft in self.folder.glob("*/.*.draft"):
            with contextlib.suppress(FileNotFoundError):
                if draft.stat().st_mtime < hour_ago:
                    draft.unlink()

    def _files(self, *states: State) -> list[Path]:
        found = [path for state in states for path in (self.folder / state).glob("[!.]*.json")]
        return sorted(found, key=lambda path: path.name)

    def _readable(self, state: State, newest: int = 0) -> Iterator[Intent]:
        # The last none of a list are, in Python, all of it.
        for path in self._files(state)[-newest:]:
            intent = _read_if_whole(path)
            if intent is not None:
                yield intent


def without_codes(body: dict[str, Any]) -> dict[str, Any]:
    """A request without the cards it was made with: once it is settled nobody needs them."""
    kept = {name: value for name, value in body.items() if name not in ("code", "lookup_token")}
    if "sales" in kept:
        kept["sales"] = [without_codes(sale) for sale in kept["sales"]]
    return kept


def _key_of(path: Path) -> str:
    return path.stem.partition("-")[2]


def _read_if_whole(path: Path) -> Intent | None:
    """The intent, or None when another process just settled it or its file is damaged (`Outbox.damaged` tells that)."""
    try:
        return _read(path)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read(path: Path) -> Intent:
    data = durable.read_json(path)
    refusal = data["refusal"]
    return Intent(
        kind=Kind(data["kind"]),
        path=data["path"],
        body=data["body"],
        terminal_id=data["terminal_id"],
        students=data["students"],
        title=data["title"],
        amount_cents=data["amount_cents"],
        key=uuid.UUID(data["key"]),
        created_at=datetime.fromisoformat(data["created_at"]),
        state=State(data["state"]),
        attempts=data["attempts"],
        problem=data["problem"],
        answer=data["answer"],
        refusal=Refusal(**refusal) if refusal else None,
    )


def _to_json(intent: Intent) -> dict[str, Any]:
    return {**asdict(intent), "key": str(intent.key), "created_at": intent.created_at.isoformat()}


def _unusable(folder: Path) -> OutboxUnusable:
    return OutboxUnusable(
        f"Rien n’a été envoyé : la caisse ne peut pas écrire dans {folder} (disque plein, ou dossier protégé)."
    )
