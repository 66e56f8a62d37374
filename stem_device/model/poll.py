"""What one poll brought back, before anything is counted."""

from __future__ import annotations

import enum
import math

from msgspec import Struct

from stem_device.model.reply import Reply


class ServerState(enum.StrEnum):
    """The states of a monitored server, in the words an operator reads."""

    MONITORED = "monitored"
    UNREACHABLE = "unreachable"
    NOT_EXPORTED = "not exported"
    UNSUPPORTED = "unsupported"
    FAILING = "failing"
    TAPPED = "tapped"

    @property
    def is_counted(self) -> bool:
        """Whether what it publishes is counted; of one that is tapped, nothing else is."""
        return self in {ServerState.MONITORED, ServerState.TAPPED}


class Failure(enum.StrEnum):
    """Why there is no reply, as a code; ``reason`` says the same to a person.

    REFUSED: nothing listens where the server was. SILENT: it is there, or was, and does not answer in time.
    DATABASE: the database that knows its address does not answer, so nothing is known of the server.
    """

    NONE = ""
    NOT_EXPORTED = "not_exported"
    UNDEFINED = "undefined"
    REFUSED = "refused"
    SILENT = "silent"
    DATABASE = "database"
    UNSUPPORTED = "unsupported"
    ERROR = "error"
    REPLY = "reply"
    IMPLAUSIBLE = "implausible"


class Identity(Struct, frozen=True):
    """Which process a server is.

    ``life`` counts the processes that this monitor has seen under the server's name: 1 for the first, 0
    while it has seen none. Counters of two lives must never be compared.
    ``pid`` and ``started`` are what the database tells, ``started`` as it writes it; None and "" without one.
    ``since_utc_ns`` is when this life was first seen, 0 while there is none.
    """

    life: int = 0
    pid: int | None = None
    started: str = ""
    since_utc_ns: int = 0


class TapFigures(Struct, frozen=True):
    """What the tap heard of one publisher in this life of it. docs/reference/tap.md says what is counted.

    Counts of events are totals over all topics, ``size`` in bytes. ``pushed``: in this life from the first
    event heard on, of topics whose events carry a number; None where none does. ``others``: messages that are
    no events, and refused ones. ``unnumbered``: topics whose events carry no number. Rates are those since
    the poll before, None at the first poll. ``heartbeat_age_seconds`` is None before the first heartbeat.
    """

    connected: bool
    endpoint: str
    topics: int = 0
    unnumbered: int = 0
    pushed: int | None = None
    heard: int = 0
    size: int = 0
    duplicates: int = 0
    lost_here: int = 0
    lost_on_the_way: int = 0
    others: int = 0
    restarts: int = 0
    heartbeats: int = 0
    heartbeat_age_seconds: float | None = None
    events_per_second: float | None = None
    bytes_per_second: float | None = None


class Answer(Struct, frozen=True):
    """One server in one poll.

    ``server`` is its admin device (or the device itself, if that has ``QueryEventSystem``) with the
    ``tango://host:port/`` of its database, in lower case: the one name under which it is known.
    ``reason`` is empty when monitored; otherwise it says what is wrong and what to do.
    ``reply`` is None in any state but MONITORED and TAPPED, and where it was not asked; it holds the
    samples of every query of this poll.
    ``texts`` are the replies as they came, oldest first; kept also when they could not be parsed.
    ``asked``/``answered`` times belong to the last query of the poll, the one that brought the counters;
    all are 0 where nothing came, neither a reply nor an error.
    ``failure`` is NONE exactly when the state is MONITORED; it is UNSUPPORTED where it is TAPPED.
    ``identity`` is that of the process that answered last. ``ended``: that process is known to have ended
    (it is not exported, or refused the connection at two polls); a silent one has not.
    ``asked_every``: it is asked at every so manieth poll only, since its answers take long
    (``MaxQueryShare``); in the others it is what it was, without a reply.
    ``followed``: not a target itself, asked because a monitored subscription depends on it.
    ``event_endpoints`` and ``heartbeat_endpoints`` are where this life publishes; empty while not known.
    ``tap``: what was heard on the wire, where it is tapped. ``heard_from``: by the name of a stream that was
    first heard of since the poll before, how often it had been pushed before that. The counters of a TAPPED
    server are lower bounds: the last events may not have been heard.
    ``complete``: topics of which all that was due has arrived, known without their publishers: by a period.
    """

    server: str
    state: ServerState
    reason: str = ""
    since_utc_ns: int = 0
    tango_version: str = ""
    reply: Reply | None = None
    texts: tuple[str, ...] = ()
    queries: int = 0
    asked_every: int = 1
    sampling: bool = False
    sampling_ours: bool = False
    asked_utc_ns: int = 0
    asked_monotonic_ns: int = 0
    answered_monotonic_ns: int = 0
    failure: Failure = Failure.NONE
    identity: Identity = Identity()
    ended: bool = False
    followed: bool = False
    event_endpoints: tuple[str, ...] = ()
    heartbeat_endpoints: tuple[str, ...] = ()
    tap: TapFigures | None = None
    heard_from: dict[str, int] = {}
    complete: frozenset[str] = frozenset()


class PollPhases(Struct, frozen=True, gc=False):
    """How long each part of a poll took, in seconds; NaN where it is not known.

    ``resolve``: take up the targets that were looked up (and wait for them, at the first poll). ``ask``: from
    the first question to the last answer or time limit. ``parse``: make typed replies of the answers.
    ``account``: count, name the causes and judge. ``record`` and ``publish``, the time that the poll waited
    for the disk and that attributes and events took, come after it: they are those of the poll before.
    """

    resolve_seconds: float = math.nan
    ask_seconds: float = math.nan
    parse_seconds: float = math.nan
    account_seconds: float = math.nan
    record_seconds: float = math.nan
    publish_seconds: float = math.nan


UNKNOWN_PHASES = PollPhases()

PHASES = tuple(name.removesuffix("_seconds") for name in PollPhases.__struct_fields__)
PHASE_LABELS = tuple(f"poll.{phase}" for phase in PHASES)
"""What the phases are called among durations of processes, in the order of the record."""


class Poll(Struct, frozen=True):
    """One round of questions to every target.

    ``spread_seconds`` is the time between the first and the last request of the round;
    ``overruns_total`` counts the poll times that were skipped because a poll took longer than its period.
    ``problems`` are sentences about targets as a whole (a wildcard without a match, a database that is down).
    ``phases`` has those up to ``parse``.
    """

    number: int
    started_utc_ns: int
    started_monotonic_ns: int
    duration_seconds: float
    spread_seconds: float
    overruns_total: int
    answers: tuple[Answer, ...]
    problems: tuple[str, ...] = ()
    phases: PollPhases = UNKNOWN_PHASES
