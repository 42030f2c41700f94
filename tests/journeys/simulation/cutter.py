"""A network that is cut: a relay which breaks its connections when the answer is due, midway through it, or before."""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

Address = Path | int
"""A Unix socket, or a port of this machine."""


@dataclass
class Cutter:
    """Relays connections made to `front` to `back` and cuts each after a number of answers drawn from the seed."""

    front: Address
    back: Address
    seed: int
    longest: int
    """Answers after which every connection has been cut."""
    cuts: int = 0
    _connections: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def start(self) -> None:
        """Relay from now on, in a thread of its own."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop)
        Thread(target=self._loop.run_forever, daemon=True).start()

    def stop(self) -> None:
        """Relay no longer."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _listen(self) -> None:
        if isinstance(self.front, Path):
            await asyncio.start_unix_server(self._relay, self.front)
        else:
            await asyncio.start_server(self._relay, "127.0.0.1", self.front)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        fate = random.Random(f"{self.seed}/{self._connections}")
        try:
            if isinstance(self.back, Path):
                upstream = await asyncio.open_unix_connection(self.back)
            else:
                upstream = await asyncio.open_connection("127.0.0.1", self.back)
        except OSError:
            writer.transport.abort()
            return
        answers = fate.randint(3, self.longest)
        forward = self._until_closed(self._forward(reader, upstream[1]))
        backward = self._until_closed(self._backward(upstream[0], writer, answers, fate))
        await asyncio.wait([forward, backward], return_when=asyncio.FIRST_COMPLETED)
        for one in (writer, upstream[1]):
            one.transport.abort()

    def _until_closed(self, relaying: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        async def quietly() -> None:
            with contextlib.suppress(OSError):
                await relaying

        return asyncio.ensure_future(quietly())

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await reader.read(65536):
            writer.write(asked)
            await writer.drain()

    async def _backward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: int, fate: random.Random
    ) -> None:
        while answered := await reader.read(65536):
            answers -= 1
            if answers == 0:
                self.cuts += 1
                # Lost whole, or all but its beginning: either way it was worked out, and committed.
                writer.write(answered[: fate.choice([0, 0, len(answered) // 2])])
                await writer.drain()
                return
            writer.write(answered)
            await writer.drain()
