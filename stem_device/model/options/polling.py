"""Options of polling: who is asked, how often, and how long for."""

from __future__ import annotations

from dataclasses import dataclass

from stem_device.model.options.kinds import Choice, Count, Flag, Seconds, Share, Texts
from stem_device.model.options.option import OptionGroup, option

TAP_NEVER, TAP_UNSUPPORTED, TAP_ALL = "never", "unsupported", "all"

POLL_PERIOD = Seconds(0.01, 86_400.0)


@dataclass(frozen=True, kw_only=True)
class PollingOptions(OptionGroup):
    """What :class:`stem_device.polling.Poller` and the schedule need."""

    target_devices: tuple[str, ...] = option(
        (),
        Texts("target"),
        "What to monitor, one a line: devices or admin devices (dserver/server/instance), with * as "
        "wildcard against the database, or full names with tango://host:port/. Changed by AddTarget, "
        "RemoveTarget.",
        flags=(),  # the arguments of a command
    )
    poll_period: float = option(
        10.0,
        POLL_PERIOD,
        "Seconds between two polls, 0.01 to 86400. The attribute pollPeriod changes it until the next Init.",
        flags=("--poll-period", "-p"),
        help_text="Time between two polls.",
    )
    monitor_performance: bool = option(
        False,
        Flag(),
        "Whether to sample event timing on the targets all the time, not only while recording.",
        flags=("--enable-perfmon", "-m"),
        help_text="Let the servers sample event timings, and report them. Off again at the end.",
    )
    target_timeout: float = option(
        3.0,
        Seconds(0.01, 3_600.0),
        "Seconds that each target has to answer, 0.01 to 3600.",
        flags=("--timeout", "-t"),
        help_text="How long each server may take.",
    )
    resolve_period: float = option(
        60.0,
        Seconds(0.1, 86_400.0),
        "Seconds after which wildcards are looked up in the database again, so that new servers join.",
    )
    queries_per_poll: int = option(
        10,
        Count(1),
        "How often a target may be asked within one poll period while it is sampled, at least 1: its buffers "
        "hold 256 samples.",
    )
    max_query_share: float = option(
        0.01,
        Share(),
        "Share of the time that a server may spend on its answers, from 0.0001 to 1 (no limit). One whose "
        "answers take longer is asked less often, at least once a minute.",
        help_text="Share of its time that a server may spend on answers; 1: no limit.",
    )
    follow_publishers: bool = option(
        True,
        Flag(),
        "Whether to ask the publishers of monitored subscriptions too, if they are no targets; without them "
        "the overdue events of these subscriptions are not known.",
        flags=("--follow/--no-follow",),
        help_text="Ask the publishers of the subscriptions too, if they are not named themselves.",
    )
    tap_publishers: str = option(
        TAP_NEVER,
        Choice((TAP_NEVER, TAP_UNSUPPORTED, TAP_ALL)),
        "Whose events to listen to on the wire: never, unsupported (of publishers whose Tango version cannot "
        "be asked), all. The publisher sends each event once more. Needs the extra wire.",
        flags=("--tap",),
        help_text="Listen to the events of publishers on the wire: never, unsupported (those that cannot be "
        "asked), all.",
    )
    tap_topics: tuple[str, ...] = option(
        (),
        Texts("topic"),
        "Which events to tap, one pattern a line: lab/*, sys/tg_test/1/double_scalar.change; none: all.",
        flags=("--tap-topic",),
        help_text="Tap these attributes or devices alone; wildcards too. May be repeated.",
    )
