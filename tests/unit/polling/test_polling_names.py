from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.errors import TargetError
from stem_device.polling.names import TargetName, admin_path, full_name, parse_target


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sys/tg_test/1", TargetName("", "sys/tg_test/1")),
        (" SYS/Tg_Test/1 ", TargetName("", "sys/tg_test/1")),
        ("DServer/TangoTest/1", TargetName("", "dserver/tangotest/1")),
        ("sys/*/*", TargetName("", "sys/*/*")),
        ("tango://Host:10000/sys/*/*", TargetName("host:10000", "sys/*/*")),
        ("tango://host:10000/a/b/c#dbase=yes", TargetName("host:10000", "a/b/c")),
        ("tango://127.0.0.1:45/a/b/c#dbase=no", TargetName("127.0.0.1:45", "a/b/c", database=False)),
        ("tango://[::1]:45/a/b/c", TargetName("[::1]:45", "a/b/c")),
        ("myalias", TargetName("", "myalias")),
    ],
)
def test_target_strings_are_taken_apart(text: str, expected: TargetName) -> None:
    assert parse_target(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a/b", "sys/tg_test/1"),
        ("a/b/c/d", "names an attribute; name its device, a/b/c$"),
        ("a//c", "sys/tg_test/1"),
        ("", "sys/tg_test/1"),
        ("a b/c/d", "sys/tg_test/1"),
        ("sys*", "three parts"),
        ("tango://host/a/b/c", "host:port"),
        ("tango://host:99999/a/b/c", "host:port"),
        ("tango://host:0/a/b/c", "host:port"),
        ("http://host:1/a/b/c", "sys/tg_test/1"),
        ("a/b/c#dbase=no", "#dbase=no"),
        ("tango://host:1/a/*/c#dbase=no", "#dbase=no"),
        ("tango://host:1/alias#dbase=no", "#dbase=no"),
        ("x" * 2000, "longer than"),
        ("\N{SNOWMAN}/b/c", r"cannot hold '\\u2603'"),
        ("a/b/\ud800", r"cannot hold '\\ud800'"),
        ("a/b/c\x1b", r"cannot hold '\\x1b'"),
        ("tango://a..b:1/a/b/c#dbase=no", "host:port"),
        (f"tango://{'h' * 64}:1/a/b/c", "host:port"),
        ("tango://\N{LATIN SMALL LETTER U WITH DIAERESIS}:1/a/b/c", "host:port"),
    ],
)
def test_bad_names_say_what_they_should_be(text: str, words: str) -> None:
    with pytest.raises(TargetError, match=words.replace("*", r"\*")) as caught:
        parse_target(text)
    assert caught.value.reason


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        name = parse_target(text)
    except TargetError:
        return
    assert name.path == name.path.lower()
    assert "\n" not in name.path


def test_full_names_are_lower_case() -> None:
    assert full_name("Host:1", admin_path("TangoTest/One")) == "tango://host:1/dserver/tangotest/one"
    assert full_name("h:1", "a/b/c", database=False) == "tango://h:1/a/b/c#dbase=no"
    assert parse_target(full_name("h:1", "a/b/c", database=False)) == TargetName(
        "h:1", "a/b/c", database=False
    )
