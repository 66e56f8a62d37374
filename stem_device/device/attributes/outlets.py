"""Outlets: the recording, the marks, and consumers that a program has added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stem_device.device.attributes.spec import AttributeSpec, spectrum
from stem_device.device.text import MAX_SENTENCE_CHARACTERS, tango_text
from stem_device.model.outlet_health import OutletHealth

MAX_OUTLETS = 64


def _by_outlet(
    name: str,
    label: str,
    doc: str,
    value: Callable[[OutletHealth], Any],
    *,
    dtype: str = "DevULong64",
    unit: str = "items",
) -> AttributeSpec:
    return spectrum(
        name,
        label,
        unit,
        doc,
        lambda view: [value(outlet) for outlet in view.outlets[:MAX_OUTLETS]],
        max_length=MAX_OUTLETS,
        dtype=dtype,
        expert=True,
    )


OUTLETS: tuple[AttributeSpec, ...] = (
    AttributeSpec(
        name="httpUrl",
        dtype="DevString",
        label="HTTP port",
        unit="text",
        format="%s",
        doc="Where the HTTP port is; empty while it is not open, or where HttpAddress is not set.",
        value=lambda view: tango_text(view.http_url),
        expert=True,
    ),
    _by_outlet(
        "outletNames",
        "Outlets",
        "Where polls and marks go, each through a queue of its own: marks, recording (once there was one), "
        f"and those that a program has added; {MAX_OUTLETS} at most. The others have its order.",
        lambda outlet: tango_text(outlet.name),
        dtype="DevString",
        unit="text",
    ),
    _by_outlet(
        "outletSent",
        "Outlets: sent",
        "Polls or marks that an outlet has passed on, since the start or Init; recording: since it began.",
        lambda outlet: outlet.sent,
    ),
    _by_outlet(
        "outletDropped",
        "Outlets: dropped",
        "Polls or marks for which the queue of an outlet had no room: what is behind it is slower than the "
        "polls, or hangs.",
        lambda outlet: outlet.dropped,
    ),
    _by_outlet(
        "outletFailed",
        "Outlets: failed",
        "Polls or marks that raised an error in what is behind an outlet.",
        lambda outlet: outlet.failed,
    ),
    _by_outlet(
        "outletWaiting",
        "Outlets: waiting",
        "Polls or marks in the queue of an outlet, with the one that is being passed on, and on its disk.",
        lambda outlet: outlet.waiting,
    ),
    _by_outlet(
        "outletErrors",
        "Outlets: last errors",
        "Last error of what is behind an outlet; empty if there was none.",
        lambda outlet: tango_text(outlet.last_error, MAX_SENTENCE_CHARACTERS),
        dtype="DevString",
        unit="text",
    ),
)
