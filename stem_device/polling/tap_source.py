"""The source beside the query: counts what publishers push by listening to the wire. Needs the extra "wire".

It asks nobody: who may be tapped, which process that is and where it publishes are in the query's Answers.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from msgspec import structs

from stem_device.errors import MissingExtraError
from stem_device.model.clock import Clock
from stem_device.model.options import PollingOptions
from stem_device.model.poll import Answer, ServerState, TapFigures
from stem_device.model.reply import Dialect, PublisherReply, Reply
from stem_device.polling.source import Answers, PollStart
from stem_device.polling.tap_process import TapProcess
from stem_device.polling.tapping import Publisher, counters_of, figures_of, to_tap
from stem_device.responses import encode_reply
from stem_device.wire.counting import TopicCounts
from stem_device.wire.tap import TapCounts

AGAIN_SECONDS = 5.0
"""After the process that taps has ended, until another one is started."""

SETTLE_POLLS = 3
"""A counter that fell is another process's. The query has so many polls to see it; then it is believed."""

STALE_SECONDS = 5.0
"""Reports come every 0.1 s: what is older than this says that the tap itself does not run."""


class _Tapped:
    """What is kept about one life of one publisher from poll to poll."""

    def __init__(self) -> None:
        self.streams: set[str] = set()
        self.since_utc_ns = 0
        self.figures: tuple[TapFigures, int] | None = None
        self.restarts = 0
        self.unsettled = 0


class TapSource:
    """One Answer for each publisher that is tapped. Raises MissingExtraError without pyzmq."""

    name = "tap"

    def __init__(self, options: PollingOptions, *, clock: Clock) -> None:
        if importlib.util.find_spec("zmq") is None:
            raise MissingExtraError("wire", "to tap publishers")
        self._which = options.tap_publishers
        self._topics = options.tap_topics
        self._clock = clock
        self._process: TapProcess | None = None
        self._ended_ns = 0
        self._problem = ""
        self._publishers: dict[str, Publisher] = {}
        self._tapped: dict[str, _Tapped] = {}

    @property
    def pid(self) -> int:
        """Of the process that taps; 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    def collect(self, start: PollStart) -> Answers:
        """What was heard until now; returns at once."""
        self._attend()
        self._take_up(to_tap(start.known, self._which))
        known = {answer.server: answer for answer in start.known}
        answers = tuple(self._answers(known, start))
        return Answers(answers, problems=(self._problem,) if self._problem else ())

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _attend(self) -> None:
        """Start the process again where it has ended."""
        process, now = self._process, self._clock.monotonic_ns()
        if process is not None and process.ended:
            self._problem = f"{process.ended}; publishers are not tapped until it runs again"
            process.close()
            self._process, self._ended_ns = None, now
            self._publishers.clear()
            self._tapped.clear()

    def _take_up(self, wanted: dict[str, Publisher]) -> None:
        now = self._clock.monotonic_ns()
        if self._process is None:
            resting = self._ended_ns and now - self._ended_ns < AGAIN_SECONDS * 1e9
            if not wanted or resting:
                return
            self._process, self._problem = TapProcess(), ""
        for key in self._publishers.keys() - wanted.keys():
            self._process.forget(key)
            del self._tapped[key]
        for key in wanted.keys() - self._publishers.keys():
            one = wanted[key]
            self._process.watch(key, one.events, one.heartbeats, self._topics, one.hosts)
            self._tapped[key] = _Tapped()
        self._publishers = wanted

    def _answers(self, known: dict[str, Answer], start: PollStart) -> Iterator[Answer]:
        if self._process is None:
            return
        for key, publisher in self._publishers.items():
            counts, topics = self._process.heard(key)
            answer = known.get(publisher.server)
            if counts is not None and answer is not None:
                yield self._answer(self._tapped[key], counts, topics, answer, start)

    def _answer(
        self,
        tapped: _Tapped,
        counts: TapCounts,
        topics: dict[str, TopicCounts],
        answer: Answer,
        start: PollStart,
    ) -> Answer:
        """The query's Answer with what was heard; as it is where the tap hears nothing."""
        now = self._clock.monotonic_ns()
        figures = figures_of(counts, topics, tapped.figures, now)
        tapped.figures = (figures, now)
        if not figures.connected or now - counts.at_ns > STALE_SECONDS * 1e9:
            tapped.since_utc_ns = 0
            return structs.replace(answer, tap=structs.replace(figures, connected=False))
        tapped.since_utc_ns = tapped.since_utc_ns or start.started_utc_ns
        reply, heard_from = self._reply(tapped, figures, topics)
        return structs.replace(
            answer,
            state=ServerState.TAPPED,
            reason=_reason(answer),
            since_utc_ns=tapped.since_utc_ns,
            reply=reply,
            texts=(encode_reply(reply).decode(),) if reply is not None else (),
            heard_from=heard_from,
            tap=figures,
        )

    def _reply(
        self, tapped: _Tapped, figures: TapFigures, topics: dict[str, TopicCounts]
    ) -> tuple[Reply | None, dict[str, int]]:
        """None while counters fell and the query has not told yet that another process answers."""
        if figures.restarts > tapped.restarts and tapped.unsettled < SETTLE_POLLS:
            tapped.unsettled += 1
            return None, {}
        tapped.restarts, tapped.unsettled = figures.restarts, 0
        counters = counters_of(topics)
        new = {stream: before for stream, (_, before) in counters.items() if stream not in tapped.streams}
        tapped.streams |= new.keys()
        pushed = {stream: number + 1 for stream, (number, _) in counters.items()}
        return Reply(Dialect.CPPTANGO_1, PublisherReply(pushed, None), None), new


def _reason(answer: Answer) -> str:
    version = f"Tango {answer.tango_version}" if answer.tango_version else "a Tango version"
    return (
        f"runs {version}, which cannot be asked; the events that it sends are counted on the wire. "
        "What it has subscribed to is not known"
    )
