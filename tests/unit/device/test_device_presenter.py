"""From Snapshots to what is shown, and to events; Monitor and device are stand-ins."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import tango

from stem_device.analysis.facts import Patience
from stem_device.analysis.live import Running
from stem_device.analysis.verdict import Verdict
from stem_device.device.events import WITH_EVENTS, EventPusher
from stem_device.device.presenter import Presenter
from stem_device.device.state import DeviceState
from stem_device.device.tango_attributes import Reading, readings
from stem_device.model.options import Options
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.processes import OwnProcess
from stem_device.model.snapshot import Snapshot
from stem_device.polling.clients import ClientsHealth
from stem_device.polling.extra_attributes import ExtraAttributes
from stem_device.user_metrics import Intake
from tests.unit.device.device_builders import Health, Recording, server, snapshot, subscription

VALID, INVALID = tango.AttrQuality.ATTR_VALID, tango.AttrQuality.ATTR_INVALID
ALARM = tango.AttrQuality.ATTR_ALARM


class FakeMonitor:
    """What the presenter reads of a Monitor."""

    options = Options(target_devices=("sys/*/*",))
    recording = Recording()
    health = Health()
    outlets: tuple[OutletHealth, ...] = ()
    targets = ("sys/*/*",)
    poll_period = 10.0
    sampling_wanted = False
    unrecorded_marks = 0
    canaries = ()
    links = ()
    clients = SimpleNamespace(health=ClientsHealth())
    verdict: Verdict | None = None
    own_process: OwnProcess | None = None
    telemetry_problems: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.running = Running(Patience(), self.options.alarm_hold_time)
        self.metrics = Intake(self.options)
        self.extra_attributes = ExtraAttributes((), self.metrics.add, lambda: 1.0, 1.0)


class Shown(Presenter):
    """A presenter whose monitor judges each Snapshot before, as the real one does."""

    def take(self, snapshot: Snapshot) -> None:
        self.monitor.verdict = self.monitor.running.take(snapshot)  # type: ignore[attr-defined, misc]
        super().take(snapshot)


def presenter() -> Presenter:
    return Shown(FakeMonitor())  # type: ignore[arg-type]


def test_before_the_first_poll() -> None:
    shown = presenter()
    view = shown.view(event_errors=0)
    assert view.polled is None
    assert shown.state(view) is DeviceState.UNKNOWN
    assert "Waiting" in shown.status(view)
    assert readings(view)["totalMissedEvents"].quality == INVALID
    assert readings(view)["pollPeriod"] == Reading(10.0, VALID)


def test_a_snapshot_is_shown_whole() -> None:
    shown = presenter()
    shown.take(snapshot(server("a", subscription(missed_total=7, missed_delta=7))))
    view = shown.view(event_errors=4)
    assert shown.state(view) is DeviceState.ALARM
    assert "a missed 7 events" in shown.status(view, ("A note.",))
    current = readings(view)
    assert current["totalMissedEvents"] == Reading(7, tango.AttrQuality.ATTR_ALARM)
    assert current["missedRate"].quality == INVALID
    assert current["eventPushErrors"] == Reading(4, VALID)
    assert "stem-device.latestSnapshot" in str(current["latestSnapshot"].value)


def test_the_history_goes_on_from_snapshot_to_snapshot() -> None:
    shown = presenter()
    shown.take(snapshot(server("a", subscription(missed_total=7, missed_delta=7))))
    shown.take(snapshot(server("a", subscription(missed_total=7)), seconds=10))
    assert shown.state(shown.view(event_errors=0)) is DeviceState.ALARM
    assert readings(shown.view(event_errors=0))["recentMissedEvents"] == Reading(7, ALARM)
    shown.take(snapshot(server("a", subscription(missed_total=7)), seconds=400))
    view = shown.view(event_errors=0)
    assert shown.state(view) is DeviceState.ON
    current = readings(view)
    assert current["totalMissedEvents"] == Reading(7, VALID)
    assert current["recentMissedEvents"] == Reading(0, VALID)


def test_the_missing_rate_is_that_of_one_poll() -> None:
    shown = presenter()
    for missed, seconds in ((0, 0), (30, 10), (30, 20)):
        shown.take(snapshot(server("a", subscription(missed_total=missed)), seconds=seconds))
        if seconds == 10:
            assert readings(shown.view(event_errors=0))["missedRate"] == Reading(3.0, VALID)
    assert readings(shown.view(event_errors=0))["missedRate"] == Reading(0.0, VALID)


KINDS = ("change", "alarm", "archive")


class FakeAttribute:
    """Says which events have subscribers."""

    def __init__(self, subscribed: tuple[str, ...]) -> None:
        self._subscribed = subscribed

    def __getattr__(self, method: str) -> Any:
        return lambda: method.removesuffix("_event_subscribed") in self._subscribed


class FakeDevice:
    """Keeps what was declared and pushed; refuses to push ``refused``."""

    def __init__(
        self,
        refused: str = "",
        refusal: type[Exception] = tango.DevFailed,
        subscribed: tuple[str, ...] = KINDS,
    ) -> None:
        self.refused, self.refusal = refused, refusal
        self._attribute = FakeAttribute(subscribed)
        self.declared: list[tuple[str, str]] = []
        self.pushed: list[tuple[str, str, object]] = []

    def get_device_attr(self) -> FakeDevice:
        return self

    def get_attr_by_name(self, name: str) -> FakeAttribute:
        assert name in WITH_EVENTS
        return self._attribute

    def __getattr__(self, method: str) -> Any:
        verb, kind, _ = method.split("_")

        def called(name: str, *arguments: object) -> None:
            if verb == "set":
                assert arguments == (True, False)
                self.declared.append((kind, name))
                return
            if name == self.refused:
                raise self.refusal
            self.pushed.append((kind, name, arguments[0]))

        return called


def test_every_kind_is_declared_of_everything() -> None:
    device = FakeDevice()
    EventPusher(device)
    assert set(device.declared) == {
        (kind, name) for kind in ("change", "archive", "alarm") for name in WITH_EVENTS
    }
    assert {"State", "Status"} <= set(WITH_EVENTS)


@pytest.mark.parametrize(
    ("second", "polled", "kinds"),
    [
        (Reading(1, VALID), True, ["archive"]),
        (Reading(1, VALID), False, []),
        (Reading(2, VALID), True, ["change", "alarm", "archive"]),
        (Reading(2, VALID), False, ["change", "alarm", "archive"]),
        (Reading(1, INVALID), True, ["change", "alarm", "archive"]),
    ],
)
def test_what_is_pushed(second: Reading, polled: bool, kinds: list[str]) -> None:
    device = FakeDevice()
    pusher = EventPusher(device)
    pusher.push({"State": Reading(1, VALID)}, 1.0, polled=False)
    assert [kind for kind, _, _ in device.pushed] == ["change", "alarm", "archive"]
    device.pushed.clear()
    pusher.push({"State": second}, 2.0, polled=polled)
    assert [kind for kind, _, _ in device.pushed] == kinds


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_subscribed_to_is_not_pushed(kind: str) -> None:
    device = FakeDevice(subscribed=(kind,))
    pusher = EventPusher(device)
    pusher.push({"State": Reading(1, VALID)}, 1.0, polled=True)
    assert device.pushed == [(kind, "State", 1)]


@pytest.mark.parametrize("refusal", [tango.DevFailed, TypeError])
def test_a_refused_push_is_counted_and_the_others_go_on(
    refusal: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    device = FakeDevice("State", refusal)
    pusher = EventPusher(device)
    pusher.push({"State": Reading(1, VALID), "Status": Reading(2, VALID)}, 1.0, polled=True)
    assert pusher.errors_total == 1
    assert {name for _, name, _ in device.pushed} == {"Status"}
    assert "The events of State were not pushed" in caplog.text
