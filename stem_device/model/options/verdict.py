"""Options of the verdict: when losses and waiting are an alarm, and how long for."""

from __future__ import annotations

from dataclasses import dataclass

from stem_device.model.options.kinds import Count, Seconds
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class VerdictOptions(OptionGroup):
    """What the analysis of live polls needs."""

    alarm_hold_time: float = option(
        300.0,
        Seconds(0.0, 31_536_000.0),
        "Seconds for which State stays ALARM after events were missed or unaccounted.",
        flags=(),  # a command judges its whole run
    )
    overdue_alarm_polls: int = option(
        2,
        Count(1),
        "Polls in a row after which overdue events of a subscription make State ALARM, at least 1.",
    )
    unreachable_alarm_polls: int = option(
        2,
        Count(1),
        "Polls in a row after which a server that does not answer, or a subscription that is not connected, "
        "makes State ALARM, at least 1. A silent server has 15 s besides; a publisher that refuses "
        "connections and has monitored subscribers has no such patience.",
    )
