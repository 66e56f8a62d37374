from __future__ import annotations

import pytest

from stem_device.model.poll import PHASE_LABELS
from stem_device.report.page import limits
from stem_device.report.page.contents import processes_table, tables
from stem_device.report.page.figures.catalogue import panel
from stem_device.report.page.findings import find
from stem_device.report.page.html_page import page_html
from tests.unit.report.page_evidence import Story

pytestmark = pytest.mark.extras

POLLS = (0.0, 10.0, 20.0)
PROCESSES = (
    (1.0, 0.010, "Motor.Move [command]", "duration", 1),
    (2.0, 0.030, "Motor.Move [command]", "duration", 2),
    (3.0, 0.020, "Motor.Move [command]", "duration", 2),
    (4.0, 0.250, "gc pause generation 2", "runtime", 2),
    (4.0, 9.0, "gc pauses generation 2", "runtime", 2),
    (5.0, 1024.0, "max rss", "runtime", 2),
    (6.0, 0.004, "interpreter lag", "runtime", 2),
)


def test_what_took_long_and_when() -> None:
    findings = find(Story(polls=POLLS, processes=PROCESSES).evidence())
    table = processes_table(findings)
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["gc pause generation 2", "1", "1", "250 ms", "250 ms", "250 ms", "04:00:04"],
        ["Motor.Move [command]", "2", "3", "20 ms", "29.8 ms", "30 ms", "04:00:02"],
        ["interpreter lag", "1", "1", "4 ms", "4 ms", "4 ms", "04:00:06"],
    ]
    assert "processes" in {one.name for one in tables(findings)}


def test_no_telemetry_is_no_table() -> None:
    findings = find(Story(polls=POLLS).evidence())
    assert findings.processes.times == ()
    assert "processes" not in {one.name for one in tables(findings)}
    without = page_html(findings, title="", made="")
    assert "Processes over time" not in without
    assert "telemetry of processes" not in without


def test_over_time_above_what_was_lost() -> None:
    story = Story(
        polls=POLLS,
        received=[(20.0, "dserver/a/1", "dserver/p/1", "x", 5, 3, 1, 0)],
        processes=[
            *PROCESSES,
            (10.5, 0.005, "Motor.Move [command]", "duration", 1),
            (99.0, 1, "x", "duration", 1),
        ],
    )
    findings = find(story.evidence())
    (figure,) = panel("processes", findings).pages
    drawn = {trace.name: trace for trace in figure.data}
    assert list(drawn) == ["x", "Motor.Move [command]", "gc pause generation 2", "interpreter lag", "missed"]
    assert len(drawn["x"].x) == 0  # after the last poll
    move = drawn["Motor.Move [command]"]
    assert list(move.customdata) == [0.030, 0.005]
    assert list(move.x) == ["2026-11-22T04:00:05.000", "2026-11-22T04:00:15.000"]
    pause = drawn["gc pause generation 2"]
    assert (list(pause.y), pause.meta) == (
        [250_000],
        "halts",
    )
    assert list(drawn["missed"].y) == [0, 3]
    assert figure.layout.xaxis.matches == figure.layout.xaxis2.matches == "x3"


def test_distributions_hold_every_measurement() -> None:
    (figure,) = panel("process_distributions", find(Story(polls=POLLS, processes=PROCESSES).evidence())).pages
    counts = {trace.meta: int(sum(trace.customdata[:-1])) for trace in figure.data}
    assert counts == {"gc pause generation 2": 1, "Motor.Move [command]": 3, "interpreter lag": 1}


def test_many_labels_are_a_few_lines_and_a_bounded_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TABLE_ROWS", 30)
    many = [(1.0, number / 1000, f"label {number}", "duration", 1) for number in range(50)]
    findings = find(Story(polls=POLLS, processes=many).evidence())
    assert [one.times.label for one in findings.processes.drawn] == [f"label {n}" for n in range(49, 43, -1)]
    assert "44 more" in panel("processes", findings).caption
    table = processes_table(findings)
    assert (len(table.rows), table.left_out) == (30, 20)


def test_polls_of_the_monitor_are_in_the_table_alone() -> None:
    polls = [(1.0, 5.0, label, "duration", 9) for label in PHASE_LABELS]
    findings = find(Story(polls=POLLS, processes=[*polls, *PROCESSES]).evidence())
    assert [one.times.label for one in findings.processes.drawn if not one.times.halt] == [
        "Motor.Move [command]"
    ]
    assert findings.processes.others == 0
    assert [row[0].text for row in processes_table(findings).rows[3:]] == sorted(PHASE_LABELS)
    alone = find(Story(polls=POLLS, processes=polls).evidence())
    assert panel("processes", alone).left_out
    assert len(processes_table(alone).rows) == len(PHASE_LABELS)
