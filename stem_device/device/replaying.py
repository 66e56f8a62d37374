"""Devices that publish again what was heard on the wire: ``python -m stem_device.device.replaying``."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
import tango
from tango.server import Device, attribute, command, run

from stem_device.device.replay_plan import Place, Plan, Progress, Shape, payload_bytes, place_of, plan_of
from stem_device.reading.event_files import read_events
from stem_device.recording.event_files import HeardEvent

SERVER = "StemReplay"
INSTANCE = "replay"
FILE, SPEED = "STEM_REPLAY_FILE", "STEM_REPLAY_SPEED"
_STATE, _STATUS = "state", "status"


class Replay(Device):
    """Has the attributes that its name had when its events were heard. One replay for the whole server."""

    devices: ClassVar[dict[str, Replay]] = {}
    plan: ClassVar[Plan] = Plan()
    progress: ClassVar[Progress] = Progress()
    starting: ClassVar[threading.Lock] = threading.Lock()

    def init_device(self) -> None:
        super().init_device()  # type: ignore[no-untyped-call]
        name = self.get_name().lower()
        Replay.devices[name] = self
        self._values: dict[str, Any] = {}
        for attr, shape in Replay.plan.devices.get(name, {}).items():
            if attr not in {_STATE, _STATUS}:
                self.add_attribute(_attribute(attr, shape, self._read))
                self._values[attr] = _empty(shape)
            # All three together: with one of them missing, a client that subscribes to it breaks the push.
            self.set_change_event(attr, True, False)
            self.set_archive_event(attr, True, False)
            self.set_alarm_event(attr, True, False)

    def _read(self, attr: tango.Attribute) -> Any:
        return self._values[attr.get_name().lower()]

    def publish(self, place: Place, event: HeardEvent) -> None:
        """Publish one event."""
        name = place.attribute
        if event.errors:
            self._push(place.kind, name, _failure(event.errors))
        elif name == _STATE:
            self.set_state(_state(event.value))
            self._push(place.kind, "State")
        elif name == _STATUS:
            self.set_status(str(event.value or ""))
            self._push(place.kind, "Status")
        else:
            value = self._values[name] = _value(Replay.plan.devices[place.device][name], event)
            self._push(place.kind, name, value)

    def _push(self, kind: str, name: str, *values: Any) -> None:
        match kind:
            case "archive":
                self.push_archive_event(name, *values)
            case "alarm":
                self.push_alarm_event(name, *values)
            case "user_event":
                self.push_event(name, [], [], *values)
            case _:  # periodic events come of polling alone
                self.push_change_event(name, *values)

    @command
    def Begin(self) -> None:
        """Publish all events of the file, from the first on."""
        with Replay.starting:
            if Replay.progress.state == "running":
                return
            Replay.progress = Progress(state="running")
        threading.Thread(target=_publish, args=(Replay.progress,), daemon=True).start()

    @command(dtype_out=str, doc_out="JSON: state (waiting, running, done, failed), events, seconds, lateness")
    def Progress(self) -> str:
        """How far it is."""
        return msgspec.json.encode(Replay.progress).decode()


def _publish(progress: Progress) -> None:
    try:
        with tango.EnsureOmniThread():
            _publish_all(progress, float(os.environ[SPEED]))
    except Exception as error:  # noqa: BLE001 - a task boundary: told by the command
        progress.failure = f"{type(error).__name__}: {error}"
        progress.state = "failed"
    else:
        progress.state = "done"


def _publish_all(progress: Progress, speed: float) -> None:
    begun, first_ns = time.perf_counter(), None
    for event in read_events(Path(os.environ[FILE])):
        place = place_of(event.name)
        if place is None:
            continue
        first_ns = event.time_utc_ns if first_ns is None else first_ns
        due = begun + (event.time_utc_ns - first_ns) / 1e9 / speed if speed else 0.0
        wait = due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        elif speed:
            progress.late_seconds = max(progress.late_seconds, -wait)
        Replay.devices[place.device].publish(place, event)
        progress.events += 1
        progress.seconds = time.perf_counter() - begun


def _attribute(name: str, shape: Shape, read: Any) -> Any:
    kind: Any = {"DevString": str, "DevBoolean": bool}.get(shape.type, shape.type)
    if not shape.type:
        return attribute(name=name, dtype=("DevUChar",), max_dim_x=shape.size, fget=read)
    if shape.rank == 2:
        return attribute(
            name=name, dtype=((kind,),), max_dim_x=max(1, shape.x), max_dim_y=max(1, shape.y), fget=read
        )
    if shape.rank == 1:
        return attribute(name=name, dtype=(kind,), max_dim_x=max(1, shape.x), fget=read)
    return attribute(name=name, dtype=kind, fget=read)


def _empty(shape: Shape) -> Any:
    if not shape.type:
        return np.zeros(1, dtype=np.uint8)
    zeros: dict[str, Any] = {"DevString": "", "DevState": tango.DevState.UNKNOWN, "DevBoolean": False}
    zero = zeros.get(shape.type, 0)
    return [[zero]] if shape.rank == 2 else [zero] if shape.rank == 1 else zero


def _value(shape: Shape, event: HeardEvent) -> Any:
    value = event.value
    if not shape.type:
        return np.zeros(payload_bytes(event), dtype=np.uint8)
    if value is None or event.type != shape.type:
        return _empty(shape)
    if shape.type == "DevState":
        return [_state(one) for one in value] if isinstance(value, list) else _state(value)
    return value


def _state(value: Any) -> tango.DevState:
    return getattr(tango.DevState, str(value), tango.DevState.UNKNOWN)


def _failure(errors: Iterable[tuple[str, str, str]]) -> tango.DevFailed:
    found = []
    for reason, description, origin in errors:
        error = tango.DevError()
        error.reason, error.desc, error.origin = reason, description, origin
        error.severity = tango.ErrSeverity.ERR
        found.append(error)
    return tango.DevFailed(*found)


def main() -> None:
    """Serve the devices of the file until stopped; thousands are more than a command line holds."""
    Replay.plan = plan_of(read_events(Path(os.environ[FILE])))
    devices = ",".join(f"{Replay.__name__}::{name}" for name in sorted(Replay.plan.devices))
    run([Replay], args=[SERVER, *sys.argv[1:], "-nodb", "-dlist", devices])


if __name__ == "__main__":
    main()
