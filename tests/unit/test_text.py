"""Foreign text: what may steer a terminal is gone, the rest stays."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stem_device.errors import RecordingError, ReplyError, TargetFailingError
from stem_device.text import visible

ESCAPES = "\x1b]0;owned\x07 \x1b[2J\x9b31m"


def test_what_cannot_be_seen_leaves_a_mark() -> None:
    assert visible("a\u202eb\x00c\u200bd") == "a\ufffdb\ufffdc\ufffdd"
    assert visible("µ-Strahl ü 束") == "µ-Strahl ü 束"
    assert visible("one\r\n\ttwo") == "one   two"


@given(st.text())
def test_whatever_it_was_it_is_one_harmless_line(text: str) -> None:
    kinds = {unicodedata.category(character) for character in visible(text)}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(visible(text)) == len(text)
    assert visible(visible(text)) == visible(text)


def test_no_error_carries_escapes() -> None:
    error = TargetFailingError("a/b/c", ESCAPES)
    reply = ReplyError(f"$.{ESCAPES}", ESCAPES)
    told = [str(error), error.reason, str(reply), reply.reason, reply.key]
    told.append(str(RecordingError(Path(ESCAPES), "open", "it is gone")))
    assert all(text.isprintable() for text in told)
