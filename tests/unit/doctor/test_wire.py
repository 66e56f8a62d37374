"""What the doctor hears at the ports of a publisher, from a real socket of ZeroMQ."""

from __future__ import annotations

import struct

import pytest

pytest.importorskip("zmq")

import zmq

from stem_device.demo.processes import wait_until
from stem_device.doctor.wire import Wire

pytestmark = pytest.mark.extras

HERE = "tcp://127.0.0.1"


def event(counter: int) -> list[bytes]:
    return [b"topic.change", b"\x01", struct.pack("<4sI", b"....", counter), b"data"]


def test_events_are_counted_by_their_numbers_and_other_messages_are_none() -> None:
    context = zmq.Context()
    publisher, heart = context.socket(zmq.XPUB), context.socket(zmq.XPUB)
    try:
        events, beats = (one.bind_to_random_port(HERE) for one in (publisher, heart))
        with Wire("topic.", "change", [f"{HERE}:{events}"], [f"{HERE}:{beats}"]) as wire:
            assert publisher.recv() == b"\x01topic."
            assert heart.recv() == b"\x01"
            for counter in (5, 6, 9):
                publisher.send_multipart(event(counter))
            publisher.send_multipart([b"topic.archive", *event(1)[1:]])
            publisher.send_multipart([b"topic.idl5_change", *event(10)[1:]])
            publisher.send(b"topic.one frame")
            heart.send_multipart([b"heartbeat", b"\x01", b"........"])

            def all_heard() -> bool:
                wire.listen(0.05)
                return bool(wire.heard.others and wire.heard.heartbeats)

            wait_until(all_heard, "all messages")
            assert wire.heard.counters == [5, 6, 9, 10]
            assert wire.heard.gaps == 2
            assert (wire.heard.others, len(wire.heard.heartbeats)) == (1, 1)
    finally:
        context.destroy(linger=0)
