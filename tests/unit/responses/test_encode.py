"""Anything parsed can be written back and parsed to the same; garbage raises ReplyError alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from stem_device.errors import ReplyError
from stem_device.model.reply import Dialect, NotConnected, Reply, SubscriberReply, SubscriberSample
from stem_device.responses import encode_reply, parse_reply
from tests.unit.responses.reply_strategies import cpptango_replies, patched_replies, replies

CAPTURES = [path.read_bytes() for path in sorted((Path(__file__).parents[2] / "data").glob("*.json"))]
SECTIONS = [
    "version",
    "server",
    "client",
    "event_counters",
    "event_callbacks",
    "event_channels",
    "not_connected",
]
KEYS = st.sampled_from([*SECTIONS, "perf", "perf_stats", "endpoint", "channel_name"]) | st.text(max_size=5)
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


def parse_or_refuse(text: str | bytes) -> None:
    """What is accepted must also survive the way back."""
    try:
        reply = parse_reply(text)
    except ReplyError as error:
        message = str(error)
    else:
        assert parse_reply(encode_reply(reply)) == reply
        message = ""
    assert len(message) < 1000
    assert message.isprintable()


@given(cpptango_replies)
def test_cpptango_reply_survives_the_way_back(reply: Reply) -> None:
    assert parse_reply(encode_reply(reply)) == reply


@given(patched_replies)
def test_patched_reply_survives_the_way_back(reply: Reply) -> None:
    assert parse_reply(encode_reply(reply)) == reply


@given(replies)
def test_text_of_a_reply_is_the_same_each_time(reply: Reply) -> None:
    text = encode_reply(reply)
    assert encode_reply(parse_reply(text)) == text
    assert b"\n" not in text


@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    parse_or_refuse(data)


@given(st.text(max_size=300))
def test_arbitrary_text(text: str) -> None:
    parse_or_refuse(text)


@given(JSON)
@example({"version": 1, "server": None, "client": {}})
def test_json_of_any_shape(value: Any) -> None:
    parse_or_refuse(json.dumps(value))


@given(st.sampled_from(CAPTURES), st.data())
@settings(max_examples=300)
def test_captures_with_bytes_exchanged(capture: bytes, data: st.DataObject) -> None:
    mutated = bytearray(capture)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(mutated)))
        end = data.draw(st.integers(start, min(start + 8, len(mutated))))
        mutated[start:end] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"-1", b"null", b"1e9", b'"', b"{}"])
        )
    parse_or_refuse(bytes(mutated))


@given(st.sampled_from(CAPTURES), st.data())
@settings(max_examples=300)
def test_captures_with_values_exchanged(capture: bytes, data: st.DataObject) -> None:
    """Valid JSON of nearly the right shape: one value somewhere is another."""
    whole = json.loads(capture)
    node = whole
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or data.draw(st.booleans()):
            node[key] = data.draw(JSON)
            break
        node = node[key]
    parse_or_refuse(json.dumps(whole))


def test_what_the_patched_dialect_does_not_carry() -> None:
    """Documented loss for replies marked patched that no parser made."""
    sample = SubscriberSample("attr", None, 1, 2, None, 1, 1, discarded=False)
    lost = NotConnected("a/b/c", "attr", "change", "2026-11-22T03:12:31", None)
    made = Reply(Dialect.PATCHED_9_5, None, SubscriberReply({}, [lost], {}, [sample]))
    parsed = parse_reply(encode_reply(made))
    assert parsed.client is not None
    assert parsed.client.not_connected == []
    assert parsed.client.perf == [
        SubscriberSample("attr", None, 1, 2, None, 1, 1, discarded=True, event_type="UNKNOWN")
    ]
