"""What is refused, and that the error says which key and why."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from stem_device.errors import ReplyError
from stem_device.model.reply import Dialect, NotConnected, Reply
from stem_device.responses import MAX_ENTRIES, MAX_NAME_CHARACTERS, MAX_REPLY_BYTES, parse_reply

STREAM = "tango://h:10000/a/b/c/attr.change"
TOPIC = "tango://h:10000/a/b/c/attr.idl5_change"
CHANNEL = "tango://h:10000/dserver/x/1"


def whole() -> dict[str, Any]:
    """A good reply of cppTango with one of everything."""
    return {
        "version": 1,
        "server": {
            "event_counters": {STREAM: 6},
            "perf": [{"micros_since_last_event": None, "push_event_micros": 5}],
        },
        "client": {
            "event_callbacks": {
                TOPIC: {
                    "channel_name": CHANNEL,
                    "callback_count": 1,
                    "server_counter": 5,
                    "event_count": 5,
                    "missed_event_count": 0,
                    "discarded_event_count": 0,
                    "last_resubscribed": None,
                }
            },
            "not_connected": [
                {
                    "device": "a/b/c",
                    "attribute": "attr",
                    "event_type": "change",
                    "last_heartbeat": "2026-11-22T03:12:31",
                    "tango_host": None,
                }
            ],
            "event_channels": {CHANNEL: {"endpoint": "tcp://127.0.0.1:1"}},
            "perf": [
                {
                    "attr_name": "attr",
                    "micros_since_last_event": None,
                    "sleep_micros": 4,
                    "process_micros": 5,
                    "first_callback_latency_micros": -6,
                    "callback_count": 1,
                    "wake_count": 1,
                    "discarded": False,
                }
            ],
        },
    }


def patched() -> dict[str, Any]:
    return {
        "server": {
            "event_counters": {STREAM: 6},
            "perf_stats": [{"micros_since_last_event": -1, "push_event_micros": 5}],
        },
        "client": {
            "event_callbacks": {
                TOPIC: {
                    "channel_name": CHANNEL,
                    "callback_count": 1,
                    "server_counter": 5,
                    "event_count": 5,
                    "missed_event_count": 0,
                    "last_resubscribed": "1970-01-01T00:00:00",
                }
            },
            "event_channels": {CHANNEL: {"endpoint": "tcp://127.0.0.1:1"}},
            "perf_stats": [],
        },
    }


def set_at(reply: dict[str, Any], path: tuple[str | int, ...], value: Any) -> str:
    target: Any = reply
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return json.dumps(reply)


def refused(text: str | bytes) -> ReplyError:
    with pytest.raises(ReplyError) as caught:
        parse_reply(text)
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()
    return caught.value


COUNTER = ("server", "event_counters", STREAM)
CALLBACK = ("client", "event_callbacks", TOPIC)
SAMPLE = ("client", "perf", 0)


@pytest.mark.parametrize("value", [0, 2**53])
def test_counter_bounds_are_accepted(value: int) -> None:
    reply = parse_reply(set_at(whole(), COUNTER, value))
    assert reply.server is not None
    assert reply.server.event_counters == {STREAM: value}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (-1, "Expected `int` >= 0"),
        (2**53 + 1, "Expected `int` <= 9007199254740992"),
        (10**400, "Integer value out of range"),
        (1.0, "Expected `int`, got `float`"),
        (True, "Expected `int`, got `bool`"),
        ("5", "Expected `int`, got `str`"),
        (None, "Expected `int`, got `null`"),
        ([], "Expected `int`, got `array`"),
    ],
)
@pytest.mark.parametrize("make", [whole, patched])
def test_bad_counter_names_stream_and_reason(make: Any, value: Any, reason: str) -> None:
    if value == 10**400:
        text = set_at(make(), COUNTER, 0).replace(f'"{STREAM}": 0', f'"{STREAM}": ' + "9" * 5000)
    else:
        text = set_at(make(), COUNTER, value)
    error = refused(text)
    assert error.key == f"$.server.event_counters['{STREAM}']"
    assert error.reason == reason


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "nan"])
def test_words_that_are_no_json_are_refused(word: str) -> None:
    error = refused(set_at(whole(), COUNTER, "@").replace('"@"', word))
    assert "malformed" in error.reason


def test_number_beyond_floats_is_refused_with_its_stream() -> None:
    error = refused(set_at(whole(), COUNTER, "@").replace('"@"', "1e400"))
    assert error.key == f"$.server.event_counters['{STREAM}']"
    assert error.reason == "Number out of range"


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ((*CALLBACK, "server_counter"), -1, f"$.client.event_callbacks['{TOPIC}'].server_counter"),
        (
            (*CALLBACK, "discarded_event_count"),
            None,
            f"$.client.event_callbacks['{TOPIC}'].discarded_event_count",
        ),
        ((*CALLBACK, "channel_name"), 5, f"$.client.event_callbacks['{TOPIC}'].channel_name"),
        (CALLBACK, [], f"$.client.event_callbacks['{TOPIC}']"),
        (("client", "event_channels", CHANNEL), "x", f"$.client.event_channels['{CHANNEL}']"),
        (("client", "not_connected", 0, "device"), None, "$.client.not_connected[0].device"),
        ((*SAMPLE, "sleep_micros"), -1, "$.client.perf[0].sleep_micros"),
        (
            (*SAMPLE, "first_callback_latency_micros"),
            2**53 + 1,
            "$.client.perf[0].first_callback_latency_micros",
        ),
        ((*SAMPLE, "discarded"), 0, "$.client.perf[0].discarded"),
        (("server", "perf", 0, "push_event_micros"), 1.5, "$.server.perf[0].push_event_micros"),
        (("server", "perf"), {}, "$.server.perf"),
        (("server",), [], "$.server"),
        (("client",), "none", "$.client"),
    ],
)
def test_wrong_value_is_refused_by_key(path: tuple[str | int, ...], value: Any, key: str) -> None:
    assert refused(set_at(whole(), path, value)).key == key


@pytest.mark.parametrize(
    "path",
    [
        ("server",),
        ("client",),
        ("server", "perf"),
        ("server", "event_counters"),
        ("client", "not_connected"),
        (*CALLBACK, "missed_event_count"),
        (*SAMPLE, "attr_name"),
    ],
)
def test_missing_key_is_refused_by_name(path: tuple[str | int, ...]) -> None:
    reply = whole()
    target: Any = reply
    for step in path[:-1]:
        target = target[step]
    del target[path[-1]]
    assert f"missing required field `{path[-1]}`" in refused(json.dumps(reply)).reason


@pytest.mark.parametrize("version", [2, 0, -1, 1.0, "1", None, True, [1], 10**30])
def test_unknown_version_is_refused_by_name(version: Any) -> None:
    error = refused(set_at(whole(), ("version",), version))
    assert error.key == "$.version"
    assert json.dumps(version) in error.reason


def test_version_counts_wherever_it_stands() -> None:
    reply = whole()
    del reply["version"]
    assert parse_reply(json.dumps({**reply, "version": 1})).dialect is Dialect.CPPTANGO_1
    assert refused(json.dumps({**reply, "version": 7})).key == "$.version"


def test_unknown_keys_are_ignored_everywhere() -> None:
    reply = whole()
    extra = {"new": [1, {"deep": "er"}], "another": None}
    tables = (reply, reply["server"], reply["server"]["perf"][0], reply["client"], reply["client"]["perf"][0])
    callback = reply["client"]["event_callbacks"][TOPIC]
    for table in (*tables, callback, reply["client"]["not_connected"][0]):
        table.update(extra)
    assert parse_reply(json.dumps(reply)) == parse_reply(json.dumps(whole()))


def test_not_connected_is_read() -> None:
    reply = parse_reply(json.dumps(whole()))
    assert reply.client is not None
    assert reply.client.not_connected == [
        NotConnected("a/b/c", "attr", "change", "2026-11-22T03:12:31", None)
    ]


def test_nothing_published_and_nothing_subscribed() -> None:
    assert parse_reply('{"version":1,"server":null,"client":null}') == Reply(Dialect.CPPTANGO_1, None, None)
    assert parse_reply(" { } ") == Reply(Dialect.PATCHED_9_5, None, None)


@pytest.mark.parametrize(
    "text", ['{"error": "no"}', "[]", "5", "null", '"text"', "", "   ", "{", b"\xef\xbb\xbf{}"]
)
def test_what_is_no_reply_is_refused_as_a_whole(text: str) -> None:
    assert refused(text).key == "$"


@pytest.mark.parametrize("value", [None, 5, ["{}"]])
def test_what_is_no_text_is_refused(value: Any) -> None:
    assert "expected a text" in refused(value).reason


@pytest.mark.parametrize(
    "text",
    [
        b'{"version":1,"server":null,"client":null,"new":"\xff"}',
        '{"new":"\ud800"}',
        '{"server":{"event_counters":{"\\ud800":1}}}',
    ],
)
def test_invalid_unicode_is_refused(text: str | bytes) -> None:
    assert refused(text).key == "$"


@pytest.mark.parametrize("opening", ["[", '{"x":'])
@pytest.mark.parametrize("start", ['{"version":1,"x":', '{"server":', ""])
def test_deep_nesting_is_refused(start: str, opening: str) -> None:
    refused(start + opening * 1_000_000)


@pytest.mark.parametrize(
    "name", ['quo"ted', "a/../../etc/passwd", "é ☃", "a b", "back\\slash", "x" * MAX_NAME_CHARACTERS]
)
def test_odd_but_printable_names_are_kept(name: str) -> None:
    reply = whole()
    reply["server"]["event_counters"] = {name: 1}
    parsed = parse_reply(json.dumps(reply))
    assert parsed.server is not None
    assert parsed.server.event_counters == {name: 1}


@pytest.mark.parametrize("make", [whole, patched])
@pytest.mark.parametrize(
    "place", [("server", "event_counters"), ("client", "event_callbacks"), ("client", "event_channels")]
)
@pytest.mark.parametrize(
    ("name", "shown", "reason"),
    [
        ("line\nbreak", r"'line\nbreak'", "control characters"),
        ("nul\0", r"'nul\x00'", "control characters"),
        ("separator\u2028", r"'separator\u2028'", "control characters"),
        ("del\x7f", r"'del\x7f'", "control characters"),
        ("", "''", "must not be empty"),
        ("n" * 10_000, "'" + "n" * 120 + "'... (10000 characters)", "10000 characters; at most 4096"),
    ],
)
def test_bad_name_is_refused_by_key(
    make: Any, place: tuple[str, str], name: str, shown: str, reason: str
) -> None:
    section, table = place
    reply = make()
    entries = reply[section][table]
    entries[name] = next(iter(entries.values()))
    error = refused(json.dumps(reply))
    assert error.key == f"$.{section}.{table}[{shown}]"
    assert reason in error.reason


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ((*CALLBACK, "channel_name"), f"$.client.event_callbacks['{TOPIC}'].channel_name"),
        ((*CALLBACK, "last_resubscribed"), f"$.client.event_callbacks['{TOPIC}'].last_resubscribed"),
        (("client", "event_channels", CHANNEL, "endpoint"), f"$.client.event_channels['{CHANNEL}'].endpoint"),
        (("client", "not_connected", 0, "tango_host"), "$.client.not_connected[0].tango_host"),
        (("client", "not_connected", 0, "device"), "$.client.not_connected[0].device"),
        ((*SAMPLE, "attr_name"), "$.client.perf[0].attr_name"),
    ],
)
@pytest.mark.parametrize("value", ["x" * 10_000, "line\r\nbreak"])
def test_bad_text_is_refused_by_key(path: tuple[str | int, ...], key: str, value: str) -> None:
    assert refused(set_at(whole(), path, value)).key == key


def test_offending_entry_is_found_among_many() -> None:
    reply = whole()
    reply["server"]["event_counters"] = {f"stream{number}": number for number in range(1000)}
    error = refused(set_at(reply, ("server", "event_counters", "stream\n777"), -1))
    assert error.key == r"$.server.event_counters['stream\n777']"


def test_table_given_twice_is_refused_for_the_first() -> None:
    text = set_at(whole(), COUNTER, -1)
    assert refused(text[:-1] + ', "server": null}').key == "$.server.event_counters[...]"


def test_text_that_is_cut_off_is_refused_as_a_whole() -> None:
    assert refused(set_at(whole(), COUNTER, -1)[:-1]).key == "$"


def test_too_many_entries_are_refused() -> None:
    reply = whole()
    reply["server"]["event_counters"] = {str(number): 1 for number in range(MAX_ENTRIES + 1)}
    error = refused(json.dumps(reply))
    assert error.key == "$.server.event_counters"
    assert "at most 100000" in error.reason
    reply = whole()
    reply["server"]["perf"] *= MAX_ENTRIES + 1
    assert refused(json.dumps(reply)).key == "$.server.perf"


def test_size_limit_counts_bytes() -> None:
    text = json.dumps({**whole(), "new": "é"}, ensure_ascii=False)
    size = len(text.encode())
    assert size == len(text) + 1
    assert parse_reply(text, max_bytes=size) == parse_reply(text.encode(), max_bytes=size)
    for too_long in (text, text.encode()):
        with pytest.raises(ReplyError, match=f"{size} bytes; at most {size - 1}"):
            parse_reply(too_long, max_bytes=size - 1)


@pytest.mark.parametrize("text", ["x" * 50_000_000, b"\xff" * 50_000_000], ids=["text", "bytes"])
def test_fifty_megabytes_of_garbage_cost_nothing(text: str | bytes) -> None:
    tracemalloc.start()
    try:
        error = refused(text)
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert f"at most {MAX_REPLY_BYTES}" in error.reason
    assert used < 100_000


@pytest.mark.parametrize("dialect", [whole, patched])
def test_every_prefix_of_a_reply_is_refused(dialect: Any) -> None:
    text = json.dumps(dialect())
    for end in range(len(text)):
        refused(text[:end])


def test_a_subscription_that_never_had_a_heartbeat() -> None:
    """cppTango writes null for it, as of a form of Taurus that is being connected."""
    reply = whole()
    reply["client"]["not_connected"][0]["last_heartbeat"] = None
    parsed = parse_reply(json.dumps(reply))
    assert parsed.client is not None
    assert [one.last_heartbeat for one in parsed.client.not_connected] == [""]
