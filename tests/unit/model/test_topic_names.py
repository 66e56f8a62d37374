"""Names of events, and what of them does not say whose they are."""

from __future__ import annotations

import pytest

from stem_device.model.topics import local_name, stream_of


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("tango://host:10000/a/b/c/d.change", "a/b/c/d.change"),
        ("tango://[::1]:10000/a/b/c/d#dbase=no.change", "a/b/c/d.change"),
        ("tango://host:1/dserver/a/1#dbase=no", "dserver/a/1"),
        ("A/b/c", "A/b/c"),
        ("", ""),
    ],
)
def test_what_does_not_say_whose_a_name_is(name: str, local: str) -> None:
    assert local_name(name) == local


def test_streams_of_topics() -> None:
    assert stream_of("tango://h:1/a/b/c/D.idl5_change") == "tango://h:1/a/b/c/d.change"
