"""What ``stem who`` asks, and what it says of what it has not seen."""

from __future__ import annotations

import pytest

pytest.importorskip("tango")
pytest.importorskip("rich")

from typer.testing import CliRunner

from stem_device.cli.app import app
from stem_device.cli.who_session import everything_beside, not_seen
from stem_device.errors import OptionError
from stem_device.model.poll import ServerState
from tests.unit.made_snapshots import server, snapshot

pytestmark = pytest.mark.extras


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("sys/tg_test/1", "dserver/*/*"),
        (" Sys/Tg_Test/1/double_scalar.change ", "dserver/*/*"),
        ("TangoTest/test.1", "dserver/*/*"),
        ("tango://Other:10000/a/b/c", "tango://other:10000/dserver/*/*"),
        ("tango://[::1]:10000/dserver/a/b", "tango://[::1]:10000/dserver/*/*"),
    ],
)
def test_the_servers_of_the_database_that_is_named(name: str, target: str) -> None:
    assert everything_beside(name) == target


@pytest.mark.parametrize(
    "name",
    [
        *("", "  ", "/", "a", "a/b/c/d/e", "//a/b", "a/b/c/", "a/*/c", "a/b\n/c"),
        *("tango://", "tango://x", "tango://x/a/b/c", "tango://x:99999/a/b/c"),
        "tango://127.0.0.1:1/a/b/c#dbase=no",
    ],
)
def test_what_can_be_no_name(name: str) -> None:
    with pytest.raises(OptionError):
        everything_beside(name)


def test_what_is_not_seen_is_not_nobody() -> None:
    silent = server("dserver/b/1", state=ServerState.UNREACHABLE, age_seconds=None)
    stopped = server("dserver/c/1", state=ServerState.NOT_EXPORTED, age_seconds=None)
    assert not_seen(snapshot(server("dserver/a/1"), stopped)) == ""
    assert not_seen(snapshot(server("dserver/a/1"), silent)).startswith("1 server could not be asked")
    dead = not_seen(snapshot(problems=("the database does not answer",)))
    assert dead == "who is subscribed is not known: the database does not answer"


def test_a_database_that_is_dead() -> None:
    done = CliRunner().invoke(app, ["who", "a/b/c", "-t", "0.5"], env={"TANGO_HOST": "127.0.0.1:1"})
    assert done.exit_code == 1
    assert "does not answer" in done.output
    assert "nobody" not in done.output
