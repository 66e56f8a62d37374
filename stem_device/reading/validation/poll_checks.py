"""Checks of the polls and of what belongs to which. One generator a check."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stem_device.reading.validation.columns import Values
from stem_device.reading.validation.finding import Finding, note
from stem_device.reading.validation.scan import Spot, UnifiedNames, owners, scan, told
from stem_device.reading.validation.stored import StoredFile
from stem_device.recording import format as spec

_TIME_TOLERANCE_SECONDS = 1e-3
_OWNED = tuple(
    table
    for table in spec.ROW_TABLES
    if table is not spec.SERVERS and any(column.name == "server" for column in table.columns)
)
"""Tables whose rows belong to a server."""
_TOTALS = (
    "published_total",
    "received_total",
    "missed_total",
    "gaps_total",
    "discarded_total",
    "resets_total",
)


def poll_numbers(file: StoredFile) -> Iterator[Finding]:
    """Numbers of polls rise."""
    numbers = file.all(spec.POLLS, "poll")
    if numbers is not None:
        wrong = np.diff(numbers) <= 0
        yield from told(
            Spot("poll_numbers", spec.POLLS, "poll"), 1, wrong, "is not higher than the one before"
        )


def poll_times(file: StoredFile) -> Iterator[Finding]:
    """The monotonic clock never falls; that UTC does is legal."""
    monotonic, utc = file.all(spec.POLLS, "monotonic_ns"), file.all(spec.POLLS, "time_utc_ns")
    if monotonic is not None:
        wrong = np.diff(monotonic) < 0
        yield from told(
            Spot("poll_times", spec.POLLS, "monotonic_ns"), 1, wrong, "is earlier than the one before"
        )
    if utc is not None:
        what = "is earlier than the one before, the clock was set back"
        for found in told(Spot("poll_times", spec.POLLS, "time_utc_ns"), 1, np.diff(utc) < 0, what):
            yield note(found.check, found.where, found.message)


def poll_seconds(file: StoredFile) -> Iterator[Finding]:
    """``time`` is the monotonic clock since the start of the recording."""
    monotonic, seconds = file.all(spec.POLLS, "monotonic_ns"), file.all(spec.POLLS, "time")
    if monotonic is not None and seconds is not None and (monotonic >= 0).any():
        start = monotonic / 1e9 - seconds
        # NaN is wrong too.
        wrong = ~(np.abs(start - np.median(start)) <= _TIME_TOLERANCE_SECONDS)
        yield from told(Spot("poll_seconds", spec.POLLS, "time"), 0, wrong, "does not go with monotonic_ns")


def ends(file: StoredFile) -> Iterator[Finding]:
    """Rows of a poll end where those of the poll before end, or after that."""
    for table in spec.ROW_TABLES:
        found = file.ends(table)
        if found is not None:
            falls = np.diff(found, prepend=0) < 0
            yield from told(
                Spot("ends", spec.POLLS, f"{table.name}_end"), 0, falls, "is lower than the one before"
            )


def row_polls(file: StoredFile) -> Iterator[Finding]:
    """The rows of a poll carry its number."""
    numbers = file.all(spec.POLLS, "poll")
    if numbers is None:
        return
    for table in spec.ROW_TABLES:
        ends_ = file.ends(table)
        if ends_ is None:
            continue

        def differs(first: int, values: Values, ends_: Values = ends_) -> Values:
            owner = np.minimum(owners(ends_, first, len(values)), len(numbers) - 1)
            return np.asarray(numbers[owner] != values)

        yield from scan(
            file,
            Spot("row_polls", table, "poll"),
            differs,
            "is not the number of the poll that it belongs to",
        )


def row_servers(file: StoredFile) -> Iterator[Finding]:
    """The server of a row is one of those of its poll."""
    names = UnifiedNames(file)
    known = _server_rows(file, names)
    if known is None:
        return
    for table in _OWNED:
        ends_ = file.ends(table)
        if ends_ is None:
            continue

        def is_stranger(first: int, codes: Values, ends_: Values = ends_) -> Values:
            keys = owners(ends_, first, len(codes)) * (names.rows + 1) + names(codes)
            return np.asarray(~np.isin(keys, known) & names.known(codes))

        yield from scan(file, Spot("row_servers", table, "server"), is_stranger, "is no server of its poll")


def server_once(file: StoredFile) -> Iterator[Finding]:
    """A server has one row a poll."""
    known = _server_rows(file, UnifiedNames(file))
    if known is not None:
        wrong = np.ones(len(known), bool)
        wrong[np.unique(known, return_index=True)[1]] = False
        yield from told(
            Spot("server_once", spec.SERVERS, "server"), 0, wrong, "is there for the second time in its poll"
        )


def sample_servers(file: StoredFile) -> Iterator[Finding]:
    """Samples of a poll stand by server, in the order of ``servers``; that there are not as many as it counts
    is legal, for some may have been lost before the file was recovered.
    """
    names = UnifiedNames(file)
    codes, of_polls = file.all(spec.SERVERS, "server"), file.ends(spec.SERVERS)
    for table in (spec.PUBLISHER_SAMPLES, spec.SUBSCRIBER_SAMPLES):
        counts, ends_ = file.all(spec.SERVERS, table.name), file.ends(table)
        if codes is None or of_polls is None or counts is None or ends_ is None:
            continue
        turns, complete = _turns(counts, of_polls, ends_)
        lost = "is not the number of samples that servers counts"
        for found in told(Spot("sample_servers", spec.POLLS, f"{table.name}_end"), 0, ~complete, lost):
            yield note(found.check, found.where, found.message)

        def is_another(
            first: int,
            values: Values,
            turns: Values = turns,
            complete: Values = complete,
            ends_: Values = ends_,
        ) -> Values:
            turn = np.minimum(owners(turns, first, len(values)), len(codes) - 1)
            differs = names(values) != names(codes[turn])
            return np.asarray(differs & complete[owners(ends_, first, len(values))])

        yield from scan(
            file,
            Spot("sample_servers", table, "server"),
            is_another,
            "is not the server whose turn it is in the order of servers",
        )


def _turns(counts: Values, of_polls: Values, ends_: Values) -> tuple[Values, Values]:
    """Where the samples of each row of ``servers`` end; and of which polls all samples are there."""
    counted = np.append(0, np.cumsum(counts))
    of_polls = np.clip(of_polls, 0, len(counts))
    complete = np.diff(counted[of_polls], prepend=0) == np.diff(ends_, prepend=0)
    poll = np.minimum(owners(of_polls, 0, len(counts)), len(ends_) - 1)
    lost = counted[of_polls] - ends_  # up to and with each poll
    return np.minimum(counted[1:] - np.append(0, lost)[poll], ends_[poll]), complete


def totals(file: StoredFile) -> Iterator[Finding]:
    """The totals of the polls never fall while ``monitoring_since_utc_ns`` stays the same."""
    since = file.all(spec.POLLS, "monitoring_since_utc_ns")
    for name in _TOTALS:
        values = file.all(spec.POLLS, name)
        if values is not None and since is not None:
            wrong = (np.diff(values) < 0) & (np.diff(since) == 0)
            yield from told(Spot("totals", spec.POLLS, name), 1, wrong, "is lower than the one before")


CHECKS = (
    poll_numbers,
    poll_times,
    poll_seconds,
    ends,
    row_polls,
    row_servers,
    server_once,
    sample_servers,
    totals,
)


def _server_rows(file: StoredFile, names: UnifiedNames) -> Values | None:
    """One number a row of ``servers``, the same only for the same server in the same poll."""
    codes, ends_ = file.all(spec.SERVERS, "server"), file.ends(spec.SERVERS)
    if codes is None or ends_ is None:
        return None
    return owners(ends_, 0, len(codes)) * (names.rows + 1) + names(codes)
