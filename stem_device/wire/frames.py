"""The frames of one message on a publisher's ports. docs/reference/tap.md has the format.

Source: messages of cppTango 9.5.0, 10.0.2 and 10.3.3, and the structure ``ZmqCallInfo`` of Tango's IDL.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Sequence
from typing import Final

EVENT_FRAMES: Final = 4
HEARTBEAT_FRAMES: Final = 3

MAX_FRAMES = 8
"""Twice what an event has: no message of Tango has more."""

MAX_FRAME_BYTES = 64 * 2**20
"""Longest frame that is accepted: an image of 8 million doubles."""

MAX_TOPIC_BYTES = 4096

_HEARTBEAT = b".heartbeat"
_BIG = b"\x00"
_ERROR_EVENT = 1


class Kind(enum.Enum):
    """What a message is."""

    EVENT = "event"
    HEARTBEAT = "heartbeat"
    OTHER = "other"


_LITTLE_COUNTER = struct.Struct("<4xI").unpack_from
_BIG_COUNTER = struct.Struct(">4xI").unpack_from


def kind_of(frames: Sequence[bytes]) -> Kind:
    """By the number of frames and the topic; keep-alives and what is not of Tango are OTHER."""
    count = len(frames)
    if count == EVENT_FRAMES and len(frames[2]) >= 8 and 0 < len(frames[0]) <= MAX_TOPIC_BYTES:
        return Kind.EVENT
    if count == HEARTBEAT_FRAMES and frames[0].rstrip(b"\0").endswith(_HEARTBEAT):
        return Kind.HEARTBEAT
    return Kind.OTHER


def counter_of(frames: Sequence[bytes]) -> int:
    """How often the stream of an event had been pushed, this time included; 0: it carries no number."""
    unpack = _BIG_COUNTER if frames[1] == _BIG else _LITTLE_COUNTER
    return int(unpack(frames[2])[0])


def topic_of(frames: Sequence[bytes]) -> str:
    """The topic as text; bytes that are no UTF-8 are shown as such."""
    return frames[0].rstrip(b"\0").decode("utf-8", "backslashreplace")


def is_little(frames: Sequence[bytes]) -> bool:
    """The byte order of its numbers."""
    return frames[1] != _BIG


def is_error(frames: Sequence[bytes]) -> bool:
    """Whether the event is an error instead of a value: the last byte of the call information."""
    return frames[2][-1] == _ERROR_EVENT
