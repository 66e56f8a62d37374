"""Options of stacks."""

from __future__ import annotations

from dataclasses import dataclass

from stem_device.model.options.kinds import Flag
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class StackOptions(OptionGroup):
    """What :mod:`stem_device.monitor.stacks` needs."""

    take_stacks: bool = option(
        False,
        Flag(),
        "Whether to look what a blocked consumer was doing, where it runs on the host of the monitor and the "
        "monitor may: one stack of its Python process, once per incident. Needs the extra stacks.",
        help_text="Take one stack of a blocked consumer that runs here, and show it with the cause.",
    )
