"""The JSON of the command ReportClient, as docs/reference/clients.md describes it."""

from __future__ import annotations

import json

from msgspec import structs

from stem_device.model.client_report import ClientAnswer

REPORT_IN = "JSON object: version, name, host, pid, texts (its own replies); see docs/reference/clients.md"
REPORT_OUT = "JSON object: server (the name of the client here), period_seconds, sampling, queries"


def report_answer(answer: ClientAnswer) -> str:
    """The answer of the command, ASCII."""
    return json.dumps(structs.asdict(answer))
