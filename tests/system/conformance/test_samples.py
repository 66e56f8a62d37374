"""The samples of times, while sampling is on, off, and on again."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from stem_device.demo.processes import wait_until
from tests.system.conformance.device_server import LONG_NAME
from tests.system.conformance.servers import Examined, ExaminedFactory

PUSH_KEYS = ["micros_since_last_event", "push_event_micros"]
RECEPTION_KEYS = [
    "attr_name",
    "micros_since_last_event",
    "sleep_micros",
    "process_micros",
    "first_callback_latency_micros",
    "callback_count",
    "wake_count",
    "discarded",
]
RING = (256, 257)
"""cppTango 10.1 and later keep one more than they say at times."""


@pytest.fixture
def pair(examined: ExaminedFactory) -> tuple[Examined, Examined]:
    """A publisher and a subscriber that has had the first events already."""
    publisher, subscriber = examined(), examined()
    subscriber.subscribe_surely(publisher)
    return publisher, subscriber


def switch_on(*servers: Examined) -> None:
    for server in servers:
        server.enable()


def pushes(server: Examined) -> Any:
    return server.query()["server"]["perf"]


def receptions(server: Examined) -> Any:
    return server.query()["client"]["perf"]


def push_and_wait(pair: tuple[Examined, Examined], count: int, kind: str = "change", index: int = 0) -> None:
    """Push; return when the callback has had all of it. (A query would take the samples.)"""
    publisher, subscriber = pair
    before = _calls(subscriber, index)
    publisher.push(count, kind=kind)
    wait_until(lambda: _calls(subscriber, index) >= before + count, f"{count} events")
    time.sleep(0.1)  # the sample is made after the callback


def _calls(subscriber: Examined, index: int) -> int:
    counted = subscriber.counted(index)
    return len(counted.numbers) + sum(counted.errors.values())


def warm_up(pair: tuple[Examined, Examined]) -> None:
    """Let the wait end during which sampling was switched on; take what was sampled.

    cppTango 10.1 and later make no sample of the event that ends it.
    """
    push_and_wait(pair, 2)
    for server in pair:
        server.query()


def test_off_on_off(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    assert (pushes(publisher), receptions(subscriber)) == (None, None)
    switch_on(publisher, subscriber)
    assert (pushes(publisher), receptions(subscriber)) == ([], [])
    publisher.enable(on=False)
    subscriber.enable(on=False)
    assert (pushes(publisher), receptions(subscriber)) == (None, None)
    push_and_wait(pair, 3)
    assert (pushes(publisher), receptions(subscriber)) == (None, None)


def test_samples_of_pushes(pair: tuple[Examined, Examined]) -> None:
    publisher, _ = pair
    switch_on(publisher)
    push_and_wait(pair, 5)
    first, *others = pushes(publisher)
    assert [list(first), *map(list, others)] == [PUSH_KEYS] * 5
    assert first["micros_since_last_event"] is None
    assert all(sample["micros_since_last_event"] >= 0 for sample in others)
    assert all(0 <= sample["push_event_micros"] < 1_000_000 for sample in [first, *others])
    began = time.monotonic()
    time.sleep(0.2)
    push_and_wait(pair, 1)
    (sample,) = pushes(publisher)
    assert 200_000 <= sample["micros_since_last_event"] <= (time.monotonic() - began) * 1e6 + 2_000_000


def test_samples_of_receptions(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    switch_on(subscriber)
    warm_up(pair)
    index = subscriber.subscribe(publisher, delay_seconds=0.02)
    time.sleep(0.2)
    began = time.monotonic()
    push_and_wait(pair, 3, index=index)
    took = (time.monotonic() - began) * 1e6
    samples = receptions(subscriber)
    assert [list(sample) for sample in samples] == [RECEPTION_KEYS] * 3
    for sample in samples:
        assert (sample["attr_name"], sample["discarded"], sample["callback_count"]) == ("number", False, 2)
        assert 20_000 <= sample["process_micros"] <= took
        assert 0 <= sample["first_callback_latency_micros"] <= took
        assert sample["wake_count"] >= 1
    assert samples[0]["sleep_micros"] >= 200_000
    assert samples[0]["micros_since_last_event"] >= samples[0]["sleep_micros"]
    # The others waited in the queue while the callbacks were busy.
    for sample in samples[1:]:
        assert sample["sleep_micros"] < 20_000 <= sample["micros_since_last_event"] <= took
    assert samples[2]["first_callback_latency_micros"] >= 20_000
    assert len(subscriber.counted(index).numbers) == 3


def test_first_sample_has_no_event_before_it(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    for times_on in (1, 2):
        switch_on(publisher, subscriber)
        push_and_wait(pair, 4)
        pushed, received = (
            [sample["micros_since_last_event"] for sample in samples]
            for samples in (pushes(publisher), receptions(subscriber))
        )
        assert None not in [*pushed[1:], *received[1:]]
        if times_on == 1:
            assert (pushed[0], received[0]) == (None, None)
        # Where it was on before, cppTango 10.1 and later count from the last sample of then.
        if publisher.is_patched:
            assert (pushed[0], len(pushed)) == (None, 4)
        if subscriber.is_patched:
            assert (received[0], len(received)) == (None, 4)
        publisher.enable(on=False)
        subscriber.enable(on=False)


def test_discarded_duplicate(examined: ExaminedFactory) -> None:
    """cppTango sends the first event of a process twice, and the subscriber throws one of them away."""
    for _ in range(5):
        publisher, subscriber = examined(), examined()
        switch_on(subscriber)
        subscriber.subscribe_surely(publisher)
        client = subscriber.query()["client"]
        topic, samples = client["event_callbacks"][publisher.topic()], client["perf"]
        discarded = [sample for sample in samples if sample["discarded"]]
        assert len(discarded) == topic["discarded_event_count"]
        assert len(samples) == topic["event_count"] + len(discarded)
        if discarded:
            break
        # A subscription may be too late for the first event.
    (sample,) = discarded
    assert sample["attr_name"] == ""
    assert sample["first_callback_latency_micros"] is None
    assert sample["callback_count"] == 0
    assert sample["wake_count"] >= 1


def test_long_names_are_cut(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    switch_on(subscriber)
    warm_up(pair)
    subscriber.subscribe_surely(publisher, LONG_NAME)
    assert {sample["attr_name"] for sample in receptions(subscriber)} == {LONG_NAME[:31]}


def test_no_latency_without_a_value(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    for kind in ("ATTR_CONF_EVENT", "DATA_READY_EVENT"):
        subscriber.subscribe(publisher, kind=kind)
    subscriber.subscribe(publisher, "", "INTERFACE_CHANGE_EVENT")
    time.sleep(0.5)  # for the subscriptions to reach the publisher
    switch_on(subscriber)
    warm_up(pair)

    def ready() -> None:
        publisher.push(kind="ready")

    for index, happen in enumerate(
        (publisher.proxy.ChangeConfiguration, ready, publisher.proxy.AddAttribute), 1
    ):
        happen()
        subscriber.wait_events(1, index)
    push_and_wait(pair, 1, kind="error")
    samples = receptions(subscriber)
    # An interface change names the device where an attribute would be.
    device = publisher.device.rsplit("/", 1)[-1]
    assert [sample["attr_name"] for sample in samples] == ["number", "number", device, "number"]
    assert {sample["first_callback_latency_micros"] for sample in samples} == {None}
    assert {sample["discarded"] for sample in samples} == {False}


def test_the_newest_are_kept(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    switch_on(publisher, subscriber)
    push_and_wait(pair, 300)
    time.sleep(0.3)
    push_and_wait(pair, 20)
    for samples in (pushes(publisher), receptions(subscriber)):
        assert len(samples) in RING
        # The pause lies before the 20th from the end.
        pauses = [i for i, sample in enumerate(samples) if (sample["micros_since_last_event"] or 0) > 250_000]
        assert pauses == [len(samples) - 20]


def test_reading_empties(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    switch_on(publisher, subscriber)
    warm_up(pair)
    push_and_wait(pair, 6)
    assert (len(pushes(publisher)), len(receptions(subscriber))) == (6, 6)
    assert (pushes(publisher), receptions(subscriber)) == ([], [])
    push_and_wait(pair, 2)
    assert (len(pushes(publisher)), len(receptions(subscriber))) == (2, 2)


def test_switching_on_forgets(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    switch_on(publisher, subscriber)
    push_and_wait(pair, 5)
    switch_on(publisher, subscriber)
    assert (pushes(publisher), receptions(subscriber)) == ([], [])
    push_and_wait(pair, 5)
    for server in pair:
        server.enable(on=False)
    switch_on(publisher, subscriber)
    assert (pushes(publisher), receptions(subscriber)) == ([], [])


def test_two_readers_share_the_samples(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    switch_on(publisher, subscriber)
    warm_up(pair)
    done = threading.Event()
    taken: list[tuple[int, int]] = []

    def read() -> None:
        while True:
            last = done.is_set()
            taken.append((len(pushes(publisher)), len(receptions(subscriber))))
            if last:
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(20):
        push_and_wait(pair, 50)
    done.set()
    for reader in readers:
        reader.join()
    pushed, received = sum(pushed for pushed, _ in taken), sum(got for _, got in taken)
    assert pushed <= 1000
    assert received <= 1000
    # cppTango 10.1 and later lose some of them when they are asked at the same time.
    if publisher.is_patched:
        assert pushed == 1000
    if subscriber.is_patched:
        assert received == 1000
