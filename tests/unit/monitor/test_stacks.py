"""One stack of a blocked process, once per incident, with the cause and in the recording."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from stem_device.demo.processes import wait_until
from stem_device.model.finding import Cause, Concern, Finding, Standing
from stem_device.model.mark import Mark
from stem_device.model.poll import Identity
from stem_device.model.snapshot import Snapshot
from stem_device.monitor.stacks import Stacks
from tests.unit.made_snapshots import server, snapshot

NAME = "tango://h:1/dserver/slow/one"
PID = 4711


def frame(name: str, line: int) -> dict[str, object]:
    return {"name": name, "filename": f"/lab/{name}.py", "short_filename": f"{name}.py", "line": line}


MAIN = {"thread_name": "MainThread", "frames": [frame("select", 3), frame("<module>", 9)]}
CONSUMER = {"thread_name": "Dummy-1", "frames": [frame("wait", 7), frame("on_event", 5), frame("wrapper", 1)]}
STACK = json.dumps([MAIN, CONSUMER])
FINDING = Finding(
    NAME, "t", "s", "p", Concern.WAITING, Cause.CONSUMER_BLOCKED, likely=False, standing=Standing.STALLED,
    lost=0, overdue=7, since_utc_ns=0, until_utc_ns=1, sentence="It is blocked.", advice="Look.",
)  # fmt: skip


class Taken:
    """Stacks of a process that the test makes up."""

    def __init__(self, tmp_path: Path, arguments: bytes) -> None:
        (tmp_path / str(PID)).mkdir()
        (tmp_path / str(PID) / "cmdline").write_bytes(arguments)
        self.marks: list[Mark] = []
        self.dumped: list[int] = []
        self.error: Exception | None = None
        self.stacks = Stacks(self.marks.append, dump=self._dump, processes=tmp_path)

    def _dump(self, pid: int) -> str:
        self.dumped.append(pid)
        if self.error is not None:
            raise self.error
        return STACK

    def see(self, *findings: Finding) -> tuple[str, ...]:
        one = snapshot(server(NAME))
        named = structs.replace(one.servers[0], name=NAME, identity=Identity(1, PID))
        shown: Snapshot = self.stacks.complete(replace(one, servers=(named,), findings=findings))
        return tuple(finding.sentence for finding in shown.findings)


@pytest.fixture
def taken(tmp_path: Path) -> Taken:
    return Taken(tmp_path, b"python\0-m\0slow\0One\0-v4\0")


def test_it_is_taken_once_per_incident_and_shown_with_the_cause(taken: Taken) -> None:
    assert taken.see(FINDING) == ("It is blocked.",)
    wait_until(lambda: taken.marks, "the stack")
    frames = "wait (wait.py:7) < on_event (on_event.py:5) < wrapper (wrapper.py:1)"
    told = f"It is blocked. Its process: Dummy-1 is in {frames}."
    other = structs.replace(FINDING, cause=Cause.BURST, sentence="A burst.")
    assert taken.see(FINDING, other) == (told, "A burst.")
    assert taken.dumped == [PID]
    (mark,) = taken.marks
    assert (mark.run, mark.name, mark.worker) == (NAME, "stack", str(PID))
    assert mark.error is not None
    assert mark.error.splitlines()[:2] == ["Dummy-1:", "  wait (wait.py:7)"]
    assert "MainThread:" in mark.error
    taken.see()  # the incident is over, and another begins
    assert taken.see(FINDING) == ("It is blocked.",)
    wait_until(lambda: len(taken.marks) == 2, "the second stack")
    taken.stacks.close()


def test_what_cannot_be_taken_is_said_and_not_recorded(taken: Taken) -> None:
    taken.error = PermissionError("py-spy: Permission denied")
    taken.see(FINDING)
    wait_until(
        lambda: "no stack could be taken: py-spy: Permission denied" in taken.see(FINDING)[0], "the reason"
    )
    assert taken.marks == []
    assert taken.dumped == [PID]


def test_a_process_of_that_number_that_is_another_one_is_left_alone(tmp_path: Path) -> None:
    taken = Taken(tmp_path, b"vim\0notes\0")
    taken.see(FINDING)
    taken.see(structs.replace(FINDING, overdue=0))
    assert taken.stacks._thread is None
    assert taken.dumped == []
