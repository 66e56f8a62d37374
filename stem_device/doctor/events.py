"""Event types of attributes, by the names that people and the library give them."""

from __future__ import annotations

import enum

from stem_device.errors import OptionError


class EventType(enum.StrEnum):
    """Event types of attributes, in the words of the library."""

    CHANGE = "change"
    ARCHIVE = "archive"
    ALARM = "alarm"
    PERIODIC = "periodic"
    USER = "user"
    DATA_READY = "data_ready"

    @property
    def wire_name(self) -> str:
        """As in the names of streams and topics."""
        return "user_event" if self is EventType.USER else self.value


def parse_event(text: str) -> EventType:
    """``change``, ``CHANGE_EVENT``, ``user_event``: as people and the library say it. Raises OptionError."""
    name = text.strip().lower().removesuffix("_event")
    try:
        return EventType(name)
    except ValueError:
        known = ", ".join(EventType)
        raise OptionError("--event", text, f"is no event type of an attribute; there are {known}") from None
