"""The state that a verdict amounts to, without Tango."""

from __future__ import annotations

import pytest

from stem_device.device.state import DeviceState, state_of
from stem_device.model.poll import Failure, ServerState
from stem_device.model.snapshot import Counts, Snapshot
from tests.unit.device.device_builders import Recording, disconnected, server, snapshot, subscription
from tests.unit.made_verdicts import judged

LOSSY = subscription(missed_total=5, missed_delta=5, gaps_total=1, gaps_delta=1)
DEAD = server("b", state=ServerState.UNREACHABLE, failure=Failure.REFUSED)


def after(*snapshots: Snapshot, recording: Recording | None = None) -> DeviceState:
    return state_of(judged(*snapshots), recording or Recording())  # type: ignore[arg-type]


def test_before_the_first_poll_nothing_is_known() -> None:
    assert state_of(None, Recording()) is DeviceState.UNKNOWN  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (snapshot(), DeviceState.UNKNOWN),
        (snapshot(server()), DeviceState.ON),
        (snapshot(server(state=ServerState.UNREACHABLE)), DeviceState.UNKNOWN),
        (snapshot(server(state=ServerState.UNSUPPORTED)), DeviceState.UNKNOWN),
        (snapshot(server(state=ServerState.UNSUPPORTED), server("b", followed=True)), DeviceState.UNKNOWN),
        (snapshot(server(), DEAD), DeviceState.ON),
        (snapshot(server("a", subscription(publisher="b")), DEAD), DeviceState.ALARM),
        (snapshot(server(), server("b", state=ServerState.FAILING)), DeviceState.ON),
        (snapshot(server(), server("b", state=ServerState.NOT_EXPORTED)), DeviceState.ON),
        (snapshot(server(), server("b", state=ServerState.UNSUPPORTED)), DeviceState.ON),
        (snapshot(server(not_connected=(disconnected(),))), DeviceState.ON),
        (snapshot(server("a", LOSSY)), DeviceState.ALARM),
        (snapshot(server("a", subscription(unaccounted_delta=1, unaccounted_total=1))), DeviceState.ALARM),
        (snapshot(server("a", subscription(missed_total=5))), DeviceState.ON),
        (snapshot(server("a", subscription(overdue=9))), DeviceState.ON),
        (snapshot(server("a", subscription(overdue=None)), counts=Counts(overdue_unknown=1)), DeviceState.ON),
        (snapshot(server(drained_by_others=True), problems=("database down",)), DeviceState.ON),
    ],
)
def test_one_poll(one: Snapshot, state: DeviceState) -> None:
    assert after(one) is state


@pytest.mark.parametrize(
    "one",
    [
        snapshot(server(), DEAD),
        snapshot(server(), server("b", state=ServerState.FAILING)),
        snapshot(server(not_connected=(disconnected(),))),
        snapshot(server("a", subscription(overdue=9))),
    ],
)
def test_two_polls_are_an_alarm(one: Snapshot) -> None:
    assert after(one) is DeviceState.ON
    assert after(one, one) is DeviceState.ALARM
    assert after(one, one, snapshot(server())) is DeviceState.ON


def test_a_loss_is_an_alarm_even_if_nothing_answers_any_more() -> None:
    lost = subscription(unaccounted_delta=1, unaccounted_total=1, ended=True)
    assert after(snapshot(server("a", lost, state=ServerState.NOT_EXPORTED))) is DeviceState.ALARM


def test_a_failed_recording_is_an_alarm_but_hides_no_unknown() -> None:
    failed = Recording(error="disk full")
    assert after(snapshot(server()), recording=failed) is DeviceState.ALARM
    assert after(snapshot(), recording=failed) is DeviceState.UNKNOWN
    assert after(snapshot(server()), recording=Recording(active=True)) is DeviceState.ON
