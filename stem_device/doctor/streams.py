"""The counter of the stream at its publisher."""

from __future__ import annotations

from stem_device.doctor.case import Case
from stem_device.model.topics import NO_DATABASE
from stem_device.polling.client import QUERY
from stem_device.responses import parse_reply


def pushed_of(case: Case) -> int | None:
    """Events pushed in the present series; None where the server counts no such stream.

    ``event_counters`` holds one more. Raises tango.DevFailed, ReplyError.
    """
    reply = parse_reply(case.admin.command_inout(QUERY))
    ending = f"/{case.device}/{case.attribute}.{case.event.wire_name}".lower()
    for name, counter in (reply.server.event_counters if reply.server else {}).items():
        if name.lower().replace(NO_DATABASE, "").endswith(ending):
            return max(0, counter - 1)
    return None
