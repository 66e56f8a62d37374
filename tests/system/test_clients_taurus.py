"""A real Taurus form, offscreen, that is watched: its subscriptions are the ones that are counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stem_device.demo.database import EmbeddedDatabase
from tests.system.event_monitors import event_monitor
from tests.system.harness import ServerFactory
from tests.system.test_clients import subscribed

pytestmark = [pytest.mark.needs("taurus"), pytest.mark.matrix]

FORM = """
import sys
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm
from stem_device.client import watch

device, monitor, picture = sys.argv[1:]
application = TaurusApplication([], cmd_line_parser=None, app_name="synoptic")
watch(monitor, name="Synoptic View")
form = TaurusForm()
form.setModel([f"{device}/number", f"{device}/second"])
form.show()
from taurus.external.qt import Qt
timer = Qt.QTimer()
timer.timeout.connect(lambda: (form.grab().save(picture), application.quit()))
timer.start(int(sys.stdin.readline()) * 1000)
print("shown", flush=True)
application.exec_()
"""


def test_a_form_is_a_server_like_any_other(
    servers: ServerFactory, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    publisher = servers()
    picture = tmp_path / "form.png"
    environment = {**os.environ, "TANGO_HOST": database.tango_host, "QT_QPA_PLATFORM": "offscreen"}
    with event_monitor(database, tmp_path) as monitor:
        device = publisher.publisher.device
        form = subprocess.Popen(
            [sys.executable, "-c", FORM, device, monitor.name, str(picture)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert form.stdin is not None
            assert form.stdout is not None
            print(12, file=form.stdin, flush=True)
            assert form.stdout.readline() == "shown\n"

            def both() -> bool:
                row = subscribed(monitor)
                return row is not None and len(_change(row)) == 2

            monitor.wait(both, "both attributes of the form")
            publisher.publisher.push(steps=30)
            publisher.publisher.push("second", steps=12)

            def received() -> list[int]:
                row = subscribed(monitor)
                return sorted(one["received"] for one in _change(row)) if row else []

            monitor.wait(lambda: received() == [12, 30], "what was pushed")
            assert monitor.value("totalMissedEvents") == 0
            assert form.wait(40) == 0
            assert picture.stat().st_size > 1000
        finally:
            form.kill()
            form.communicate()


def _change(row: dict[str, list[dict[str, str]]]) -> list[dict[str, int]]:
    return [one for one in row["subscriptions"] if one["stream"].endswith(".change")]  # type: ignore[misc]
