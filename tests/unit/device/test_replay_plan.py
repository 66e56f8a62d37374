"""What a device must have to publish recorded events again."""

from __future__ import annotations

import pytest

from stem_device.device.replay_plan import Place, Shape, place_of, plan_of
from stem_device.recording.event_files import HeardEvent


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("tango://db:1/a/b/c/d.idl5_change", Place("a/b/c", "d", "change")),
        ("tango://db:1/A/b/c/D#dbase=no.archive", Place("a/b/c", "d", "archive")),
        ("a/b/c/d.idl6_user_event", Place("a/b/c", "d", "user_event")),
        ("tango://db:1/a/b/c/d.attr_conf", None),
        ("tango://db:1/a/b/c.idl5_intr_change", None),
        ("nonsense", None),
        ("tango://db:1/a b/c/\xe9/d.change", Place("a b/c/\xe9", "d", "change")),
        ("tango://db:1/a,x/b/c/d.change", None),
        ("tango://db:1/replay::a/b/c/d.change", None),
        ("tango://db:1/a/b/c\n/d.change", None),
        ("tango://db:1/a/b/c/d\0.change", None),
        ("tango://db:1/a/b/\u0416/d.change", None),
        (f"tango://db:1/{'a' * 300}/b/c/d.change", None),
    ],
)
def test_places(name: str, place: Place | None) -> None:
    assert place_of(name) == place


def test_attributes_have_room_for_all_events() -> None:
    name = "tango://db:1/a/b/c/"
    plan = plan_of(
        [
            HeardEvent(1, f"{name}plain.change", 1, 1_000),
            HeardEvent(1, f"{name}scalar.change", 1, 200, "DevLong", 5),
            HeardEvent(1, f"{name}spectrum.change", 1, 200, "DevDouble", [1.0]),
            HeardEvent(1, f"{name}spectrum.change", 1, 200, "DevDouble", [1.0, 2.0, 3.0]),
            HeardEvent(1, f"{name}image.change", 1, 200, "DevShort", [[1, 2], [3, 4], [5, 6]]),
            HeardEvent(1, f"{name}plain.attr_conf", 1, 200),
        ]
    )
    assert (plan.count, plan.left_out) == (5, 1)
    attributes = plan.devices["a/b/c"]
    assert attributes["plain"].type == ""
    assert 800 < attributes["plain"].size < 1_000
    shapes = {key: (one.type, one.rank, one.x, one.y) for key, one in attributes.items() if one.type}
    assert shapes == {
        "scalar": ("DevLong", 0, 1, 1),
        "spectrum": ("DevDouble", 1, 3, 1),
        "image": ("DevShort", 2, 2, 3),
    }
    assert Shape().size == 1
