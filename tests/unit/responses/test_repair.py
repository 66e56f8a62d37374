"""Replies as cppTango writes them where names have characters that JSON wants escaped."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.errors import ReplyError
from stem_device.model.reply import MAX_NAME_CHARACTERS, Reply
from stem_device.responses import parse, parse_reply
from stem_device.responses.repair import MAX_ESCAPED, MAX_STRINGS, repaired


def reply_with(name: str) -> str:
    """As cppTango writes it, with this attribute at both sides and in a sample."""
    stream = f"tango://h:1/a/b/c/{name}.change"
    callback = (
        '{"channel_name":"tango://h:1/dserver/x/y","callback_count":1,"server_counter":3,"event_count":3,'
        '"missed_event_count":0,"discarded_event_count":0,"last_resubscribed":null}'
    )
    sample = (
        f'{{"attr_name":"{name}","micros_since_last_event":null,"sleep_micros":1,"process_micros":2,'
        '"first_callback_latency_micros":3,"callback_count":1,"wake_count":1,"discarded":false}'
    )
    return (
        f'{{"version":1,"server":{{"event_counters":{{"{stream}":4,"tango://h:1/a/b/c/good.change":7}},'
        f'"perf":null}},"client":{{"event_callbacks":{{"{stream}":{callback}}},"not_connected":[],'
        f'"event_channels":{{}},"perf":[{sample}]}}}}'
    )


def streams(reply: Reply) -> dict[str, int]:
    assert reply.server is not None
    return {
        name.removeprefix("tango://h:1/a/b/c/"): value for name, value in reply.server.event_counters.items()
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('quo"te', 'quo"te'),
        ('"both"', '"both"'),
        ("back\\slash", "back\\slash"),
        ("back\\name", "back\\name"),
        ("back\\", "back\\"),
        ("tab\tname", "tab\\x09name"),
        ("new\nline", "new\\x0aline"),
        ('all\\"\n', 'all\\"\\x0a'),
        ("comma,brace}", "comma,brace}"),
    ],
)
def test_names_that_are_not_escaped_are_read_all_the_same(name: str, shown: str) -> None:
    reply = parse_reply(reply_with(name))
    assert streams(reply) == {f"{shown}.change": 4, "good.change": 7}
    assert reply.client is not None
    assert list(reply.client.event_callbacks) == [f"tango://h:1/a/b/c/{shown}.change"]
    assert [sample.attr_name for sample in reply.client.perf or ()] == [shown]


@given(st.text(st.sampled_from('ab"\\\n\t/.x0u'), max_size=12))
def test_whatever_the_name_counts_are_right_or_the_reply_is_refused(name: str) -> None:
    try:
        found = streams(parse_reply(reply_with(name)))
    except ReplyError:
        return
    assert sorted(found.values()) == [4, 7]
    assert found["good.change"] == 7


def test_a_name_that_looks_like_the_end_of_a_name_is_blamed() -> None:
    with pytest.raises(ReplyError, match="cppTango does not escape") as error:
        parse_reply(reply_with('x":1,"y'.replace("y", 'y"z\\')).replace('"perf":null', '"perf":nil'))
    assert "give that attribute another name" in error.value.reason


@pytest.mark.parametrize(
    ("wire", "shown"),
    [
        ("température", "température"),
        ("tempÃ©rature", "température"),
        ("tempÃ©rature/débit", "température/débit"),  # of a PyTango server, and of one in C++
        ("Ω", "Ω"),
    ],
    ids=["Latin-1", "UTF-8 read as Latin-1", "both in one reply", "beyond both"],
)
def test_names_beyond_ascii_are_shown_right(wire: str, shown: str) -> None:
    assert f"{shown}.change" in streams(parse_reply(reply_with(wire)))


@pytest.mark.parametrize("text", ['"' * 3_000_000, '{"version":1,"' * 300_000, '{"a":"' + '"x' * 1_000_000])
def test_what_cannot_be_repaired_takes_no_longer(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(ReplyError):
        parse_reply(text)
    assert time.process_time() - begun < 10.0


def test_interface_changes_are_of_the_device_and_not_of_a_dummy() -> None:
    entries = ",".join(
        f'{{"device":"a/b/c","attribute":"{name}","event_type":"{kind}","last_heartbeat":"x","tango_host":null}}'
        for name, kind in (("dummy", "intr_change"), ("dummy", "change"))
    )
    reply = parse_reply(reply_with("x").replace('"not_connected":[]', f'"not_connected":[{entries}]'))
    assert reply.client is not None
    assert [entry.subject for entry in reply.client.not_connected] == ["a/b/c", "a/b/c/dummy"]


@pytest.mark.parametrize(
    "text",
    [
        '{"version":1,"server":{"event_counters":{},"perf":[{"quo\\\\te":1}]},"client":null}',
        '{"version":1}',
    ],
)
def test_json_that_is_another_document_is_not_searched_for_names(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse, "repaired", lambda _: pytest.fail("it was"))
    with pytest.raises(ReplyError):
        parse_reply(text)


@pytest.mark.parametrize(
    "text",
    [
        '["' + "\n" * (MAX_NAME_CHARACTERS + 1) + '"]',
        '["' + '","'.join("\n" for _ in range(MAX_STRINGS + 2)) + '"]',
        '["' + '","'.join("\n" * 1000 for _ in range(MAX_ESCAPED // 1000 + 1)) + '"]',
    ],
)
def test_no_more_is_mended_than_a_reply_can_need(text: str) -> None:
    assert repaired(text) is None


def test_as_much_is_mended_as_a_large_reply_needs() -> None:
    names = (f'tango://h:1/a/b/c/quo"te{number}' for number in range(90_000))
    text = '{"version":1,"server":{"event_counters":{' + ",".join(f'"{name}":3' for name in names)
    reply = parse_reply(text + '},"perf":null},"client":null}')
    assert reply.server is not None
    assert len(reply.server.event_counters) == 90_000


def test_nesting_without_end_is_refused() -> None:
    """By its depth, or, from Python 3.14 on, which allows more of it, as cut off."""
    with pytest.raises(ReplyError):
        parse_reply('{"version":1,"server":' + '{"a":' * 200_000)
