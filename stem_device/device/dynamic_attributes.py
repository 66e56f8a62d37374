"""Attributes that come and go while the device runs: the metrics of users that it was asked to show."""

from __future__ import annotations

import time
from typing import Any

import tango
from tango.server import attribute

from stem_device.device.events import EventPusher
from stem_device.device.metric_attributes import PROPERTY, MetricAttribute, Shown, shown_of
from stem_device.device.tango_attributes import Reading
from stem_device.errors import OptionError
from stem_device.model.snapshot import MetricRows

_VALID, _INVALID = tango.AttrQuality.ATTR_VALID, tango.AttrQuality.ATTR_INVALID


class MetricAttributes:
    """Those of one device, over Init: one that stays keeps its subscribers.

    ``read`` is a method of the device, which takes Tango's attribute. One thread at a time, but for ``show``.
    """

    def __init__(self, device: Any, read: Any) -> None:
        self._device = device
        self._read = read
        self.wanted: tuple[MetricAttribute, ...] = ()
        self._shown: dict[str, Shown] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.wanted)

    @property
    def errors(self) -> tuple[str, ...]:
        """What has no value now, and why, one attribute each."""
        return tuple(f"{name}: {one.problem}" for name, one in self._shown.items() if one.problem)

    def change(self, wanted: tuple[MetricAttribute, ...], events: EventPusher) -> None:
        """Show these and no others. The caller has Tango's monitor. Raises OptionError."""
        names = {one.name for one in wanted}
        present = {one.name for one in self.wanted}
        for name in present - names:
            events.remove(name)
            self._device.remove_attribute(name)
        self.wanted = tuple(one for one in self.wanted if one.name in names)
        for one in wanted:
            if one.name not in present:
                self._add(one)
                events.add(one.name)
        self.wanted = wanted
        self._shown = {}

    def see(self, metrics: MetricRows) -> None:
        """What came with the latest poll."""
        self._shown = shown_of(self.wanted, metrics)

    def show(self, name: str) -> tuple[float, float, tango.AttrQuality]:
        """Answer a read: value, time (s since 1970 UTC) of the point, quality."""
        one = self._shown.get(name)
        if one is None or one.problem:
            return 0.0, time.time(), _INVALID
        # Tango cuts to us: half of one more, and what a double cannot hold makes none less.
        return one.value, (one.at_utc_ns // 1000 + 0.5) / 1e6, _VALID

    def push(self, events: EventPusher, *, polled: bool) -> None:
        """Push events of what changed, each with the time of its point."""
        for one in self.wanted:
            value, seconds, quality = self.show(one.name)
            events.push({one.name: Reading(value, quality)}, seconds, polled=polled)

    def _add(self, one: MetricAttribute) -> None:
        made = attribute(
            name=one.name,
            dtype=float,
            fget=self._read,
            label=one.metric,
            doc=f"Metric of users: {one.line}",
            format="%g",
        )
        try:
            self._device.add_attribute(made)
        except tango.DevFailed as error:
            raise OptionError(PROPERTY, one.line, str(error.args[0].desc)) from error
        self.wanted += (one,)
