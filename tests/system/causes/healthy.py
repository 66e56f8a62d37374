"""Systems in which nothing is wrong: none of them may get a finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.system.causes.watched_system import WatchedSystem


@dataclass(frozen=True)
class Healthy:
    """``says`` is what happens, for the table."""

    name: str
    says: str
    run: Callable[[WatchedSystem], None]
    sampled: bool = False


def _begin(system: WatchedSystem, delay_seconds: float = 0.0) -> None:
    system.subscriber.subscriber.subscribe(system.publisher.publisher, delay_seconds=delay_seconds)
    system.publisher.publisher.push(steps=5)
    system.watch()


def idle(system: WatchedSystem) -> None:
    _begin(system)
    system.wait_seconds(40)
    system.publisher.publisher.push(steps=5)
    system.wait_polls(6)


def steady(system: WatchedSystem) -> None:
    _begin(system)
    system.publisher.publisher.push_in_background(steps=1500, period_seconds=0.01)
    system.publisher.publisher.wait_pushed()
    system.wait_polls(6)


def slow_but_sufficient(system: WatchedSystem) -> None:
    _begin(system, 0.01)
    system.publisher.publisher.push_in_background(steps=600, period_seconds=0.025)
    system.publisher.publisher.wait_pushed()
    system.wait_polls(6)


def bursts_survived(system: WatchedSystem) -> None:
    _begin(system)
    for _ in range(5):
        system.publisher.publisher.push(steps=40)
        system.wait_polls(4)


def subscriber_restarted(system: WatchedSystem) -> None:
    _begin(system)
    system.subscriber.restart()
    system.subscriber.subscriber.subscribe(system.publisher.publisher)
    for _ in range(5):
        system.publisher.publisher.push(steps=3)
        system.wait_polls(3)


def publisher_restarted(system: WatchedSystem) -> None:
    _begin(system)
    readings = system.subscriber.subscriber.truth().synchronous
    system.publisher.restart()
    system.subscriber.subscriber.wait_synchronous(readings + 1, limit_seconds=40)
    for _ in range(5):
        system.publisher.publisher.push(steps=3)
        system.wait_polls(3)


def both_restarted(system: WatchedSystem) -> None:
    _begin(system)
    system.subscriber.stop()
    system.publisher.restart()
    system.subscriber.start()
    system.subscriber.subscriber.subscribe(system.publisher.publisher)
    for _ in range(5):
        system.publisher.publisher.push(steps=3)
        system.wait_polls(3)


def publisher_stopped(system: WatchedSystem) -> None:
    _begin(system)
    system.publisher.stop()
    system.wait_seconds(20)


def renewed(system: WatchedSystem) -> None:
    _begin(system)
    for index in range(4):
        system.subscriber.subscriber.unsubscribe(index)
        system.subscriber.subscriber.subscribe(system.publisher.publisher)
        system.publisher.publisher.push(steps=5)
        system.wait_polls(4)


def joined_late(system: WatchedSystem) -> None:
    # Not so busy that events go past a subscription while it connects: that would be a loss.
    _begin(system)
    system.publisher.publisher.push_in_background(steps=0, period_seconds=1.0)
    system.wait_polls(4)
    system.subscriber.subscriber.subscribe(system.publisher.publisher, "second")
    late = system.server()
    system.monitor.add_target(late.name)
    late.subscriber.subscribe(system.publisher.publisher)
    system.wait_polls(12)
    system.publisher.publisher.stop()
    system.wait_polls(4)


def many_streams(system: WatchedSystem) -> None:
    for attribute in ("number", "second", "third", "waveform"):
        system.subscriber.subscriber.subscribe(system.publisher.publisher, attribute)
    system.watch()
    for _ in range(10):
        for attribute in ("number", "second", "third", "waveform"):
            system.publisher.publisher.push(attribute, steps=5)
        system.wait_polls(2)


HEALTHY = (
    Healthy("idle", "idle for 40 s, then 5 events", idle),
    Healthy("steady", "100 events/s, quick callbacks", steady),
    Healthy("steady-sampled", "the same, sampled", steady, sampled=True),
    Healthy("sufficient", "10 ms callbacks, 40 events/s", slow_but_sufficient),
    Healthy("survived", "bursts that the queues hold", bursts_survived),
    Healthy("subscriber", "subscriber restarted in good order", subscriber_restarted),
    Healthy("publisher", "publisher restarted in good order", publisher_restarted),
    Healthy("both", "both restarted in good order", both_restarted),
    Healthy("stopped", "publisher stopped in good order", publisher_stopped),
    Healthy("renewed", "subscribed anew four times", renewed),
    Healthy("late", "subscribers that join a busy stream", joined_late),
    Healthy("many", "four attributes, one with 4 kB an event", many_streams),
)
