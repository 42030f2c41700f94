"""A network line between a browser and the portal, which a test cuts: before the question, or before its answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

State = Literal["whole", "dead", "answers_lost"]


class Line:
    """Carries TCP connections to `target` as long as it is whole. Dead, it takes none; with answers lost, what is asked
    still arrives, and the connection breaks when the answer comes back.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.state: State = "whole"
        self.lost = 0
        """How many answers went missing."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._carried: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, state: State) -> None:
        """Change the line's state; connections that are open break with it."""
        self.state = state
        for one in list(self._carried):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the line."""
        self.cut("dead")
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.state == "dead":
                    near.close()
                    continue
                far = socket.create_connection(self.target)
                self._carried |= {near, far}
                threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if is_answer and self.state == "answers_lost":
                    self.lost += 1
                    break
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            self._carried.discard(one)


@contextmanager
def line_to(url: str) -> Iterator[Line]:
    """A line to the portal at this address."""
    host, _, port = url.removeprefix("http://").partition(":")
    line = Line((host, int(port)))
    yield line
    line.close()
