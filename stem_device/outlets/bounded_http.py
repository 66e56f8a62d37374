"""HTTP that ends in time and takes little memory, whatever the other side does.

A time-out of Python's HTTP client (and of what builds on it: urllib3, requests, Elasticsearch's client) is
one for each read: a server that sends a byte a second is listened to for ever, and what it sends is kept
without a limit. Here one :class:`ExchangeBudget` bounds all that an exchange takes, from the connection to
the last byte of the answer.
"""

from __future__ import annotations

import io
import math
import socket
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urllib3.connectionpool import HTTPConnectionPool

END_SECONDS = 5.0
"""What a peer that answers has left at the end; the monitor waits 10 s for all of its outlets."""
MAX_ANSWER_BYTES = 16_777_216
"""Of one answer. That of a bulk request has some 200 bytes a document that was not taken."""
MAX_COMPRESSED_BYTES = 262_144
"""Of one answer that is compressed: it may become a thousand times as large."""


class BudgetError(OSError):
    """The other side took too long, or sent too much; the text goes on after its name."""


_TOO_LONG = "does not answer in time"
STEP_SECONDS = 0.5
"""How often whoever waits for a peer looks whether it is to end."""


class ExchangeBudget:
    """What exchanges with one peer may take; used by one thread at a time, but for ``end_within``.

    ``seconds`` are those from ``begin`` on, for as many exchanges as there are until it is called again.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._now = now
        self._end = 0.0
        self._last = math.inf
        self._bytes = 0

    def begin(self, seconds: float | None = None) -> None:
        """From now on there are ``seconds``, or those that it was made with. Raises BudgetError."""
        self._end = self._now() + (self.seconds if seconds is None else seconds)
        self.left()

    def left(self) -> float:
        """Seconds; BudgetError if there are none."""
        now = self._now()
        if now >= self._last:
            raise BudgetError("is given up, as monitoring ends")
        if now >= self._end:
            raise BudgetError(_TOO_LONG)
        return min(self._end, self._last) - now

    def step(self) -> float:
        """Seconds to wait before ``left`` is asked again. Raises BudgetError."""
        return min(self.left(), STEP_SECONDS)

    def end_within(self, seconds: float) -> None:
        """Whatever goes on, or begins later, ends within so many seconds from now; by any thread."""
        self._last = self._now() + seconds

    @property
    def ended(self) -> bool:
        """Whether nothing succeeds any more."""
        return self._now() >= self._last

    def begin_answer(self) -> None:
        """What is received from here on is another answer."""
        self._bytes = MAX_ANSWER_BYTES

    def received(self, count: int) -> None:
        """Count bytes of an answer. Raises BudgetError beyond the limit."""
        self._bytes -= count
        if self._bytes < 0:
            raise BudgetError("sends too large an answer")

    def compressed(self) -> None:
        """From here on the answer is a compressed one."""
        self._bytes = min(self._bytes, MAX_COMPRESSED_BYTES)


def budget_error(error: BaseException) -> BudgetError | None:
    """The BudgetError behind an error, if there is one: libraries wrap it in errors of their own."""
    return next((one for one in _causes(error) if isinstance(one, BudgetError)), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those behind it, as far as they are kept; urllib3 puts some into arguments."""
    pending, seen = [error], 0
    while pending and seen < 50:
        one = pending.pop()
        seen += 1
        yield one
        behind = one.__cause__, one.__context__, *one.args, getattr(one, "reason", None)
        pending += [
            each for each in (*behind, *getattr(one, "errors", ())) if isinstance(each, BaseException)
        ]


class _Reader(io.RawIOBase):
    """Reads of which each has only what is left of the budget."""

    def __init__(self, sock: Any, budget: ExchangeBudget) -> None:
        self._socket = sock
        # It keeps the socket open for as long as the answer is read, as HTTPResponse wants it.
        self._held = sock.makefile("rb", buffering=0)
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = _in_steps(self._socket, self._budget, lambda: self._socket.recv_into(buffer))
        self._budget.received(count)
        return count

    def close(self) -> None:
        if not self.closed:
            self._held.close()
        super().close()


class BoundedSocket:
    """A socket whose every step has what is left of the budget; all else is that of the socket."""

    def __init__(self, sock: Any, budget: ExchangeBudget) -> None:
        self._socket = sock
        self._budget = budget

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendall(self, data: Any) -> None:
        """Send all of it, or raise BudgetError."""
        rest = memoryview(data).cast("B")
        while rest:
            piece = rest[:262_144]
            rest = rest[_in_steps(self._socket, self._budget, lambda: self._socket.send(piece)) :]  # noqa: B023

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._socket, self._budget))


def _in_steps(sock: Any, budget: ExchangeBudget, call: Callable[[], int]) -> int:
    """What the call returns once the peer is there for it. Raises BudgetError."""
    while True:
        sock.settimeout(budget.step())
        try:
            return call()
        except TimeoutError:
            continue


def connected(address: tuple[str, int], budget: ExchangeBudget) -> socket.socket:
    """A socket that is connected within what is left. Raises OSError."""
    try:
        return socket.create_connection(address, budget.left())
    except TimeoutError:
        raise BudgetError(_TOO_LONG) from None


def bound(pool: HTTPConnectionPool, budget: ExchangeBudget) -> None:
    """Let every connection of this pool live by the budget."""
    made: Any = pool.ConnectionCls
    pool.ConnectionCls = bounded_connection(made, budget)


def bounded_connection(base: Any, budget: ExchangeBudget) -> Any:
    """A class of connections like ``base``, Python's or one made of it, that live by the budget."""

    class Connection(base):  # type: ignore[misc]
        sock: Any

        def connect(self) -> None:
            self.timeout = budget.left()  # of the handshake of TLS too, as a whole
            try:
                super().connect()
            except TimeoutError:
                raise BudgetError(_TOO_LONG) from None
            self.sock = BoundedSocket(self.sock, budget)

        def request(self, *arguments: Any, **more: Any) -> None:
            budget.begin_answer()
            super().request(*arguments, **more)

        def getresponse(self) -> Any:
            response = super().getresponse()
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                budget.compressed()
            return response

    return Connection
