"""A real server whose answers take long is asked less often; the count is its own."""

from __future__ import annotations

import math
import time

import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from stem_device.model.options import Options
from stem_device.model.snapshot import ServerRecord, Snapshot
from stem_device.monitor import Monitor
from stem_device.polling.sparing import ANSWERS_KEPT
from tests.system.harness import ServerFactory
from tests.system.harness.relay import SERVER

PERIOD = 0.2
SHARE = 0.2
ANSWER_SECONDS = 0.1
"""Half of the period, so that every third poll is the first that the share allows: 0.1 / 0.6."""


def test_it_spends_its_share_and_no_more(servers: ServerFactory, database: EmbeddedDatabase) -> None:
    names = []
    for instance in ("slow", "quick"):
        device = f"spared/relay/{instance}"
        servers.start(
            "tests.system.harness.relay", instance, register=(f"{SERVER}/{instance}", [("Relay", device)])
        )
        names.append(f"tango://{database.tango_host}/{device}")
    slow, quick = map(tango.DeviceProxy, names)
    slow.SetSeconds(ANSWER_SECONDS)
    monitor = Monitor(Options(target_devices=tuple(names), poll_period=PERIOD, max_query_share=SHARE))
    rows: list[ServerRecord] = []
    monitor.at_each_poll(lambda snapshot: rows.extend(snapshot.servers))
    monitor.start()
    try:
        wait_until(lambda: _asked_every(monitor)[:1] > [2], "the slow one to be spared", limit_seconds=60.0)
        begun, before = time.monotonic(), [slow.Queries(), quick.Queries()]
        assert before[0] >= ANSWERS_KEPT
        first = _latest(monitor).poll
        wait_until(lambda: _latest(monitor).poll >= first + 30, "30 polls", limit_seconds=60.0)
        polls = _latest(monitor).poll - first
        asked = [proxy.Queries() - number for proxy, number in zip((slow, quick), before, strict=True)]
        seconds = time.monotonic() - begun
        assert asked[0] * ANSWER_SECONDS <= SHARE * (seconds + 3 * PERIOD)
        assert abs(asked[1] - polls) <= 2, "the other one is asked at every poll"
        spared = [row for row in rows if row.queries == 0]
        assert spared, "the slow one was spared"
        for row in spared:  # what cannot be known is not 0
            assert row.age_seconds != 0
            assert (row.asked_utc_ns, row.asked_monotonic_ns) == (None, None)
            assert math.isnan(row.round_trip_seconds)
        answered = [row for row in rows if row.answered and row.name.endswith("/slow")]
        assert min(row.round_trip_seconds for row in answered) >= ANSWER_SECONDS
        assert all(row.asked_utc_ns and row.asked_monotonic_ns for row in answered)
        states = {server.state.value for server in _latest(monitor).servers}
        assert states == {"monitored"}
        queries = slow.Queries()
        monitor.poll_now()
        monitor.poll_now()
        assert slow.Queries() >= queries + 2, "whoever polls now gets an answer"
    finally:
        monitor.stop()


def _latest(monitor: Monitor) -> Snapshot:
    assert monitor.snapshot is not None
    return monitor.snapshot


def _asked_every(monitor: Monitor) -> list[int]:
    snapshot = monitor.snapshot
    return [server.asked_every for server in snapshot.servers] if snapshot else []
