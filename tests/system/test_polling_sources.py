"""A source that is no query, beside the query of a real subscriber: counted through to the Snapshot."""

from __future__ import annotations

from stem_device.demo.processes import wait_until
from stem_device.model.options import Options
from stem_device.model.poll import Answer, Identity, ServerState
from stem_device.model.reply import Dialect, PublisherReply, Reply
from stem_device.monitor import Monitor
from stem_device.polling import Answers, PollStart
from tests.system.harness import ServerFactory, settle


class Told:
    """Knows of a publisher what the test tells it, as a tap on the wire would know it."""

    name = "told"

    def __init__(self, server: str, stream: str) -> None:
        self._server, self._stream = server, stream
        self.pushed = 0
        self.error: Exception | None = None

    def collect(self, start: PollStart) -> Answers:
        if self.error is not None:
            raise self.error
        now = start.started_monotonic_ns
        answer = Answer(
            server=self._server,
            state=ServerState.MONITORED,
            reply=Reply(Dialect.CPPTANGO_1, PublisherReply({self._stream: self.pushed + 1}, None), None),
            asked_utc_ns=start.started_utc_ns,
            asked_monotonic_ns=now,
            answered_monotonic_ns=now,
            identity=Identity(life=1),
        )
        return Answers((answer,))

    def close(self) -> None:
        self.error = RuntimeError("closed")


def test_a_publisher_that_is_never_asked(servers: ServerFactory) -> None:
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher)
    told = Told(publisher.name, publisher.publisher.stream("change"))
    engine = Monitor(Options(target_devices=(subscriber.name,), poll_period=0.1, follow_publishers=False))
    engine.add_source(told)
    engine.start()
    try:
        wait_until(lambda: len(engine.poll_now().servers) == 2, "both servers")
        publisher.publisher.push(steps=50)
        told.pushed += 50
        settle(subscriber)
        engine.poll_now()
        counts = engine.poll_now().counts
        assert (counts.published, counts.received, counts.missed, counts.overdue) == (50, 50, 0, 0)

        told.pushed += 7  # of which the subscriber will never hear
        engine.poll_now()
        wait_until(lambda: engine.poll_now().counts.overdue == 7, "what did not arrive to be overdue")

        told.error = ValueError("the wire is cut")
        snapshot = engine.poll_now()
        states = {server.name: (server.state, server.reason) for server in snapshot.servers}
        assert states[subscriber.name][0] is ServerState.MONITORED
        assert states[publisher.name] == (
            ServerState.FAILING,
            "the source told failed: ValueError: the wire is cut",
        )
        told.error = None
        told.pushed += 3
        assert engine.poll_now().counts.published == 60
        assert engine.health.thread_restarts == 0
    finally:
        engine.stop()
