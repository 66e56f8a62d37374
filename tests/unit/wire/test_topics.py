"""Which topics are wanted, and what ZeroMQ is told."""

from __future__ import annotations

import pytest

from stem_device.wire.topics import Topics

TOPIC = "tango://db:10000/sys/tg_test/1/double_scalar.idl5_change"


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("sys/tg_test/1/double_scalar", True),
        ("SYS/tg_test/1/double_scalar.change", True),
        ("sys/tg_test/1/double_scalar.archive", False),
        ("sys/tg_test/1", True),
        ("sys/*", True),
        ("*/double_scalar", True),
        ("*.change", True),
        ("sys/tg_test/1/double", False),
        ("tango://db:10000/sys/tg_test/1", True),
        ("tango://other:10000/sys/tg_test/1", False),
    ],
)
@pytest.mark.parametrize("topic", [TOPIC, TOPIC.replace(".idl5_", "#dbase=no.").upper().lower()])
def test_patterns(pattern: str, wanted: bool, topic: str) -> None:
    topics = Topics([pattern], ["db:10000"])
    assert topics.matches(topic) is wanted
    if wanted:
        assert any(topic.encode().startswith(prefix) for prefix in topics.prefixes())


def test_without_patterns_all_is_wanted() -> None:
    assert Topics().prefixes() == (b"",)
    assert Topics().matches("anything")
    assert Topics().learn("tango://db:1/dserver/a/b.heartbeat") == ()


def test_a_host_is_learned_from_a_heartbeat() -> None:
    topics = Topics(["sys/tg_test/*"], ["127.0.0.1:10000"])
    assert topics.prefixes() == (b"tango://127.0.0.1:10000/sys/tg_test/",)
    heartbeat = "tango://db.lab:10000/dserver/tangotest/1.heartbeat"
    assert topics.learn(heartbeat) == (b"tango://db.lab:10000/sys/tg_test/",)
    assert topics.learn(heartbeat) == ()
