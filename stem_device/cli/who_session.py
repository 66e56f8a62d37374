"""What ``stem who`` does, once its arguments are understood."""

from __future__ import annotations

import time

import tango
from rich.console import RenderableType
from rich.text import Text

from stem_device.accounting.ledger import Ledger
from stem_device.analysis.causes import Analyst
from stem_device.analysis.topology import Published, Restart, Topology, concerning, topology
from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.failures import tell
from stem_device.cli.json_output import print_json
from stem_device.cli.tables import print_lines, table, wide_console
from stem_device.errors import OptionError, StemError, TargetError
from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Snapshot
from stem_device.model.topics import NO_DATABASE
from stem_device.polling import Poller
from stem_device.polling.names import parse_target
from stem_device.report.number_text import common_prefix

EVERYTHING = "dserver/*/*"
_SCHEME = "tango://"
_ARGUMENT = "STREAM|DEVICE|SERVER"
_UNSEEN = {"certain": "somebody unseen", "maybe": "perhaps somebody unseen"}
POLLS = 3
"""A cause needs two polls in a row, and rates two: three tell both."""

PERIOD_SECONDS = 1.0
SCHEMA = "stem-device.topology"
SCHEMA_VERSION = 1


def run_who(name: str, timeout_seconds: float, *, limit: int, as_json: bool) -> ExitCode:
    """Ask, compute, print. Raises StemError."""
    target = everything_beside(name)
    tango.ApiUtil.instance()
    snapshots = _snapshots(target, timeout_seconds)
    found = concerning(topology(snapshots[0], snapshots[-1]), name)
    limits = not_seen(snapshots[-1])
    if not found.streams:
        why = limits or "it has had no subscriber for 10 minutes, or there is no such name"
        raise StemError(f"no server tells of {name.strip()}: {why}")
    if limits:
        tell(limits)
    if as_json:
        print_json({"schema": SCHEMA, "version": SCHEMA_VERSION, **_builtins(found)})
    else:
        print_lines(wide_console(), _parts(found, limit))
    return ExitCode.OK


def everything_beside(name: str) -> str:
    """All servers of the database that a name is of. Raises OptionError for what cannot be a name.

    Servers of another database than the one that is named would tell of a namesake.
    """
    text = name.strip().lower()
    host, path = "", text
    if text.startswith(_SCHEME):
        host, _, path = text.removeprefix(_SCHEME).partition("/")
    if NO_DATABASE in path:
        raise OptionError(
            _ARGUMENT, name, "names a server without a database, and only a database tells of all servers"
        )
    parts = path.split("/")
    if len(parts) not in {2, 3, 4} or not all(parts) or "*" in path or not path.isprintable():
        raise OptionError(
            _ARGUMENT,
            name,
            "is none; it must look like sys/tg_test/1/double_scalar.change, sys/tg_test/1 or TangoTest/test",
        )
    target = f"{_SCHEME}{host}/{EVERYTHING}" if text.startswith(_SCHEME) else EVERYTHING
    try:
        parse_target(target)
    except TargetError as error:
        raise OptionError(_ARGUMENT, name, error.reason) from error
    return target


def not_seen(snapshot: Snapshot) -> str:
    """Why subscribers may not have been seen; empty where all servers that run were asked."""
    if snapshot.problems:
        return f"who is subscribed is not known: {snapshot.problems[0]}"
    running = (one for one in snapshot.servers if one.state is not ServerState.NOT_EXPORTED)
    silent = sum(not one.answered for one in running)
    if not silent:
        return ""
    whom = "1 server" if silent == 1 else f"{silent:,} servers"
    return f"{whom} could not be asked, what they publish and have subscribed to is not seen; see stem check"


def _builtins(found: Topology) -> dict[str, object]:
    return {"seconds": found.seconds, "streams": found.streams, "restarts": found.restarts}


def _snapshots(target: str, timeout_seconds: float) -> list[Snapshot]:
    options = Options(target_devices=(target,), target_timeout=timeout_seconds, poll_period=PERIOD_SECONDS)
    clock = SystemClock()
    poller, ledger, analyst = Poller(options, clock=clock), Ledger(clock), Analyst()
    snapshots = []
    try:
        for number in range(POLLS):
            if number:
                time.sleep(PERIOD_SECONDS)
            snapshots.append(analyst.complete(ledger.account(poller.poll(spare=False))))
    finally:
        poller.close()
    return snapshots


def _parts(found: Topology, limit: int) -> list[RenderableType | None]:
    prefix = common_prefix([one.publisher for one in found.streams if one.publisher])
    rows = [row for one in found.streams for row in _rows(one, prefix)]
    shown = rows if not limit else rows[:limit]
    headings = ("RATE", "LAG", "OVERDUE", "MISSED", "STREAM", "PUBLISHER", "SUBSCRIBER", "CAUSE")
    title = f"Who publishes what to whom, over {found.seconds:.1f} s"
    return [
        table(title, headings, shown, numbers=4, hidden=len(rows) - len(shown)),
        *(Text(_restart(one, prefix)) for one in found.restarts),
    ]


def _rows(one: Published, prefix: str) -> list[tuple[str, ...]]:
    publisher = one.publisher.removeprefix(prefix) or "not known"
    stream = one.stream.removeprefix(prefix)
    if not one.subscribers:
        who = {"certain": "somebody unseen", "maybe": "perhaps somebody unseen"}.get(
            one.unseen, "nobody seen"
        )
        return [(_per_second(one.published_rate), "", "", "", stream, publisher, who, "")]
    return [
        (
            _per_second(receiver.received_rate),
            "?" if receiver.lag_seconds is None else f"{receiver.lag_seconds:.1f} s",
            "?" if receiver.overdue is None else f"{receiver.overdue:,}",
            f"{receiver.missed_total:,}",
            stream,
            publisher,
            receiver.server.removeprefix(prefix),
            receiver.cause,
        )
        for receiver in one.subscribers
    ]


def _per_second(rate: float | None) -> str:
    return "?" if rate is None else f"{rate:,.1f}/s"


def _restart(one: Restart, prefix: str) -> str:
    name = one.server.removeprefix(prefix)
    unseen = (
        f" and {_many(one.unseen_streams, 'stream')} with unseen subscribers" if one.unseen_streams else ""
    )
    own = f"; it would make {one.own_subscriptions} of its own anew" if one.own_subscriptions else ""
    subscriptions, servers = _many(one.subscriptions, "subscription"), _many(len(one.servers), "server")
    whom = f"{subscriptions} of {servers} to {_many(one.streams, 'stream')}"
    return f"A restart of {name} would interrupt {whom}{unseen}, for about 10 s{own}."


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
