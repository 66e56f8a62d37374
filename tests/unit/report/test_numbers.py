from __future__ import annotations

import pytest

from stem_device.report import numbers

NAN = float("nan")


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (numbers.count, 120513, "120,513"),
        (numbers.count, None, "-"),
        (numbers.signed, 0, "+0"),
        (numbers.signed, 20, "+20"),
        (numbers.rate, NAN, "-"),
        (numbers.rate, 0.0, "0/s"),
        (numbers.rate, 0.25, "0.25/s"),
        (numbers.rate, 9999.6, "10,000/s"),
        (numbers.micros, NAN, "-"),
        (numbers.micros, 0.0, "0 µs"),
        (numbers.micros, 12.34, "12.3 µs"),
        (numbers.micros, 4560.0, "4.56 ms"),
        (numbers.micros, -2_500_000.0, "-2.5 s"),
        (numbers.tight_micros, 4560.0, "4.56m"),
        (numbers.seconds, 0.25, "250 ms"),
        (numbers.seconds, 12.3, "12.3 s"),
        (numbers.seconds, 250.0, "4 min 10 s"),
        (numbers.seconds, 11_100.0, "3 h 05 min"),
        (numbers.size, 512, "512 B"),
        (numbers.size, 34_100, "34.1 kB"),
        (numbers.size, 1_200_000_000, "1.2 GB"),
        (numbers.utc, 1_700_000_000_123_999_999, "2023-11-14T22:13:20.123Z"),
    ],
)
def test_numbers_read_well(function, value, text) -> None:
    assert function(value) == text


def test_a_sparkline_tells_little_from_nothing() -> None:
    assert numbers.sparkline([0.0, 1.0, 1000.0], 5) == "▁▂█  "
    assert numbers.sparkline([5.0, 0.0, 0.0], 2) == "▁▁"
    assert numbers.sparkline([], 3) == "   "
    assert numbers.sparkline([NAN, 2.0], 2) == "▁█"


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
    assert numbers.common_prefix(names) == prefix
