"""Options of telemetry of processes, beside the events."""

from __future__ import annotations

from dataclasses import dataclass

from stem_device.model.options.kinds import Texts
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class TelemetryOptions(OptionGroup):
    """What :class:`stem_device.monitor.processes.ProcessWatch` needs."""

    telemetry_directories: tuple[str, ...] = option(
        (),
        Texts("directory"),
        "Directories in which processes write their telemetry, one a line: what they measure is recorded and "
        "exported with the polls.",
        flags=("--telemetry-directory",),
        help_text="A directory with telemetry of processes, to be recorded and exported with the polls. May "
        "be repeated.",
    )
