"""A finding: why one subscription loses events or waits for them, with the numbers that say so."""

from __future__ import annotations

import enum

from msgspec import Struct


class Cause(enum.StrEnum):
    """Why a subscription lost events or waits for them; explained in how-tango-events-work.md.

    DRAINED and CLOCK explain numbers that look wrong, and never a loss: they come as notes alone.
    """

    NOT_RUNNING = "not_running"
    NEVER_CONNECTED = "never_connected"
    FORMER_LIFE = "former_life"
    PUBLISHER_GONE = "publisher_gone"
    CONSUMER_BLOCKED = "consumer_blocked"
    CALLBACK_SLOW = "callback_slow"
    BURST = "burst"
    RENEWED = "renewed"
    RESTARTED = "restarted"
    STARTING = "starting"
    DRAINED = "drained"
    DISCARDED = "discarded"
    CLOCK = "clock"
    UNKNOWN = "unknown"


class Concern(enum.StrEnum):
    """What a finding is about. LOST: events were lost or are unaccounted. NOTE: nothing is wrong."""

    LOST = "lost"
    WAITING = "waiting"
    NOTE = "note"


class Standing(enum.StrEnum):
    """How a subscription keeps up, from its lag over the window and without thresholds.

    OK: it had caught up within the window. SLOW: events arrive, and the lag never falls. STALLED: nothing
    arrives though events wait. STOPPED: the subscriber does not run. RECOVERING: the lag falls.
    """

    OK = "ok"
    SLOW = "slow"
    STALLED = "stalled"
    STOPPED = "stopped"
    RECOVERING = "recovering"


class Finding(Struct, frozen=True):
    """What is known of one subscription that lost events or waits for them; of a server in a note.

    ``likely``: other causes would leave the same numbers; ``advice`` then says how to be certain.
    ``lost`` are the events missed or unaccounted within the window; ``overdue`` as in its record.
    ``since_utc_ns`` to ``until_utc_ns`` is when: from the last poll at which all was well to the last one
    that showed otherwise. ``evidence`` are numbers by name, with units; ``named`` is what the sentence
    names besides (an attribute, an endpoint, a side), empty if nothing.
    """

    server: str
    topic: str
    stream: str
    publisher: str
    concern: Concern
    cause: Cause
    likely: bool
    standing: Standing
    lost: int
    overdue: int | None
    since_utc_ns: int
    until_utc_ns: int
    sentence: str
    advice: str
    evidence: dict[str, float] = {}
    named: str = ""
