"""A database that is down explains nothing about the servers: none leaves, none begins anew."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from tests.system.cpp_database import CppDatabase
from tests.system.harness import freeze
from tests.system.tango_tree import NoTreeError, tango_tree
from tests.truth.lab import QUEUES, Lab
from tests.truth.rows import Expect, Must, Row, judge
from tests.truth.servers import BIG

matrix = pytest.mark.matrix
PERIOD = 0.25
OUTAGE_POLLS = 40
"""Long enough for several look-ups of a wildcard, and for a call to a database that hangs to time out."""

Database = EmbeddedDatabase | CppDatabase
NAMES = ("a0", BIG)


@contextmanager
def killed(database: Database) -> Iterator[None]:
    database.kill()
    yield
    database.start()


@contextmanager
def hung(database: Database) -> Iterator[None]:
    freeze(database.pid)
    try:
        yield
    finally:
        os.kill(database.pid, signal.SIGCONT)


@contextmanager
def mariadb_killed(database: Database) -> Iterator[None]:
    """DataBaseds 9.3.4 never connects to its MariaDB again: it has to be started again, too."""
    assert isinstance(database, CppDatabase)
    database.mariadb.kill()
    yield
    database.start_mariadb()
    database.kill()
    database.start()


@contextmanager
def both_killed(database: Database) -> Iterator[None]:
    assert isinstance(database, CppDatabase)
    database.kill()
    database.mariadb.kill()
    yield
    database.start_mariadb()
    database.start()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("outage", [killed, pytest.param(hung, marks=matrix)])
def test_outage_of_pytango_db(outage: Callable[..., Any], tmp_path: Path, tango_client: None) -> None:
    with EmbeddedDatabase(tmp_path, file=tmp_path / "tango.sqlite") as database:
        _nothing_is_forgotten(database, outage, tmp_path)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "outage",
    [pytest.param(killed, marks=matrix), hung, mariadb_killed, pytest.param(both_killed, marks=matrix)],
)
def test_outage_of_the_cpp_database(outage: Callable[..., Any], tmp_path: Path, tango_client: None) -> None:
    try:
        tree = tango_tree()
    except NoTreeError as error:
        pytest.skip(str(error))
    with CppDatabase(tree, tmp_path) as database:
        _nothing_is_forgotten(database, outage, tmp_path)


def _nothing_is_forgotten(database: Database, outage: Callable[..., Any], directory: Path) -> None:
    lab = Lab(database, directory, 1, PERIOD)
    try:
        publisher, subscriber = lab.publisher(**QUEUES), lab.subscriber(NAMES, **QUEUES)
        lab.connected(publisher, subscriber, NAMES)
        lab.push(publisher, subscriber, NAMES, 10)
        lab.monitor("dserver/stemtruth/*", ResolvePeriod="1")
        lab.push(publisher, subscriber, ("a0",), 20)
        lab.polls(2)
        with outage(database):
            lab.overflow(publisher, subscriber)
            lab.push(publisher, subscriber, NAMES, 1)
            lab.polls(OUTAGE_POLLS)
            lab.push(publisher, subscriber, ("a0",), 30)
            lab.polls(2)
            _is_true_meanwhile(lab)
        lab.push(publisher, subscriber, ("a0",), 40)
        lab.wait(lambda: "atabase" not in lab.device.proxy.status(), "the end of the outage to be told", 60)
        lab.push(publisher, subscriber, NAMES, 5)
        lab.polls(4)
        outcome = judge(Row(outage.__name__, PERIOD, lambda _lab: Expect()), lab, Expect(Must.EXACT))
        assert outcome.wrong == (), outcome
        assert outcome.truth is not None
        assert outcome.truth.lost > 0
        assert lab.history[-1]["totals"]["published"] == outcome.truth.pushed
        assert {tuple(s["name"] for s in poll["servers"]) for poll in lab.history} == {
            (publisher.name, subscriber.name)
        }
        assert len({poll["monitoringSince"] for poll in lab.history}) == 1
    finally:
        lab.close()


def _is_true_meanwhile(lab: Lab) -> None:
    """The database is what is wrong; both servers are polled as ever, and neither is said to be gone."""
    status = lab.device.proxy.status()
    assert "database" in status.lower(), status
    assert "not exported" not in status
    assert {server["state"] for server in lab.history[-1]["servers"]} == {"monitored"}
    assert all(server["ageSeconds"] == 0 for server in lab.history[-1]["servers"])
    assert lab.device.proxy.state() in (tango.DevState.ON, tango.DevState.ALARM)
