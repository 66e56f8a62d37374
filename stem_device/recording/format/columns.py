"""How columns are written down, and those that several tables have."""

from __future__ import annotations

from typing import Any

from stem_device.recording.kinds import Column, Kind, Version


def an_integer(name: str, units: str, about: str, source: str | None = None, **more: Any) -> Column:
    """A column of whole numbers, from the field ``source`` of the record: ``name`` if not told."""
    return Column(name, Kind.INTEGER, units, about, name if source is None else source, **more)


def a_float(name: str, units: str, about: str, source: str | None = None, **more: Any) -> Column:
    """A column of numbers of double precision."""
    return Column(name, Kind.FLOAT, units, about, name if source is None else source, **more)


def a_flag(name: str, about: str, source: str | None = None, **more: Any) -> Column:
    """A column of 0 and 1."""
    return Column(name, Kind.FLAG, "", about, name if source is None else source, **more)


def a_name(name: str, about: str, source: str | None = None, **more: Any) -> Column:
    """A column of texts, each of which stands once in the table ``names``."""
    return Column(name, Kind.NAME, "", about, name if source is None else source, **more)


SINCE_1_2: Version = (1, 2)

SINCE_1_3: Version = (1, 3)

POLL = an_integer("poll", "", "number of the poll", "")

SERVER = a_name("server", "admin device of the server", "")


def counts(of: str = "counts") -> tuple[Column, ...]:
    """Columns of a record of Counts."""
    return (
        an_integer("published_total", "count", "events published", f"{of}.published"),
        an_integer("received_total", "count", "events received", f"{of}.received"),
        an_integer(
            "missed_total", "count", "events pushed that never reached a subscription", f"{of}.missed"
        ),
        an_integer("gaps_total", "count", "gaps noticed by cppTango", f"{of}.gaps"),
        an_integer(
            "discarded_total", "count", "events received and discarded by cppTango", f"{of}.discarded"
        ),
        an_integer("resets_total", "count", "counter series begun anew", f"{of}.resets"),
        an_integer(
            "overdue", "count", "events overdue now, of subscriptions where that is known", f"{of}.overdue"
        ),
        an_integer("disconnected", "count", "subscriptions being retried now", f"{of}.disconnected"),
        an_integer(
            "unaccounted_total",
            "count",
            "events overdue when a life ended: whether they arrived cannot be known",
            f"{of}.unaccounted",
            since=SINCE_1_2,
        ),
        an_integer(
            "missed_before",
            "count",
            "events pushed before monitoring began and lost; in no total",
            f"{of}.missed_before",
            since=SINCE_1_2,
        ),
        an_integer(
            "unobserved_total",
            "count",
            "events pushed where nothing tells whether they arrived, as far as their number is known",
            f"{of}.unobserved",
            since=SINCE_1_2,
        ),
        an_integer(
            "books_unbalanced",
            "count",
            "polls of a subscription whose counters contradict each other",
            f"{of}.books_unbalanced",
            since=SINCE_1_2,
        ),
        an_integer(
            "overdue_unknown",
            "count",
            "subscriptions now whose overdue events are not known",
            f"{of}.overdue_unknown",
            since=SINCE_1_2,
        ),
        an_integer(
            "unseen_streams",
            "count",
            "streams now with subscribers that are not monitored",
            f"{of}.unseen_streams",
            since=SINCE_1_2,
        ),
        a_float(
            "blind_seconds",
            "s",
            "time in which nothing counted what was pushed, summed over subscriptions",
            f"{of}.blind_seconds",
            since=SINCE_1_2,
        ),
    )
