"""The rules of State, one after the other, without Tango."""

from __future__ import annotations

import pytest
from device_builders import Recording, disconnected, server, snapshot, subscription
from msgspec import structs

from stem_device.device.state import MAX_REMEMBERED, DeviceState, History, advance, late, state_of
from stem_device.model.options import Options
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Snapshot

OPTIONS = Options(alarm_hold_time=100.0, overdue_alarm_polls=3)
LOSSY = subscription(missed_total=5, missed_delta=5, gaps_total=1, gaps_delta=1)


def after(*snapshots: Snapshot, recording: Recording | None = None) -> DeviceState:
    history = History()
    for one in snapshots:
        history = advance(history, one, OPTIONS)
    return state_of(snapshots[-1], history, OPTIONS, recording or Recording())


def test_before_the_first_poll_nothing_is_known() -> None:
    assert state_of(None, History(), OPTIONS, Recording()) is DeviceState.UNKNOWN


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (snapshot(), DeviceState.UNKNOWN),
        (snapshot(server()), DeviceState.ON),
        (snapshot(server(state=ServerState.UNREACHABLE)), DeviceState.UNKNOWN),
        (snapshot(server(state=ServerState.UNSUPPORTED)), DeviceState.UNKNOWN),
        (snapshot(server(), server("b", state=ServerState.UNREACHABLE)), DeviceState.ALARM),
        (snapshot(server(), server("b", state=ServerState.FAILING)), DeviceState.ALARM),
        (snapshot(server(), server("b", state=ServerState.NOT_EXPORTED)), DeviceState.ON),
        (snapshot(server(), server("b", state=ServerState.UNSUPPORTED)), DeviceState.ON),
        (snapshot(server(not_connected=(disconnected(),))), DeviceState.ALARM),
        (
            snapshot(server(), server("b", state=ServerState.NOT_EXPORTED, not_connected=(disconnected(),))),
            DeviceState.ON,
        ),
        (snapshot(server("a", LOSSY)), DeviceState.ALARM),
        (snapshot(server("a", subscription(missed_total=5))), DeviceState.ON),
        (snapshot(server("a", subscription(overdue=9))), DeviceState.ON),
        (snapshot(server(drained_by_others=True), problems=("database down",)), DeviceState.ON),
    ],
)
def test_one_poll(one: Snapshot, state: DeviceState) -> None:
    assert after(one) is state


def test_a_failed_recording_is_an_alarm_but_hides_no_unknown() -> None:
    failed = Recording(error="disk full")
    assert after(snapshot(server()), recording=failed) is DeviceState.ALARM
    assert after(snapshot(), recording=failed) is DeviceState.UNKNOWN
    assert after(snapshot(server()), recording=Recording(active=True)) is DeviceState.ON


def test_a_miss_holds_the_alarm_for_its_time() -> None:
    quiet = subscription(missed_total=5)
    lossy = snapshot(server("a", LOSSY))
    assert after(lossy, snapshot(server("a", quiet), seconds=99.9)) is DeviceState.ALARM
    assert after(lossy, snapshot(server("a", quiet), seconds=100.0)) is DeviceState.ON


def test_a_second_miss_begins_the_time_anew_and_adds_up() -> None:
    history = advance(History(), snapshot(server("a", LOSSY)), OPTIONS)
    history = advance(history, snapshot(server("a", LOSSY), seconds=60), OPTIONS)
    history = advance(history, snapshot(server("a"), seconds=120), OPTIONS)
    assert [miss.missed for miss in history.misses.values()] == [10]


def test_a_miss_outlives_the_subscription_that_had_it() -> None:
    assert after(snapshot(server("a", LOSSY)), snapshot(server("a"), seconds=10)) is DeviceState.ALARM


def test_the_repeated_records_of_a_silent_server_count_once() -> None:
    history = advance(History(), snapshot(server("a", LOSSY)), OPTIONS)
    silent = server("a", LOSSY, state=ServerState.NOT_EXPORTED)
    history = advance(history, snapshot(silent, server("b"), seconds=1), OPTIONS)
    assert [miss.missed for miss in history.misses.values()] == [5]


def test_overdue_alarms_after_so_many_polls_in_a_row() -> None:
    waits, fine = snapshot(server("a", subscription(overdue=1))), snapshot(server("a", subscription()))
    assert after(waits, waits) is DeviceState.ON
    assert after(waits, waits, waits) is DeviceState.ALARM
    assert after(waits, waits, fine, waits, waits) is DeviceState.ON
    assert after(waits, waits, waits, fine) is DeviceState.ON


def test_overdue_of_two_subscriptions_in_turn_is_no_alarm() -> None:
    first = snapshot(server("a", subscription("x", overdue=1), subscription("y")))
    second = snapshot(server("a", subscription("x"), subscription("y", overdue=1)))
    assert after(first, second, first, second) is DeviceState.ON


def test_a_silent_server_neither_adds_to_its_overdue_polls_nor_forgets_them() -> None:
    waits = server("a", subscription(overdue=1))
    silent = structs.replace(waits, state=ServerState.NOT_EXPORTED)
    other = server("b")
    polls = [snapshot(waits, other), snapshot(waits, other), snapshot(silent, other)]
    assert after(*polls) is DeviceState.ON
    assert after(*polls, snapshot(waits, other)) is DeviceState.ALARM


def test_unknown_publishers_have_no_overdue() -> None:
    unknown = snapshot(server("a", subscription(overdue=None)))
    assert after(unknown, unknown, unknown) is DeviceState.ON


def test_reset_counters_acknowledges() -> None:
    lossy, reset = snapshot(server("a", LOSSY)), snapshot(server("a"), seconds=1, since_utc_ns=7)
    assert after(lossy, reset) is DeviceState.ON


def test_what_is_remembered_is_bounded_and_the_newest_is_kept() -> None:
    crowd = [
        subscription(f"t{number}", missed_delta=1, missed_total=1) for number in range(MAX_REMEMBERED + 50)
    ]
    history = advance(History(), snapshot(server("a", *crowd)), OPTIONS)
    assert len(history.misses) == MAX_REMEMBERED
    history = advance(history, snapshot(server("a", LOSSY), seconds=1), OPTIONS)
    assert len(history.misses) == MAX_REMEMBERED
    assert ("a", LOSSY.topic) in history.misses


def test_late_names_them() -> None:
    waits = snapshot(server("a", subscription(overdue=4)))
    history = History()
    for _ in range(3):
        history = advance(history, waits, OPTIONS)
    (one,) = late(history, OPTIONS)
    assert (one.server, one.overdue, one.polls) == ("a", 4, 3)
