"""What a client that is no device server says of itself, and what it is answered.

:mod:`stem_device.client.watching` sends it with the command ``ReportClient``; docs/reference/clients.md has
the JSON.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from stem_device.model.limits import MAX_COUNT

VERSION = 1

MAX_REPORT_CHARACTERS = 4_000_000
"""Longest report: 10,000 subscriptions with full sample buffers."""

MAX_TEXTS = 100
"""Most replies in one report."""

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Word = Annotated[str, Meta(max_length=64)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Number = Annotated[int, Meta(ge=0, le=MAX_COUNT)]


class ClientReport(Struct, frozen=True, kw_only=True):
    """One process at one moment. Fields that are not known are ignored, for later versions.

    ``pid`` and ``started`` (ISO 8601, UTC) tell the process from any other of its ``host``.
    ``texts`` are the replies of its own ``query_event_system`` since its last report, the oldest first.
    ``number`` counts the reports of a process from 1 on; ``answered`` is the last one that it got an answer
    to, 0 for none, and ``since_answer_seconds`` how long after that answer it asked itself the last time.
    ``age_seconds`` is how long before the report was sent that was, ``query_seconds`` how long it took.
    ``period_seconds`` is when the next report may be expected.
    ``sampling_ours``: sampling was switched on by the reports' answers. ``ended``: this is the last report.
    """

    version: int
    name: Name
    host: Name
    pid: Annotated[int, Meta(ge=1, le=2**32)]
    started: Word = ""
    tango_version: Word = ""
    number: Number = 1
    answered: Number = 0
    since_answer_seconds: Seconds = 0.0
    age_seconds: Seconds = 0.0
    query_seconds: Seconds = 0.0
    period_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 10.0
    sampling_ours: bool = False
    ended: bool = False
    texts: Annotated[list[str], Meta(max_length=MAX_TEXTS)] = []


class ClientAnswer(Struct, frozen=True, kw_only=True):
    """What the monitor wants: under which name it lists the client, when to report again, whether to sample.

    ``queries``: how often the client may ask itself between two reports while it samples.
    """

    server: str
    period_seconds: float
    sampling: bool = False
    queries: int = 1
