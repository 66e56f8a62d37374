"""Text for Tango."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.catalogue.snapshot_json import iso_text
from stem_device.device.text import count_text, tango_text, utc_text


@given(st.text(), st.integers(3, 100))
def test_it_fits_and_can_be_sent(text: str, limit: int) -> None:
    safe = tango_text(text, limit)
    assert len(safe) <= limit
    assert safe.isprintable()
    safe.encode("latin-1")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=50))
def test_plain_text_is_left_alone(text: str) -> None:
    assert tango_text(text, 50) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("a\nb\0", "a\\nb\\x00"),
        ("\N{SNOWMAN}", "\\u2603"),
        ("\ud800", "\\ud800"),
        ("x" * 300, "x" * 253 + "..."),
    ],
)
def test_escapes_and_cuts(text: str, safe: str) -> None:
    assert tango_text(text) == safe


def test_times() -> None:
    assert utc_text(0) == "never"
    assert utc_text(1_700_000_000_900_000_000) == "2023-11-14 22:13:20 UTC"
    assert iso_text(1_700_000_000_987_654_321) == "2023-11-14T22:13:20.987Z"


def test_counts() -> None:
    assert [count_text(number, "event") for number in (0, 1, 2)] == ["0 events", "1 event", "2 events"]
