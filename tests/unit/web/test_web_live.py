"""The source of a running monitor: ready when everything that it shows is there."""

from __future__ import annotations

import pytest

from stem_device.catalogue import Details
from stem_device.model.options import Options
from stem_device.monitor import Monitor
from stem_device.web.source import NotReadyError
from tests.unit.made_snapshots import server, snapshot

pytest.importorskip("h5py")
pytest.importorskip("plotly")
pytest.importorskip("scipy")
pytestmark = pytest.mark.extras

from stem_device.web.live import LiveSource  # noqa: E402 - needs them


def test_it_is_ready_when_the_first_poll_can_be_shown() -> None:
    source = LiveSource(Monitor(Options()))
    assert not source.health().ready
    with pytest.raises(NotReadyError):
        source.metrics("", Details.LOSING)
    source.take(snapshot(server("s")))
    assert source.health().ready
    assert b"stem_events_received_total" in source.metrics("", Details.LOSING).body
    source.close()
