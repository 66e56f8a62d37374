"""Events of every attribute, State and Status included, pushed from code.

A change event and an alarm event are pushed when value or quality changed, and once after Init; an archive
event is pushed with every poll besides, so that an archive shows that the device was alive.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from stem_device.device.attributes import ATTRIBUTES
from stem_device.device.tango_attributes import Reading

logger = logging.getLogger(__name__)

WITH_EVENTS = (*(spec.name for spec in ATTRIBUTES), "State", "Status")


class EventPusher:
    """Knows what was pushed last. One thread at a time. ``more`` are attributes that were added.

    What nobody has subscribed to is not pushed: Tango would convert the value and then throw it away.
    ``errors_total`` counts the attributes that Tango refused to push.
    """

    def __init__(self, device: Any, more: Iterable[str] = ()) -> None:
        self._device = device
        self._last: dict[str, Reading] = {}
        self._attributes: dict[str, Any] = {}
        self.errors_total = 0
        for name in (*WITH_EVENTS, *more):
            self.add(name)

    def add(self, name: str) -> None:
        """Push events of this attribute from now on."""
        # All three together: a client that subscribes to the one that is missing breaks the others.
        self._device.set_change_event(name, True, False)
        self._device.set_archive_event(name, True, False)
        self._device.set_alarm_event(name, True, False)
        self._attributes[name] = self._device.get_device_attr().get_attr_by_name(name)

    def remove(self, name: str) -> None:
        """Before the attribute is removed: what is kept of it is Tango's."""
        self._attributes.pop(name, None)
        self._last.pop(name, None)

    def push(self, current: Mapping[str, Reading], time_seconds: float, *, polled: bool) -> None:
        """Push what changed; with ``polled`` an archive event of everything."""
        for name, now in current.items():
            changed = self._last.get(name) != now
            if changed or polled:
                self._push(name, now, time_seconds, changed=changed)
            self._last[name] = now

    def _push(self, name: str, now: Reading, time_seconds: float, *, changed: bool) -> None:
        attribute, arguments = self._attributes[name], (now.value, time_seconds, now.quality)
        try:
            if changed and attribute.change_event_subscribed():
                self._device.push_change_event(name, *arguments)
            if changed and attribute.alarm_event_subscribed():
                self._device.push_alarm_event(name, *arguments)
            if attribute.archive_event_subscribed():
                self._device.push_archive_event(name, *arguments)
        except Exception:
            # One attribute must not keep the others, nor the command that led here, from ending.
            self.errors_total += 1
            logger.exception("The events of %s were not pushed", name)
