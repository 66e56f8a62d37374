"""Histories with one cause each: what is done to a system, and the cause that must be named for it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass

from stem_device.model.finding import Cause, Concern, Standing
from tests.system.causes.watched_system import WatchedSystem
from tests.system.harness import freeze

Inject = Callable[[WatchedSystem], None]


@dataclass(frozen=True)
class Injection:
    """``says`` is what is done, for the table; ``refusing``: needs the library that refuses ports."""

    name: str
    says: str
    cause: Cause
    run: Inject
    sampled: bool = False
    refusing: bool = False


BURST = 6_000
LARGE = "waveform"
"""4 kB an event: of small ones the kernel's buffers between two queues hold many thousands."""


def _begin(system: WatchedSystem, delay_seconds: float = 0.0, attribute: str = "number") -> None:
    system.subscriber.subscriber.subscribe(system.publisher.publisher, attribute, delay_seconds=delay_seconds)
    system.publisher.publisher.push(attribute, steps=5)
    system.watch()


def _wait_lost(system: WatchedSystem) -> None:
    system.wait_finding(lambda finding: finding.concern is Concern.LOST)


def callback_slow(system: WatchedSystem) -> None:
    _begin(system, 0.005, LARGE)
    system.publisher.publisher.push_in_background(LARGE, steps=0, period_seconds=0.001)
    _wait_lost(system)
    system.wait_polls(4)


def callback_slow_for_few(system: WatchedSystem) -> None:
    _begin(system, 0.5)
    system.publisher.publisher.push(steps=60)
    system.wait_polls(8)


def callback_slow_unnoticed(system: WatchedSystem) -> None:
    _begin(system, 0.005, LARGE)
    system.publisher.publisher.push_in_background(LARGE, steps=8000, period_seconds=0.001)
    system.publisher.publisher.wait_pushed()
    system.wait_finding(lambda finding: finding.standing is Standing.STALLED)
    system.wait_polls(8)


def burst(system: WatchedSystem) -> None:
    _begin(system, 0.0, LARGE)
    system.publisher.publisher.push(LARGE, steps=BURST)
    system.wait_polls(3)
    system.publisher.publisher.push(LARGE)
    _wait_lost(system)


def burst_unnoticed(system: WatchedSystem) -> None:
    _begin(system, 0.0, LARGE)
    system.publisher.publisher.push(LARGE, steps=BURST)
    system.wait_seconds(10)


def blocked(system: WatchedSystem) -> None:
    _begin(system)
    system.publisher.publisher.push(steps=5)
    system.wait_polls(2)
    system.subscriber.subscriber.set_delay(0, 120)
    system.publisher.publisher.push_in_background(steps=0, period_seconds=0.1)
    system.wait_seconds(8)


def blocked_and_silent(system: WatchedSystem) -> None:
    _begin(system)
    system.subscriber.subscriber.set_delay(0, 120)
    system.publisher.publisher.push(steps=60)
    system.wait_seconds(8)


def blocked_for_a_while(system: WatchedSystem) -> None:
    _begin(system, 0.0, LARGE)
    system.subscriber.subscriber.set_delay(0, 8)
    system.publisher.publisher.push_in_background(LARGE, steps=0, period_seconds=0.001)
    system.wait_polls(4)
    system.subscriber.subscriber.set_delay(0, 0)
    _wait_lost(system)
    system.wait_polls(2)


def never_connected(system: WatchedSystem) -> None:
    helper = system.server()  # a first subscriber: without one the publisher has no event port yet
    helper.subscriber.subscribe(system.publisher.publisher)
    system.watch()
    system.refuse_events_of(system.publisher)
    system.subscriber.subscriber.subscribe(system.publisher.publisher)
    system.wait_polls(3)
    system.publisher.publisher.push_in_background(steps=0, period_seconds=0.2)
    system.wait_finding(lambda finding: finding.cause is Cause.NEVER_CONNECTED)


def starting(system: WatchedSystem) -> None:
    helper = system.server()
    helper.subscriber.subscribe(system.publisher.publisher)
    system.watch()
    system.refuse_events_of(system.publisher)
    system.subscriber.subscriber.subscribe(system.publisher.publisher)
    system.publisher.publisher.push_in_background(steps=0, period_seconds=0.2)
    system.wait_polls(8)


def publisher_killed(system: WatchedSystem) -> None:
    _begin(system)
    system.publisher.process.kill()
    system.wait_seconds(5)


def publisher_killed_with_events_waiting(system: WatchedSystem) -> None:
    _begin(system, 0.5)
    system.publisher.publisher.push(steps=60)
    system.wait_polls(3)
    system.publisher.process.kill()
    system.wait_seconds(5)


def publisher_frozen(system: WatchedSystem) -> None:
    _begin(system)
    freeze(system.publisher.process.pid)
    system.wait_finding(lambda finding: finding.cause is Cause.PUBLISHER_GONE)


