"""A small recording with something in every table, for the tests that check, damage and convert it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import structs

from stem_device.model.mark import Mark, MarkKind
from stem_device.model.poll import ServerState
from stem_device.model.reply import NotConnected
from stem_device.model.snapshot import Snapshot
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.recording.layout import Part
from tests.unit.synthetic_recording import START_MONOTONIC_NS, START_UTC_NS, Outage, Plan, synthetic_snapshots

POLLS = 70  # more than a chunk of polls
PLAN = Plan(polls=POLLS, servers=3, streams=4, subscriptions=5, samples=12, outages=(Outage(7, 1, 3),))
LONG_NAME = "tango://control.example.org:10000/a/" + "long" * 80 + "/name"
REPLY = '{"version": 9, "surprise": "\u00b5"}'
CONTEXT = RecordingContext(
    label="to be damaged", targets=("dserver/*/*",), properties={"PollPeriod": "10.0"}, host="control-7",
    versions={"stem-device": "0.2.0"},
)  # fmt: skip


def made(plan: Plan = PLAN) -> list[Snapshot]:
    """The synthetic polls, with replies that could not be used, a lost connection and a long name."""
    return [_with_more(number, snapshot) for number, snapshot in enumerate(synthetic_snapshots(plan))]


def mark(number: int, kind: MarkKind = MarkKind.MARK, **more: Any) -> Mark:
    moment = START_UTC_NS + number * 10**9
    return Mark(
        kind=kind,
        run="run-1",
        name="flashed" if kind is MarkKind.MARK else kind.value,
        emitted_utc_ns=moment,
        received_utc_ns=moment + 1000,
        received_monotonic_ns=START_MONOTONIC_NS + number * 10**9,
        **more,
    )


MARKS = (
    mark(10, MarkKind.BEGIN, queue="night", device_group="gantry"),
    mark(12, iteration=2),
    mark(14, MarkKind.END, error="too hot"),
)


def write(path: Path, snapshots: list[Snapshot] | None = None, *, close: bool = True) -> Path:
    part = Part("0d4d1f6e-3a55-4f0c-9d0f-6a3b6c1e0002", 1, START_UTC_NS, START_MONOTONIC_NS, START_UTC_NS)
    recorder = Hdf5Recorder(path, CONTEXT, part=part)
    for number, snapshot in enumerate(made() if snapshots is None else snapshots):
        recorder.write(snapshot)
        if number == 1:
            for one in MARKS:
                recorder.write_mark(one)
    if close:
        recorder.close()
    return path


def _with_more(number: int, snapshot: Snapshot) -> Snapshot:
    first, *others = snapshot.servers
    gone = NotConnected("lab/axis/gone", "position", "change", "2026-11-22T03:00:00", None)
    more = {"not_connected": (gone,), "channels": {LONG_NAME: "tcp://10.0.0.1:40000"}}
    if number % 10 == 4:
        more |= {"state": ServerState.FAILING, "reason": "the reply cannot be used", "texts": (REPLY, "x")}
    return replace(snapshot, servers=(structs.replace(first, **more), *others))
