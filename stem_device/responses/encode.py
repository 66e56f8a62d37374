"""The typed reply back into text, in the dialect that it came in."""

from __future__ import annotations

from stem_device.model.reply import Dialect, Reply
from stem_device.responses import cpptango, patched


def encode_reply(reply: Reply) -> bytes:
    """UTF-8 JSON without white space; ``parse_reply(encode_reply(r)) == r`` for every r that was parsed.

    The patched dialect does not carry ``not_connected``, ``discarded_event_count`` and ``discarded``:
    a reply marked with that dialect which was made otherwise than by parsing loses them.
    """
    if reply.dialect is Dialect.PATCHED_9_5:
        return patched.encode(reply)
    return cpptango.encode(reply)