def subscriber_stopped(system: WatchedSystem) -> None:
    _begin(system, 0.5)
    system.publisher.publisher.push(steps=60)
    system.wait_polls(3)
    system.subscriber.process.stop()
    system.wait_finding(lambda finding: finding.cause is Cause.NOT_RUNNING)
    system.wait_polls(2)


def subscriber_killed(system: WatchedSystem) -> None:
    _begin(system, 0.5)
    system.publisher.publisher.push(steps=60)
    system.wait_polls(3)
    system.subscriber.process.kill()
    system.wait_finding(lambda finding: finding.cause is Cause.NOT_RUNNING)
    system.wait_polls(2)


def subscriber_restarted(system: WatchedSystem) -> None:
    _begin(system, 0.5)
    system.publisher.publisher.push(steps=60)
    system.wait_polls(3)
    system.subscriber.process.kill()
    system.subscriber.start()
    system.wait_finding(lambda finding: finding.cause is Cause.RESTARTED)
    system.wait_polls(2)


def publisher_restarted(system: WatchedSystem) -> None:
    _begin(system)
    system.subscriber.subscriber.set_delay(0, 6)
    system.publisher.publisher.push(steps=60)
    system.wait_polls(2)
    system.publisher.process.kill()
    system.publisher.start()
    system.wait_finding(lambda finding: finding.cause is Cause.RESTARTED)


def renewed(system: WatchedSystem) -> None:
    _begin(system, 0.3)
    system.publisher.publisher.push(steps=60)
    system.wait_polls(2)
    system.subscriber.subscriber.unsubscribe(0)
    system.subscriber.subscriber.subscribe(system.publisher.publisher)
    _wait_lost(system)


def former_life(system: WatchedSystem) -> None:
    _begin(system)
    freeze(system.subscriber.process.pid)  # it must not be quicker than the refusal
    system.publisher.process.kill()
    system.publisher.start()
    helper = system.server()  # with a subscriber the publisher has its new event ports
    helper.subscriber.subscribe(system.publisher.publisher)
    system.refuse(system.publisher)
    system.subscriber.process.signal(signal.SIGCONT)
    system.publisher.publisher.push_in_background(steps=0, period_seconds=0.2)
    system.wait_finding(lambda finding: finding.cause is Cause.FORMER_LIFE)


INJECTIONS = (
    Injection("slow", "5 ms callbacks, 1000 events/s", Cause.CALLBACK_SLOW, callback_slow),
    Injection("slow-sampled", "the same, sampled", Cause.CALLBACK_SLOW, callback_slow, sampled=True),
    Injection("slow-few", "0.5 s callbacks, 60 events", Cause.CALLBACK_SLOW, callback_slow_for_few),
    Injection("slow-unnoticed", "the same, then silence", Cause.CALLBACK_SLOW, callback_slow_unnoticed),
    Injection("burst", "6,000 at once, quick callbacks", Cause.BURST, burst),
    Injection("burst-sampled", "the same, sampled", Cause.BURST, burst, sampled=True),
    Injection("burst-unnoticed", "the same, then silence", Cause.BURST, burst_unnoticed),
    Injection("blocked", "a callback hangs, 10 events/s", Cause.CONSUMER_BLOCKED, blocked),
    Injection("blocked-sampled", "the same, sampled", Cause.CONSUMER_BLOCKED, blocked, sampled=True),
    Injection("blocked-silent", "a callback hangs, 60 events", Cause.CONSUMER_BLOCKED, blocked_and_silent),
    Injection(
        "blocked-while", "it hangs for 8 s, 1000 events/s", Cause.CONSUMER_BLOCKED, blocked_for_a_while
    ),
    Injection("refused", "the event port is refused", Cause.NEVER_CONNECTED, never_connected, refusing=True),
    Injection("starting", "the same, in the first seconds", Cause.STARTING, starting, refusing=True),
    Injection("publisher-killed", "the publisher is killed", Cause.PUBLISHER_GONE, publisher_killed),
    Injection(
        "publisher-killed-waiting",
        "the same while events wait",
        Cause.PUBLISHER_GONE,
        publisher_killed_with_events_waiting,
    ),
    Injection("publisher-frozen", "the publisher is frozen", Cause.PUBLISHER_GONE, publisher_frozen),
    Injection("stopped", "stopped with events queued", Cause.NOT_RUNNING, subscriber_stopped),
    Injection("killed", "killed with events queued", Cause.NOT_RUNNING, subscriber_killed),
    Injection("subscriber-restarted", "restarted with events queued", Cause.RESTARTED, subscriber_restarted),
    Injection(
        "publisher-restarted", "the publisher, with events queued", Cause.RESTARTED, publisher_restarted
    ),
    Injection("renewed", "subscribed anew, events queued", Cause.RENEWED, renewed),
    Injection("former", "the restarted publisher is refused", Cause.FORMER_LIFE, former_life, refusing=True),
)
