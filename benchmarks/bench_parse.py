"""Parsing one full reply (512 samples, 50 streams) against json.loads of the same text."""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable

from stem_device.model.reply import (
    Dialect,
    EventCallback,
    EventChannel,
    PublisherReply,
    PublisherSample,
    Reply,
    SubscriberReply,
    SubscriberSample,
)
from stem_device.responses import encode_reply, parse_reply

SAMPLES = 256
STREAMS = 25
ROUNDS = 7
CALLS = 200


def full_reply(dialect: Dialect) -> Reply:
    """Both sample buffers full, 25 published and 25 subscribed streams."""
    patched = dialect is Dialect.PATCHED_9_5
    event_type = "ATT_VALUE" if patched else None
    discarded = None if patched else 1
    host = "tango://databaseds.observatory:10000"
    server = PublisherReply(
        event_counters={f"{host}/low/csp/{n:03}/healthstate.change": 9000 + n for n in range(STREAMS)},
        perf=[PublisherSample(1000 + n, 40 + n % 9) for n in range(SAMPLES)],
    )
    stamp = "2026-11-22T03:12:31"
    channel = f"{host}/dserver/csp/1"
    client = SubscriberReply(
        event_callbacks={
            f"{host}/low/pst/{n:03}/obsstate.idl5_change": EventCallback(
                channel, 1, 900, 900, 0, discarded, stamp
            )
            for n in range(STREAMS)
        },
        not_connected=[],
        event_channels={channel: EventChannel("tcp://172.18.0.4:36879")},
        perf=[
            SubscriberSample(
                "obsstate", 1000 + n, 900, 50, 310 + n, 1, 1, discarded=False, event_type=event_type
            )
            for n in range(SAMPLES)
        ],
    )
    return Reply(dialect=dialect, server=server, client=client)


def best_microseconds(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


def main() -> None:
    for dialect in Dialect:
        reply = full_reply(dialect)
        text = encode_reply(reply).decode()
        assert parse_reply(text) == reply
        parse = best_microseconds(lambda text=text: parse_reply(text))
        loads = best_microseconds(lambda text=text: json.loads(text))
        print(
            f"{dialect}: {len(text)} bytes, {2 * SAMPLES} samples, {2 * STREAMS} streams: "
            f"parse_reply {parse:.0f} us, json.loads {loads:.0f} us, ratio {parse / loads:.2f}"
        )


if __name__ == "__main__":
    main()
