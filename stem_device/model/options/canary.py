"""Options of canaries: subscriptions of the monitor itself."""

from __future__ import annotations

from dataclasses import dataclass

from stem_device.errors import OptionError
from stem_device.model.options.kinds import Seconds, Texts
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class CanaryOptions(OptionGroup):
    """What :mod:`stem_device.polling.canary` needs."""

    canary_attributes: tuple[str, ...] = option(
        (),
        Texts("attribute"),
        "Attributes that the monitor itself subscribes to, to see that their events arrive, one a line: "
        "domain/family/member/attribute, with .periodic or .change at the end; without it periodic where "
        "it is polled, else change.",
        flags=("--canary",),
        help_text="Subscribe to this attribute, to see that its events arrive. May be given several times.",
    )
    canary_limit: float = option(
        5.0,
        Seconds(0.1, 3_600.0),
        "Seconds after which a periodic event that has not come counts as lost, 0.1 to 3600.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for line in self.canary_attributes:
            parts = line.removeprefix("tango://").split("/")
            if len(parts) != (5 if line.startswith("tango://") else 4) or not all(parts):
                raise OptionError(
                    "CanaryAttributes", line, "must be an attribute, domain/family/member/attribute"
                )
