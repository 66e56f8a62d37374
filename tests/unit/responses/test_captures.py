"""Every captured reply of a real server, its exact values written out here by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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

DATA = Path(__file__).parents[2] / "data"
HOST = "tango://127.0.0.1:11000"
RESUBSCRIBED = "2026-11-22T03:12:31"


def cpptango(counters: dict[str, int], client: SubscriberReply | None, perf=None) -> Reply:
    counters = {f"{HOST}/test/pub/{stream}": count for stream, count in counters.items()}
    return Reply(Dialect.CPPTANGO_1, PublisherReply(counters, perf), client)


def subscribed(publisher: int, port: int, counts: tuple[int, int, int, int], perf=None) -> SubscriberReply:
    """``counts``: server_counter, event_count, missed_event_count, discarded_event_count."""
    channel = f"{HOST}/dserver/pubsub/{publisher}"
    callback = EventCallback(channel, 1, *counts, RESUBSCRIBED)
    return SubscriberReply(
        event_callbacks={f"{HOST}/test/pub/{publisher}/attr.idl5_change": callback},
        not_connected=[],
        event_channels={channel: EventChannel(f"tcp://127.0.0.1:{port}")},
        perf=perf,
    )


def sample(*numbers: Any) -> SubscriberSample:
    return SubscriberSample("attr", *numbers, discarded=False)  # type: ignore[misc] # no number is discarded


PUBLISHERS_CLIENT = subscribed(2, 41607, (9000, 9000, 0, 1))

EXPECTED = {
    "10.3-burst-loss-noticed-publisher": cpptango({"1/attr.change": 159014}, PUBLISHERS_CLIENT),
    "10.3-burst-loss-noticed-subscriber": cpptango(
        {"20/attr.change": 9001}, subscribed(1, 39713, (159013, 38500, 1, 1))
    ),
    "10.3-burst-loss-unnoticed-publisher": cpptango({"1/attr.change": 159013}, PUBLISHERS_CLIENT),
    "10.3-burst-loss-unnoticed-subscriber": cpptango(
        {"20/attr.change": 9001}, subscribed(1, 39713, (38499, 38499, 0, 1))
    ),
    "10.3-publisher-after-restart": cpptango({"1/attr.change": 49}, None),
    "10.3-publisher-no-perf": cpptango({"1/attr.change": 9013}, PUBLISHERS_CLIENT),
    "10.3-publisher-perf": cpptango(
        {"1/attr.change": 9007},
        subscribed(2, 41607, (9000, 9000, 0, 1), perf=[]),
        perf=[
            PublisherSample(1099766454, 68),
            PublisherSample(104, 5),
            PublisherSample(22, 3),
            PublisherSample(16, 3),
            PublisherSample(16, 3),
            PublisherSample(16, 2),
        ],
    ),
    "10.3-subscriber-after-publisher-restart": cpptango(
        {"20/attr.change": 9001}, subscribed(1, 45057, (48, 38548, 1, 2))
    ),
    "10.3-subscriber-no-perf": cpptango({"20/attr.change": 9001}, subscribed(1, 39713, (9012, 9012, 0, 1))),
    "10.3-subscriber-perf": cpptango(
        {"20/attr.change": 9001},
        subscribed(
            1,
            39713,
            (9006, 9006, 0, 1),
            perf=[
                sample(1099728199, 1099722178, 322, 356, 1, 344),
                sample(332, 8, 73, 538, 1, 1),
                sample(79, 4, 50, 588, 1, 1),
                sample(54, 3, 47, 626, 1, 1),
                sample(51, 3, 45, 661, 1, 1),
                sample(50, 4, 44, 696, 1, 1),
            ],
        ),
        perf=[],
    ),
    "10.3-subscriber-publisher-down": cpptango(
        {"20/attr.change": 9001}, subscribed(1, 39713, (159013, 38500, 1, 1))
    ),
    "patched-9.5-perf-off-no-client": Reply(Dialect.PATCHED_9_5, PublisherReply({}, None), None),
    "patched-9.5-publisher-perf": Reply(
        Dialect.PATCHED_9_5,
        PublisherReply(
            {
                "tango://databaseds:10000/foo/bar/pub/attr.change": 2744,
                "tango://databaseds:10000/foo/bar/pub/attr2.change": 551,
            },
            [PublisherSample(None, 61), PublisherSample(199214, 46)],
        ),
        None,
    ),
    "patched-9.5-subscriber-perf": Reply(
        Dialect.PATCHED_9_5,
        PublisherReply({}, []),
        SubscriberReply(
            event_callbacks={
                "tango://databaseds:10000/foo/bar/pub/attr.idl5_change": EventCallback(
                    "tango://databaseds:10000/dserver/myserver/1", 1, 2713, 2713, 0, None, None
                )
            },
            not_connected=[],
            event_channels={
                "tango://databaseds:10000/dserver/myserver/1": EventChannel("tcp://172.18.0.4:36879")
            },
            perf=[
                SubscriberSample(
                    "attr", None, 200032, 123, 215, 1, 1, discarded=False, event_type="ATT_VALUE"
                ),
                SubscriberSample("attr", 35, 3, 30, None, 1, 2, discarded=False, event_type="ATT_CONF"),
                SubscriberSample("", 40, 3, 3, None, 0, 1, discarded=True, event_type="UNKNOWN"),
            ],
        ),
    ),
}


def test_every_capture_is_expected() -> None:
    assert {path.stem for path in DATA.glob("*.json")} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_capture_has_these_values(name: str) -> None:
    assert parse_reply((DATA / f"{name}.json").read_bytes()) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_capture_as_text_gives_the_same(name: str) -> None:
    assert parse_reply((DATA / f"{name}.json").read_text()) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_capture_is_written_back_byte_for_byte(name: str) -> None:
    data = (DATA / f"{name}.json").read_bytes().strip()
    assert encode_reply(parse_reply(data)) == data
