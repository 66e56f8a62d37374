from __future__ import annotations

import io

import pytest

pytest.importorskip("rich")

from rich.cells import cell_len
from rich.console import Console

from stem_device.report.fitting import Fitted, Name, middle

pytestmark = pytest.mark.extras


def drawn(what: object, width: int) -> list[str]:
    file = io.StringIO()
    console = Console(width=width, file=file, color_system=None)
    console.print(what)
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("lab/motor/1", 20, "lab/motor/1"),
        ("lab/motor/1", 11, "lab/motor/1"),
        ("laboratory/motor/position", 16, "labor…r/position"),
        ("abcdef", 1, "…"),
        ("abcdef", 2, "a…"),
        ("abcdef", 0, ""),
        ("\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 10, 9, None),
    ],
)
def test_a_name_keeps_its_beginning_and_its_end(text: str, width: int, short: str | None) -> None:
    assert cell_len(middle(text, width)) <= max(width, 0)
    if short is not None:
        assert middle(text, width) == short


def test_a_name_in_a_cell_takes_the_room_there_is() -> None:
    assert drawn(Name("laboratory/motor/position"), 16) == ["labor…r/position"]


ROWS = [["13", "1.2 %", "4", "dserver/archiver/one", "laboratory/motor/position/value.change"]] * 3
HEADINGS = ["MISSED", "SHARE", "GAPS", "SUBSCRIBER", "STREAM"]


@pytest.mark.parametrize("width", [200, 80, 60, 50, 40])
def test_every_row_is_one_line_of_the_terminal(width: int) -> None:
    lines = drawn(Fitted(HEADINGS, ROWS, names=(3, 4), keep=(0,)), width)
    assert max(map(len, lines)) <= width
    assert sum("13 " in line for line in lines) == len(ROWS)
    assert len(lines) in {4, 5}
    if width >= 80:
        assert "dserver/archiver/one" in lines[1]
        assert "no room" not in lines[-1]


def test_columns_of_less_weight_go_first_and_are_told() -> None:
    lines = drawn(Fitted(HEADINGS, ROWS, names=(3, 4), keep=(0,)), 40)
    assert lines[0].split() == ["MISSED", "SUBSCRIBER", "STREAM"]
    assert lines[-1] == "(no room for SHARE, GAPS)"


def test_a_number_is_never_shortened() -> None:
    rows = [["1234567", "laboratory/motor/position/value.change", "dserver/archiver/one"]]
    table = Fitted(["MISSED", "STREAM", "SUBSCRIBER"], rows, names=(1, 2), keep=(0,))
    for width in range(10, 60):
        assert drawn(table, width)[1][:7] == "1234567"
