"""Fixtures for pytest: a test that asks for ``event_monitor`` is a run, and knows what was missed during it.

Every pytest in the environment imports this module: it must be cheap, and must not fail.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from stem_device.pytest_plugin.counts import EventCount

if TYPE_CHECKING:
    from stem_device.pytest_plugin.monitored import MonitoredTest
    from stem_device.pytest_plugin.sources import EventSource

__all__ = ["EventCount"]

FIXTURE = "event_monitor"
_ERROR = "_stem_device_error"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``pytest --help`` shows these."""
    group = parser.getgroup("stem-device", "events of Tango servers (fixture event_monitor)")
    group.addoption(
        "--event-monitor",
        metavar="DEVICE",
        help="Ask this running EventMonitor and send it marks; else the tests do the monitoring.",
    )
    group.addoption(
        "--event-monitor-target",
        action="append",
        metavar="TARGET",
        help="Device or admin device to monitor, wildcards too. May be given several times.",
    )
    group.addoption(
        "--event-monitor-recordings",
        metavar="DIRECTORY",
        help="Record to this directory where the tests do the monitoring.",
    )
    parser.addini("event_monitor", "As --event-monitor.")
    parser.addini("event_monitor_targets", "As --event-monitor-target, one a line.", type="linelist")
    parser.addini("event_monitor_recordings", "As --event-monitor-recordings.")
    parser.addini("event_monitor_settle_seconds", "How long events in flight are waited for.", default="5")


@pytest.fixture
def event_monitor_targets(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What is monitored where no EventMonitor runs; override it where servers are started by fixtures."""
    config = request.config
    targets = config.getoption("event_monitor_target") or config.getini("event_monitor_targets")
    return tuple(targets)


@pytest.fixture(scope="session")
def event_monitor_source(request: pytest.FixtureRequest) -> Iterator[EventSource]:
    """Who is asked: the running EventMonitor, or an engine of this process."""
    from stem_device.pytest_plugin.sources import open_source  # noqa: PLC0415 - imports Tango

    config = request.config
    source = open_source(
        device=config.getoption("event_monitor") or config.getini("event_monitor"),
        recordings=config.getoption("event_monitor_recordings") or config.getini("event_monitor_recordings"),
    )
    yield source
    source.close()


@pytest.fixture
def event_monitor(
    request: pytest.FixtureRequest, event_monitor_source: EventSource, event_monitor_targets: tuple[str, ...]
) -> Iterator[MonitoredTest]:
    """The events of the monitored servers during this test: ``assert event_monitor.missed == 0``."""
    from stem_device.pytest_plugin.monitored import monitored_test  # noqa: PLC0415 - imports msgspec

    event_monitor_source.watch(event_monitor_targets)
    test = monitored_test(
        event_monitor_source,
        request.node.nodeid,
        settle_seconds=float(request.config.getini("event_monitor_settle_seconds")),
    )
    test.begin()
    yield test
    test.end(getattr(request.node, _ERROR, None))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Keep why the test failed: its run ends with that."""
    outcome = yield
    if FIXTURE not in getattr(item, "fixturenames", ()) or call.when == "teardown":
        return
    report = outcome.get_result()
    if report.failed and call.excinfo is not None:
        setattr(item, _ERROR, f"{call.excinfo.typename}: {call.excinfo.value}")
    elif call.when == "setup":  # a test may be run again
        setattr(item, _ERROR, None)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Say who missed what from whom, where a count is not what the test wants."""
    count, other = (left, right) if isinstance(left, EventCount) else (right, left)
    if not isinstance(count, EventCount):
        return None
    sides = (str(count), repr(other)) if count is left else (repr(other), str(count))
    return [f"{sides[0]} {op} {sides[1]}", *count.details]
