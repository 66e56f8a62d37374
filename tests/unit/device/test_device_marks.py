"""The argument of BeginRun, Mark and EndRun: what is taken, what is refused and why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.device.marks import MAX_JSON_CHARACTERS, NamedMark, RunMark, mark_reply, parse_mark
from stem_device.errors import MarkError
from stem_device.model.mark import Mark, MarkKind
from stem_device.monitor import MarkOutcome

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "marks.md"
NS = 1_795_320_930_250_000_000


def parse(kind: MarkKind = MarkKind.MARK, **told: Any) -> Mark:
    given = {"run": "r", "name": "m"} if kind is MarkKind.MARK else {"run": "r"}
    return parse_mark(kind, json.dumps(given | told))


def schema_of(kind: type[RunMark]) -> dict[str, Any]:
    """Without what says nothing about which arguments are valid."""
    schema = msgspec.json.schema(kind)["$defs"][kind.__name__]
    for one in schema["properties"].values():
        one.pop("default", None)
    return {key: value for key, value in schema.items() if key not in {"title", "description"}}


def documented_schema() -> dict[str, Any]:
    blocks = re.findall(r"^```json\n(.*?)^```$", REFERENCE.read_text(), flags=re.M | re.S)
    return next(json.loads(block) for block in blocks if "additionalProperties" in block)


def test_the_schema_is_documented() -> None:
    documented = documented_schema()
    assert documented == schema_of(NamedMark)
    documented["required"].remove("name")
    del documented["properties"]["name"]
    assert documented == schema_of(RunMark)


def test_the_table_of_the_reference_has_every_key_and_no_other() -> None:
    section = REFERENCE.read_text().split("| key | value | meaning |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, flags=re.M) == [
        "run",
        "name",
        *(name for name in RunMark.__struct_fields__ if name != "run"),
    ]


def test_everything_told_arrives() -> None:
    told: dict[str, Any] = {
        name: f"the {name}" for name in RunMark.__struct_fields__ if name not in {"time", "iteration"}
    }
    found = parse(**told, time=NS, iteration=3, name="flashed")
    assert msgspec.structs.asdict(found) == told | {
        "kind": MarkKind.MARK,
        "name": "flashed",
        "iteration": 3,
        "emitted_utc_ns": NS,
        "received_utc_ns": 0,
        "received_monotonic_ns": 0,
    }


@pytest.mark.parametrize("kind", [MarkKind.BEGIN, MarkKind.END])
def test_begin_and_end_are_called_so(kind: MarkKind) -> None:
    found = parse(kind)
    assert (found.kind, found.name) == (kind, str(kind))
    assert {found.queue, found.error, found.iteration} == {None}


@pytest.mark.parametrize(
    "time",
    [
        NS,
        "2026-11-22T04:15:30.250Z",
        "2026-11-22T05:15:30.250000+01:00",
        "2026-11-21T23:15:30,250000000-05:00",
        "20261122T041530.25Z",
    ],
)
def test_a_time_in_all_its_forms(time: str | int) -> None:
    assert parse(time=time).emitted_utc_ns == NS


def test_a_microsecond_is_not_rounded() -> None:
    assert parse(time="2026-11-22T04:15:30.250001Z").emitted_utc_ns == NS + 1000


def test_null_is_not_told() -> None:
    assert parse(time=None, iteration=None, queue=None) == parse()


@pytest.mark.parametrize(
    ("told", "key", "reason"),
    [
        ({"phase": 1}, "$", "unknown field `phase`"),
        ({"deviceGroup": "x"}, "$", "unknown field `deviceGroup`"),
        ({"run": ""}, "$.run", "length >= 1"),
        ({"run": "x" * 257}, "$.run", "length <= 256"),
        ({"run": 7}, "$.run", "got `int`"),
        ({"run": None}, "$.run", "got `null`"),
        ({"run": "a\nb"}, "$.run", "printable"),
        ({"run": "a\0b"}, "$.run", "printable"),
        ({"run": " a"}, "$.run", "space"),
        ({"name": "a\x7f"}, "$.name", "printable"),
        ({"name": "begin"}, "$.name", "BeginRun"),
        ({"name": "end"}, "$.name", "EndRun"),
        ({"iteration": -1}, "$.iteration", ">= 0"),
        ({"iteration": 2**63}, "$.iteration", "<="),
        ({"iteration": 1.0}, "$.iteration", "got `float`"),
        ({"iteration": True}, "$.iteration", "got `bool`"),
        ({"iteration": "1"}, "$.iteration", "got `str`"),
        ({"queue": "x" * 1025}, "$.queue", "length <= 1024"),
        ({"error": "x" * 8193}, "$.error", "length <= 8192"),
        ({"time": 1_795_320_930}, "$.time", ">= 946684800000000000"),
        ({"time": 1_795_320_930.25}, "$.time", "got `float`"),
        ({"time": float("nan")}, "$", "malformed"),
        ({"time": "yesterday"}, "$.time", "'yesterday'"),
        ({"time": "2026-11-22T04:15:30"}, "$.time", "time zone"),
        ({"time": "1970-01-01T00:00:00Z"}, "$.time", "2000"),
        ({"time": "2100-01-01T00:00:01Z"}, "$.time", "2100"),
        ({"time": "2026-11-22T04:15:30Z" + " " * 60}, "$.time", "length <= 64"),
    ],
)
def test_what_cannot_be_used_is_named(told: dict[str, Any], key: str, reason: str) -> None:
    with pytest.raises(MarkError) as caught:
        parse(**told)
    assert caught.value.key == key
    assert reason in caught.value.reason


@pytest.mark.parametrize("text", ["", "{", "[]", '"run"', "null", '{"run":"\\ud800"}', "{'run':'a'}"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(MarkError):
        parse_mark(MarkKind.BEGIN, text)


def test_a_begin_has_no_name() -> None:
    with pytest.raises(MarkError, match="unknown field `name`"):
        parse(MarkKind.BEGIN, name="x")
    with pytest.raises(MarkError, match="missing required field `name`"):
        parse_mark(MarkKind.MARK, '{"run": "r"}')


def test_the_whole_argument_is_limited() -> None:
    with pytest.raises(MarkError, match="65537 characters are more than 65536"):
        parse_mark(MarkKind.BEGIN, '{"run": "r"}'.ljust(MAX_JSON_CHARACTERS + 1))
    assert parse_mark(MarkKind.BEGIN, '{"run": "r"}'.ljust(MAX_JSON_CHARACTERS)).run == "r"


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(MarkError):
        parse_mark(MarkKind.BEGIN, '{"run": ' + "[" * 30_000 + "]" * 30_000 + "}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from([*NamedMark.__struct_fields__]) | st.text()


@given(st.dictionaries(keys, json_values), st.sampled_from(MarkKind))
def test_any_object_is_taken_or_refused_in_printable_latin_1(told: dict[str, Any], kind: MarkKind) -> None:
    refused = ""
    try:
        assert parse_mark(kind, json.dumps({"run": "r"} | told)).run
    except MarkError as error:
        refused = str(error)
    assert refused.isprintable()
    assert len(refused.encode("latin-1")) < 1000


def test_the_answer() -> None:
    mark = parse(time=NS)
    mark = msgspec.structs.replace(mark, received_utc_ns=NS + 11_402_999)
    assert json.loads(mark_reply(MarkOutcome(mark))) == {
        "recorded": True,
        "reason": "",
        "received": "2026-11-22T04:15:30.261402Z",
    }
    answer = mark_reply(MarkOutcome(mark, "the disk is \u2026 full\n \u00e9"))
    assert answer.isascii()
    assert json.loads(answer)["recorded"] is False
