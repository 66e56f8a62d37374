"""What AddTarget takes on a running device, and what it leaves in the database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from tests.system.event_monitors import EventMonitor, event_monitor

KEPT = ["no/such/device", "dserver/nosuchserver/*"]


@pytest.fixture(scope="module")
def monitor(
    tango_client: None, database: EmbeddedDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EventMonitor]:
    with event_monitor(database, tmp_path_factory.mktemp("targets"), KEPT) as monitor:
        monitor.wait_polls()
        yield monitor


def lines(monitor: EventMonitor, database: EmbeddedDatabase) -> list[str]:
    """Of the property TargetDevices in the database."""
    device = "/".join(monitor.name.split("/")[-3:])
    return list(database.connection().get_device_property(device, "TargetDevices")["TargetDevices"])


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "must not be empty"),
        ("  ", "must not be empty"),
        ("a b", "must look like sys/tg_test/1"),
        ("sys/tg test/1", "must look like sys/tg_test/1"),
        ("sys/tg_test", "must look like sys/tg_test/1"),
        ("sys//1", "must look like sys/tg_test/1"),
        ("sys/tg_test/1/double_scalar", "names an attribute; name its device, sys/tg_test/1"),
        ("tango://host:10000/a/b/c/d", "names an attribute; name its device, a/b/c"),
        ("tango://host:10000/a/b/c/d#dbase=no", "names an attribute; name its device, a/b/c"),
        ("tango://host/a/b/c", "there must be host:port"),
        ("tango://host:99999/a/b/c", "there must be host:port"),
        ("http://host:1/a/b/c", "must look like sys/tg_test/1"),
        ("a/b/c#dbase=no", "#dbase=no"),
        ("sys*", "a pattern needs three parts"),
        ("a/b/c\nd/e/f", "cannot hold"),
        ("a/b/" + "c" * 1100, "longer than 1024 characters"),
        ("a/b/" + "c" * 100_000, "longer than 1024 characters"),
    ],
    ids=lambda text: text[:30],
)
def test_what_can_be_no_target_is_refused(
    monitor: EventMonitor, database: EmbeddedDatabase, target: str, words: str
) -> None:
    polls = monitor.value("pollNumber")
    with pytest.raises(tango.DevFailed) as refused:
        monitor.proxy.AddTarget(target)
    error = refused.value.args[0]
    assert error.reason == "STEM_OptionError"
    assert words in error.desc
    assert len(error.desc) < 500
    assert lines(monitor, database) == KEPT
    assert list(monitor.proxy.targets) == KEPT
    monitor.wait(lambda: monitor.value("pollNumber") > polls, "polls to go on")


def test_a_name_beyond_ascii_is_kept_so_that_the_next_start_can_read_it(
    monitor: EventMonitor, database: EmbeddedDatabase
) -> None:
    target = "test/thermomètre/1"
    monitor.proxy.AddTarget(target)
    try:
        assert lines(monitor, database) == [*KEPT, target]
        monitor.process.stop()
        monitor.process.start()
        assert list(monitor.proxy.targets) == [*KEPT, target]
    finally:
        monitor.proxy.RemoveTarget(target)
    assert lines(monitor, database) == KEPT


def test_a_device_beyond_ascii_is_found_in_the_database(
    monitor: EventMonitor, database: EmbeddedDatabase
) -> None:
    """PyTango can run none of such a name, but register one; C++ servers can run it."""
    device = "test/thermomètre/2"
    database.add_server("Thermometer/2", [("Thermometer", device)])
    for target in (device, "test/thermom*/2"):
        monitor.proxy.AddTarget(target)
        try:
            monitor.wait(lambda: monitor.value("notExportedServers") == 1, "the server to be found")
        finally:
            monitor.proxy.RemoveTarget(target)
        monitor.wait(lambda: monitor.value("notExportedServers") == 0, "the server to be gone")
