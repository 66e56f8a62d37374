"""Clients that are no device servers and report."""

from __future__ import annotations

from stem_device.device.attributes.spec import AttributeSpec
from stem_device.device.text import MAX_SENTENCE_CHARACTERS, tango_text

CLIENTS: tuple[AttributeSpec, ...] = (
    AttributeSpec(
        name="clientCount",
        dtype="DevULong64",
        label="Clients",
        unit="clients",
        format="%d",
        doc="Clients that are no device servers and report, or did so lately. They are in serverCount too.",
        value=lambda view: view.clients.clients,
    ),
    AttributeSpec(
        name="refusedClientReports",
        dtype="DevULong64",
        label="Refused reports of clients",
        unit="reports",
        format="%d",
        doc="Reports of clients that were not taken, since the start or Init: they could not be used, or "
        "were too many.",
        value=lambda view: view.clients.refused,
        expert=True,
    ),
    AttributeSpec(
        name="lastClientRefusal",
        dtype="DevString",
        label="Last refusal of a report",
        unit="text",
        format="%s",
        doc="Why the last of refusedClientReports was not taken; empty if there was none.",
        value=lambda view: tango_text(view.clients.last_refusal, MAX_SENTENCE_CHARACTERS),
        expert=True,
    ),
)
