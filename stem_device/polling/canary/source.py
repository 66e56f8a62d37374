"""All canaries: a thread that subscribes them, what they saw, and a source of what this process counted."""

from __future__ import annotations

import logging
import math
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import tango
from msgspec import structs

from stem_device.errors import StemError
from stem_device.model.canary import CanaryFigures
from stem_device.model.clock import Clock
from stem_device.model.options import CanaryOptions
from stem_device.model.poll import Answer, Identity, ServerState
from stem_device.model.reply import Reply
from stem_device.model.topics import NO_DATABASE, stream_of
from stem_device.polling.canary.arrivals import Arrivals
from stem_device.polling.canary.subscription import Subscription, reason_of
from stem_device.polling.source import Answers, PollStart
from stem_device.responses import parse_reply
from stem_device.text import visible

PREFIX = "canary/"
ENDINGS = (".periodic", ".change")
RETRY_SECONDS = 5.0
"""Between two attempts to subscribe, and between two pings: as rarely as nobody minds, before an operator
would ask."""
CLOSE_SECONDS = 3.0

logger = logging.getLogger(__name__)


class Subscribes(Protocol):
    """See :class:`.subscription.Subscription`."""

    def begin(self, wanted: str) -> str: ...
    def round_trip_seconds(self) -> float: ...
    def end(self) -> None: ...


class Canary:
    """One attribute; ``step`` is for one thread, ``figures`` for any."""

    def __init__(
        self, line: str, clock: Clock, limit_seconds: float, subscribe: Callable[..., Subscribes]
    ) -> None:
        attribute, _, wanted = line.rpartition(".") if line.endswith(ENDINGS) else (line, "", "")
        self.attribute, self._wanted = attribute.lower(), wanted
        self.event = ""
        self._arrivals = Arrivals(clock.monotonic_ns, limit_seconds=limit_seconds)
        self._subscription = subscribe(attribute, self._arrivals)
        self._round_trip = math.nan
        self._problem = ""

    def step(self) -> None:
        """Subscribe if it is not, else ask for a sign of life. What fails is told, and tried again."""
        try:
            if not self.event:
                self.event = self._subscription.begin(self._wanted)
            self._round_trip = self._subscription.round_trip_seconds()
            self._problem = ""
        except tango.DevFailed as error:
            self._round_trip = math.nan
            self._problem = reason_of(error.args)

    def end(self) -> None:
        try:
            self._subscription.end()
        except tango.DevFailed as error:
            logger.debug("The canary %s could not be unsubscribed: %s", self.attribute, reason_of(error.args))

    def receives(self, topic: str) -> bool:
        """Whether a topic of this process is that of this canary."""
        name = self.attribute.removeprefix("tango://")
        return f"/{stream_of(topic).replace(NO_DATABASE, '')}".endswith(f"/{name}.{self.event}")

    @property
    def complete(self) -> bool:
        """Whether all that was due has arrived, which needs no answer of its publisher."""
        return bool(self.event) and self._arrivals.now().complete

    @property
    def figures(self) -> CanaryFigures:
        """Of itself; what the counters of this process say comes besides."""
        seen = self._arrivals.now()
        problem = self._problem or seen.last_error
        if not problem and seen.in_flight is not None and seen.lost and seen.in_flight:
            problem = "events that are due do not arrive"
        produced = None if seen.lost is None else seen.received + seen.lost + (seen.in_flight or 0)
        return CanaryFigures(
            attribute=self.attribute,
            event=self.event,
            produced=produced if self.event else None,
            received=seen.received,
            lost=seen.lost if self.event else None,
            in_flight=seen.in_flight if self.event else None,
            round_trip_seconds=self._round_trip,
            latency_seconds=seen.latency_seconds,
            age_seconds=seen.age_seconds,
            problem=problem,
        )


class Canaries:
    """A :class:`stem_device.polling.Source` of one server: this process, as far as its canaries go.

    Its counters are those of ``query``, None where this PyTango does not tell them (before 10.3).
    """

    name = "canary"

    def __init__(
        self,
        options: CanaryOptions,
        *,
        clock: Clock,
        query: Callable[[], str] | None = None,
        subscribe: Callable[..., Subscribes] = Subscription,
        thread_context: Callable[[], AbstractContextManager[object]] = tango.EnsureOmniThread,
    ) -> None:
        self._canaries = [
            Canary(line, clock, options.canary_limit, subscribe) for line in options.canary_attributes
        ]
        self._query = query
        self._server = f"{PREFIX}{socket.gethostname() or 'localhost'}".lower()
        self._thread_context = thread_context
        self._since_utc_ns = clock.utc_ns()
        self._clock = clock
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Subscribe from now on, on a thread in the background."""
        if self._canaries and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="stem-canary", daemon=True)
            self._thread.start()

    @property
    def figures(self) -> tuple[CanaryFigures, ...]:
        """What each has seen, in the order of the option."""
        return tuple(canary.figures for canary in self._canaries)

    def collect(self, start: PollStart) -> Answers:  # noqa: ARG002
        """The counters of this process' own subscriptions; none before the first subscription."""
        problems = tuple(f"the canary {one.attribute}: {one.problem}" for one in self.figures if one.problem)
        if self._query is None or not any(canary.event for canary in self._canaries):
            return Answers(problems=problems)
        asked_utc_ns, asked_ns = self._clock.utc_ns(), self._clock.monotonic_ns()
        answer = Answer(
            server=self._server,
            state=ServerState.MONITORED,
            tango_version=visible(str(tango.__version__)),
            asked_utc_ns=asked_utc_ns,
            asked_monotonic_ns=asked_ns,
            answered_monotonic_ns=asked_ns,
            identity=Identity(life=1, since_utc_ns=self._since_utc_ns),
            queries=1,
        )
        try:
            text = self._query()
            reply = self._of_canaries(parse_reply(text))
        except (StemError, tango.DevFailed) as error:
            return Answers(
                problems=(*problems, f"this process' own events cannot be asked: {visible(str(error))}")
            )
        answer = structs.replace(
            answer,
            reply=reply,
            texts=(text,),
            answered_monotonic_ns=self._clock.monotonic_ns(),
            complete=self._complete(reply),
        )
        return Answers(answers=(answer,), problems=problems)

    def _of_canaries(self, reply: Reply) -> Reply:
        """Without what else goes on in this process, which may be asked by somebody else."""
        client = reply.client
        if client is not None:
            own = {
                topic: callback
                for topic, callback in client.event_callbacks.items()
                if any(canary.receives(topic) for canary in self._canaries)
            }
            client = structs.replace(client, event_callbacks=own)
        return structs.replace(reply, server=None, client=client)

    def _complete(self, reply: Reply) -> frozenset[str]:
        """The topics of which all that was due has arrived."""
        topics = reply.client.event_callbacks if reply.client is not None else {}
        complete = [canary for canary in self._canaries if canary.complete]
        return frozenset(topic for topic in topics if any(canary.receives(topic) for canary in complete))

    def close(self) -> None:
        """Unsubscribe; waits no longer than some seconds for a publisher that hangs."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        with self._thread_context():
            while not self._closing.is_set():
                for canary in self._canaries:
                    if not self._closing.is_set():
                        canary.step()
                self._closing.wait(RETRY_SECONDS)
            for canary in self._canaries:
                canary.end()
