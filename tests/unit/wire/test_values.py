"""Values as PyTango 9.5.1 and 10.3.1 sent them; and cut, and made up."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.wire.values import UndecodableError, value_of

TOPIC = "tango://vm:1/test/p/1/d#dbase=no.idl5_change"
VALUE = bytes.fromhex("0100000001000000010000000000000000000000 00".replace(" ", ""))
ERROR = VALUE[:-1] + b"\x01"
TAIL = "0100000000000000000000000000000000000000"

SENT = {
    "double": (
        "c0dec0de0500000001000000000000000000f83f0000000000000000050000005f2a096b985c0c00960100000200000064000000"
        + TAIL,
        1.5,
    ),
    "long64": (
        "c0dec0de0300000001000000fdffffffffffffff0000000000000000170000005f2a096be7610c00630300000200000069000000"
        + TAIL,
        -3,
    ),
    "string": (
        "c0dec0de0a000000010000000600000068e96c6c6f0000000000000000000000080000005f2a096bf5610c00970000000200000073000000"
        + TAIL,
        "h\xe9llo",
    ),
    "boolean": (
        "c0dec0de0000000001000000010000000000000000000000010000005f2a096bff610c005d0300000200000062000000"
        + TAIL,
        True,
    ),
    "spectrum": (
        "c0dec0de0500000003000000000000000000f03f000000000000004000000000000008400000000001000000050000005f2a096b"
        "29620c006c0200000500000073706563000000000300000000000000000000000000000000000000",
        [1.0, 2.0, 3.0],
    ),
    "image": (
        "c0dec0de03000000060000000100000000000000020000000000000003000000000000000400000000000000050000000000000006"
        "000000000000000000000002000000170000005f2a096b41620c00b800000004000000696d67000300000002000000"
        "000000000000000000000000",
        [[1, 2, 3], [4, 5, 6]],
    ),
    "encoded": (
        "c0dec0de0d0000000100000004000000666d7400030000006162630000000000000000001c0000005f2a096b5e620c0067010000"
        "03000000656e0000" + TAIL,
        ("fmt", "616263"),
    ),
    "state": (
        "c0dec0de0b00000001000000060000000000000000000000130000005f2a096b6d620c004b0200000300000073740000"
        + TAIL,
        "MOVING",
    ),
    "State": (
        "c0dec0de0c0000000d0000000000000000000000130000005f2a096b93620c002a010000060000005374617465000000"
        + TAIL,
        "UNKNOWN",
    ),
}


@pytest.mark.parametrize("kind", SENT)
def test_values_of_real_publishers(kind: str) -> None:
    data, expected = SENT[kind]
    value = value_of([TOPIC.encode(), b"\x01", VALUE, bytes.fromhex(data)])
    assert value.value == expected
    assert (value.quality, value.written, value.errors) == ("ATTR_VALID", None, ())
    assert value.time_ns // 10**9 == 0x6B092A5F


def test_an_error_of_a_real_publisher() -> None:
    data = bytes.fromhex("c0dec0de01000000020000005200000001000000050000006465736300620c00050000006f72696700")
    value = value_of([TOPIC.encode(), b"\x01", ERROR, data])
    assert value.errors == (("R", "desc", "orig"),)


def packed(order: str, version: int) -> bytes:
    """A spectrum of two shorts that was read, one that was written."""
    head = struct.pack(f"{order}iI3h", 1, 3, 10, 20, 30) + b"\0\0"
    middle = struct.pack(f"{order}II", 4, 1) + (struct.pack(f"{order}i", 2) if version == 5 else b"")
    return (
        b"\xc0\xde\xc0\xde" + head + middle + struct.pack(f"{order}3iI4s5i", 1, 2, 3, 2, b"d", 2, 0, 1, 0, 0)
    )


@pytest.mark.parametrize(("order", "mark"), [("<", b"\x01"), (">", b"\x00")])
@pytest.mark.parametrize(
    ("topic", "version"), [(TOPIC, 5), (TOPIC.replace("idl5", "idl6"), 5), ("a.change", 4)]
)
def test_byte_orders_and_versions_of_the_idl(order: str, mark: bytes, topic: str, version: int) -> None:
    value = value_of([topic.encode(), mark, VALUE, packed(order, version)])
    assert (value.type, value.value, value.written) == ("DevShort", [10, 20], [30])
    assert (value.quality, value.time_ns) == ("ATTR_WARNING", 1_000_002_003)


@pytest.mark.parametrize(
    ("topic", "data", "why"),
    [
        (TOPIC, "c0dec0de15000000", "IDL 3"),
        ("a.attr_conf", "", "no attribute"),
        (TOPIC, "c0dec0de05000000ffffffff", "values"),
        (TOPIC, "c0dec0de0a000000ffffff7f", "cut off"),
        (TOPIC, "c0dec0de0a00000001000000ffffff7f00000000", "cut off"),
        (TOPIC, "", "cut off"),
    ],
)
def test_what_cannot_be_decoded_says_why(topic: str, data: str, why: str) -> None:
    with pytest.raises(UndecodableError, match=why):
        value_of([topic.encode(), b"\x01", VALUE, bytes.fromhex(data)])


@given(st.binary(max_size=200), st.sampled_from([VALUE, ERROR]), st.sampled_from([b"\x01", b"\x00", b""]))
def test_any_bytes_are_a_value_or_an_error(data: bytes, call: bytes, order: bytes) -> None:
    _value_or_error(data, call, order)


@given(st.sampled_from(sorted(SENT)), st.integers(0, 300), st.integers(0, 255))
def test_a_changed_byte_is_a_value_or_an_error(kind: str, place: int, byte: int) -> None:
    data = bytearray.fromhex(SENT[kind][0])
    data[place % len(data)] = byte
    _value_or_error(bytes(data), VALUE, b"\x01")


def _value_or_error(data: bytes, call: bytes, order: bytes) -> Any:
    try:
        return value_of([TOPIC.encode(), order, call, data])
    except UndecodableError as error:
        return error
