"""Registration in a real database."""

from __future__ import annotations

from pathlib import Path

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import tango_server, wait_until
from stem_device.device.register import Registration, register
from stem_device.errors import RegistrationError


def test_registered_started_and_registered_again(database: EmbeddedDatabase, tmp_path: Path) -> None:
    connection = database.connection()
    wanted = Registration(
        device="test/registered/1",
        instance="registered",
        properties={"TargetDevices": ["no/such/device"], "PollPeriod": ["0.5"]},
    )
    assert len(register(connection, wanted)) == 3
    log = tmp_path / "server.log"
    with tango_server("stem_device.device", "registered", log=log, tango_host=database.tango_host):
        proxy = tango.DeviceProxy(f"tango://{database.tango_host}/test/registered/1")
        assert proxy.pollPeriod == 0.5
        assert list(proxy.targets) == ["no/such/device"]
        assert register(connection, wanted) == ()
        # Adding it again would have un-exported it.
        assert connection.get_device_info("test/registered/1").exported
        other = Registration(
            device="test/registered/1", instance="registered", properties={"PollPeriod": ["0.25"]}
        )
        assert register(connection, other) == ("set PollPeriod to 0.25",)
        proxy.Init()
        wait_until(lambda: proxy.pollPeriod == 0.25, "the new period")


def test_a_device_of_another_server_is_left_alone(database: EmbeddedDatabase) -> None:
    connection = database.connection()
    database.add_server("Other/1", [("Other", "test/taken/1")])
    with pytest.raises(RegistrationError, match="Other/1"):
        register(connection, Registration(device="test/taken/1"))
