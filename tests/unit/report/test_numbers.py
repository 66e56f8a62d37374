from __future__ import annotations

import pytest

from stem_device.report import number_text

NAN = float("nan")


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (number_text.count, 120513, "120,513"),
        (number_text.count, None, "-"),
        (number_text.signed, 0, "+0"),
        (number_text.signed, 20, "+20"),
        (number_text.rate, NAN, "-"),
        (number_text.rate, 0.0, "0/s"),
        (number_text.rate, 0.25, "0.25/s"),
        (number_text.rate, 9999.6, "10,000/s"),
        (number_text.micros, NAN, "-"),
        (number_text.micros, 0.0, "0 µs"),
        (number_text.micros, 12.34, "12.3 µs"),
        (number_text.micros, 4560.0, "4.56 ms"),
        (number_text.micros, -2_500_000.0, "-2.5 s"),
        (number_text.tight_micros, 4560.0, "4.56m"),
        (number_text.seconds, 0.25, "250 ms"),
        (number_text.seconds, 12.3, "12.3 s"),
        (number_text.seconds, 250.0, "4 min 10 s"),
        (number_text.seconds, 11_100.0, "3 h 05 min"),
        (number_text.size, 512, "512 B"),
        (number_text.size, 34_100, "34.1 kB"),
        (number_text.size, 1_200_000_000, "1.2 GB"),
        (number_text.utc, 1_700_000_000_123_999_999, "2023-11-14T22:13:20.123Z"),
    ],
)
def test_numbers_read_well(function, value, text) -> None:
    assert function(value) == text


def test_a_sparkline_tells_little_from_nothing() -> None:
    assert number_text.sparkline([0.0, 1.0, 1000.0], 5) == "▁▂█  "
    assert number_text.sparkline([5.0, 0.0, 0.0], 2) == "▁▁"
    assert number_text.sparkline([], 3) == "   "
    assert number_text.sparkline([NAN, 2.0], 2) == "▁█"


@pytest.mark.parametrize(
    ("names", "prefix"),
    [
        (["tango://a:1/x/y/z", "tango://a:1/dserver/s/1"], "tango://a:1/"),
        (["tango://a:1/x/y/z", "tango://b:1/x/y/z"], ""),
        (["tango://a:1/x/y/z", "x/y/z"], ""),
        ([], ""),
        (["tango://nothing"], ""),
    ],
)
def test_common_prefix(names, prefix) -> None:
    assert number_text.common_prefix(names) == prefix
