"""Marks made by hand."""

from __future__ import annotations

from itertools import count
from typing import Any

from stem_device.model.mark import Mark, MarkKind

_seconds = count(1)


def mark(run: str, name: str, kind: MarkKind = MarkKind.MARK, **told: Any) -> Mark:
    now = 1_795_320_000_000_000_000 + next(_seconds) * 10**9
    times = {"emitted_utc_ns": now, "received_utc_ns": now + 5, "received_monotonic_ns": now % 10**15}
    return Mark(kind=kind, run=run, name=name, **(times | told))


def begin(run: str, **told: Any) -> Mark:
    return mark(run, "begin", MarkKind.BEGIN, **told)


def end(run: str, **told: Any) -> Mark:
    return mark(run, "end", MarkKind.END, **told)
