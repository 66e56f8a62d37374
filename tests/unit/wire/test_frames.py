"""Frames as real publishers sent them, and as nobody should."""

from __future__ import annotations

import struct

import pytest

from stem_device.wire.frames import Kind, counter_of, is_error, is_little, kind_of, topic_of

TOPIC = b"tango://vm:11676/test/p/1/d#dbase=no.idl5_change"
VALUE = bytes.fromhex("c0dec0de0500000001000000000000000000f83f")
# Measured: PyTango 10.0.4 and 10.3.1, a value and an error; 9.5.1 without a database.
CALLS = {
    "010000000200000001000000007f00000000000000": (2, False),
    "010000000300000001000000005600000000000001": (3, True),
    "010000000000000001000000000000000000000000": (0, False),
}


@pytest.mark.parametrize(("call", "expected"), CALLS.items())
def test_events_of_real_publishers(call: str, expected: tuple[int, bool]) -> None:
    frames = [TOPIC, b"\x01", bytes.fromhex(call), VALUE]
    assert kind_of(frames) is Kind.EVENT
    assert (counter_of(frames), is_error(frames)) == expected
    assert is_little(frames)
    assert topic_of(frames) == TOPIC.decode()


def test_a_big_endian_publisher() -> None:
    frames = [TOPIC, b"\x00", struct.pack(">IIIx3xIb", 1, 70_000, 1, 0, 0), VALUE]
    assert counter_of(frames) == 70_000
    assert not is_little(frames)


@pytest.mark.parametrize(
    ("frames", "kind"),
    [
        ([b"I like beer"], Kind.OTHER),
        ([b"tango://vm:1/dserver/srv/x.heartbeat", b"\x01", bytes(20)], Kind.HEARTBEAT),
        ([b"tango://vm:1/dserver/srv/x#dbase=no.heartbeat\0", b"\x01", bytes(20)], Kind.HEARTBEAT),
        ([TOPIC, b"\x01", bytes(20)], Kind.OTHER),
        ([TOPIC, b"\x01", bytes(7), VALUE], Kind.OTHER),
        ([b"", b"\x01", bytes(20), VALUE], Kind.OTHER),
        ([b"x" * 4097, b"\x01", bytes(20), VALUE], Kind.OTHER),
        ([TOPIC, b"\x01", bytes(20), VALUE, b""], Kind.OTHER),
        ([TOPIC, b"", bytes(20), b""], Kind.EVENT),
        ([], Kind.OTHER),
    ],
)
def test_kinds(frames: list[bytes], kind: Kind) -> None:
    assert kind_of(frames) is kind


def test_a_topic_that_is_no_text() -> None:
    assert topic_of([b"\xff\xfe.change", b"", b"", b""]) == "\\xff\\xfe.change"
