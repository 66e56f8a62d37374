"""Why subscriptions lost events or waited, from a recording: the same rules as live, poll by poll."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

import numpy as np
import numpy.typing as npt
from msgspec import structs

from stem_device.analysis.causes import Analyst, losers, worst_first
from stem_device.analysis.causes.pauses import PAUSE, Pause, Pauses
from stem_device.model.finding import Concern, Finding
from stem_device.model.poll import PHASE_LABELS, ServerState
from stem_device.model.snapshot import Snapshot
from stem_device.reading import Recording, Table

FOREVER_SECONDS = 3.2e9
"""A hundred years: over a recording every loss stays told."""

WAITING_POLLS = 2
"""As ``OverdueAlarmPolls`` has it by default; recordings do not tell what it was."""


def findings_of(recording: Recording) -> tuple[Finding, ...]:
    """Of every subscription that lost events or waited in the selected polls, worst first.

    One that waited and lost nothing is told with its last waiting. The rules see the publishers of the
    selected subscriptions too. Only servers that lost something, waited or were in trouble are read, with
    their publishers: nothing of a healthy recording.
    """
    shown, servers = _concerned(recording)
    if not shown:
        return ()
    whole = _of_all_names(recording).select(servers=[glob.escape(name) for name in servers])
    found: dict[tuple[str, str], Finding] = {}
    for snapshots in _by_source(recording, whole):
        analyst = Analyst(
            hold_seconds=FOREVER_SECONDS,
            waiting_polls=WAITING_POLLS,
            refresh_seconds=0.0,
            pauses=_pauses(recording),
        )
        for snapshot in snapshots:
            _take(found, losers(analyst.complete(snapshot).findings))
    return tuple(worst_first(one for key, one in found.items() if key in shown))


def _pauses(recording: Recording) -> Pauses:
    """All at once: telemetry comes a second or two after what it explains."""
    table = _of_all_names(recording)["telemetry"]
    found = Pauses()
    if len(table):
        pauses = [code for code, name in enumerate(recording.names) if str(name).startswith(PAUSE)]
        own = np.isin(table.codes("label"), pauses)
        pids, at, seconds = (table[name][own] for name in ("pid", "at_utc_ns", "value"))
        phases = [code for code, name in enumerate(recording.names) if str(name) in PHASE_LABELS]
        found.monitors.update(table["pid"][np.isin(table.codes("label"), phases)].tolist())
        for pid in np.unique(pids).tolist():
            one = pids == pid
            found.add(pid, map(Pause, at[one].tolist(), seconds[one].tolist()))
    return found


def _of_all_names(recording: Recording) -> Recording:
    """The same polls, of all servers and streams."""
    selections = tuple(replace(one, servers=None, streams=None) for one in recording.selected.selections)
    return Recording(recording.selected.archive, selections)


def _take(found: dict[tuple[str, str], Finding], findings: tuple[Finding, ...]) -> None:
    for finding in findings:
        key = (finding.server, finding.topic)
        before = found.get(key)
        if before is None or finding.concern is Concern.LOST or before.concern is not Concern.LOST:
            found[key] = finding


def _by_source(recording: Recording, view: Recording) -> Iterator[Iterator[Snapshot]]:
    """The Snapshots of one monitor after the other: their counters have nothing to do with each other."""
    sources = recording["polls"]["source"]
    snapshots = view.snapshots()
    for source in np.unique(sources).tolist():
        polls = int(np.count_nonzero(sources == source))
        yield chain((_begun(next(snapshots)),), islice(snapshots, polls - 1))


def _begun(snapshot: Snapshot) -> Snapshot:
    """The first one of a source: what it tells to have been lost was lost before."""
    servers = tuple(
        structs.replace(
            server,
            subscriptions=tuple(
                structs.replace(one, missed_delta=0, unaccounted_delta=0) for one in server.subscriptions
            ),
        )
        for server in snapshot.servers
    )
    return replace(snapshot, servers=servers)


def _concerned(recording: Recording) -> tuple[set[tuple[str, str]], list[str]]:
    """Subscriptions that may have a cause, as server and topic; and the servers to read for them."""
    table, names = recording["subscriptions"], recording.names
    troubled = _troubled(_of_all_names(recording))
    codes = [table.codes(column) for column in ("server", "topic", "publisher")]
    server, _, publisher = codes
    concerned = (table["missed_delta"] > 0) | (table["overdue"] > 0)
    if _has(table, "unaccounted_delta"):
        concerned |= table["unaccounted_delta"] != 0
    concerned |= np.isin(server, troubled) | np.isin(publisher, troubled)
    rows = np.unique(np.stack([own[concerned] for own in codes]), axis=1)
    shown = {(str(names[row[0]]), str(names[row[1]])) for row in rows.T.tolist()}
    wanted = {str(names[code]).lower() for code in np.unique(rows[[0, 2]]).tolist() if code >= 0}
    every = np.unique(_of_all_names(recording)["servers"].codes("server"))
    return shown, [name for name in map(str, names[every[every >= 0]]) if name.lower() in wanted]


def _troubled(recording: Recording) -> npt.NDArray[np.int32]:
    """Codes of the names of servers that did not answer at some poll, or began a new life."""
    servers = recording["servers"]
    monitored = np.flatnonzero(np.isin(recording.names, [one.value for one in ServerState if one.is_counted]))
    troubled = ~np.isin(servers.codes("state"), monitored)
    if _has(servers, "life"):
        troubled |= servers["life"] > 1
    named = {str(recording.names[code]).lower() for code in np.unique(servers.codes("server")[troubled])}
    # A publisher may be spelled in another case where it is subscribed to.
    return np.flatnonzero([str(name).lower() in named for name in recording.names]).astype(np.int32)


def _has(table: Table, column: str) -> bool:
    """Whether the recording tells: older formats lack some columns."""
    return column in table and table.knows(column)
