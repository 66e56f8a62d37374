"""Options: validated once, with errors that name the property."""

from pathlib import Path

import pytest

from stem_device.errors import OptionError
from stem_device.model.options import Options, property_name


def test_built_from_properties():
    options = Options.from_properties({"TargetDevices": ("sys/*/*",), "PollPeriod": 2.5, "KeepRecordings": 3})
    assert (options.target_devices, options.poll_period, options.keep_recordings) == (("sys/*/*",), 2.5, 3)
    assert options.recording_directory == Path()


def test_an_unknown_property_is_refused_by_name():
    with pytest.raises(OptionError, match="PolPeriod: unknown property"):
        Options.from_properties({"PolPeriod": 1.0})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("poll_period", 0.0),
        ("poll_period", -1.0),
        ("poll_period", float("nan")),
        ("poll_period", float("inf")),
        ("poll_period", "10"),
        ("poll_period", True),
        ("target_timeout", 0),
        ("resolve_period", 0.0),
        ("alarm_hold_time", -0.1),
        ("max_recording_bytes", -1),
        ("max_recording_bytes", 5),
        ("keep_recordings", 1.5),
        ("queries_per_poll", 0),
        ("overdue_alarm_polls", 0),
        ("target_devices", ("sys/tg_test/1", " ")),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_property(name, value):
    with pytest.raises(OptionError) as caught:
        Options(**{name: value})
    assert caught.value.option == property_name(name)
    assert caught.value.option in str(caught.value)


def test_no_limit_is_zero():
    options = Options(max_recording_bytes=0, keep_recordings=0)
    assert options.max_recording_bytes == options.keep_recordings == 0
