"""Status says who misses what from whom, and what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from stem_device.analysis.causes import Analyst
from stem_device.analysis.facts import Patience
from stem_device.device.causes import why_worst
from stem_device.device.status import MAX_LINES, NO_TARGETS, Situation, fault_status, status_of
from stem_device.device.text import MAX_SENTENCE_CHARACTERS
from stem_device.model.finding import Cause
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.poll import Failure, ServerState
from stem_device.model.processes import OwnProcess
from stem_device.model.snapshot import Counts, Snapshot
from tests.unit.device.device_builders import Health, Recording, disconnected, server, snapshot, subscription
from tests.unit.made_verdicts import judged

AT_ONCE = Patience(overdue_polls=1, unreachable_polls=1)
LOSSY = subscription("p/p/p/x.idl5_change", missed_total=120_513, missed_delta=120_513)


def told(one: Snapshot | None, **changes: Any) -> str:
    facts: dict[str, Any] = {
        "snapshot": one,
        "verdict": judged(one, patience=AT_ONCE) if one else None,
        "targets": ("sys/*/*",),
        "recording": Recording(),
        "health": Health(),
    }
    return status_of(Situation(**(facts | changes)))


def test_nothing_to_do() -> None:
    assert NO_TARGETS in told(None, targets=())
    assert "AddTarget" in NO_TARGETS


def test_marks_that_are_in_no_recording() -> None:
    assert "call StartRecording" not in told(None)
    assert "are in no recording: unrecordedMarks counts them. Call StartRecording" in told(
        None, unrecorded_marks=2
    )


def test_waiting() -> None:
    assert told(None) == "Waiting for the first poll of 1 target."


def test_all_well() -> None:
    text = told(snapshot(server("a", subscription()), server("b")))
    assert text == (
        "Monitoring 2 of 2 servers.\n"
        "Nothing was missed since 2023-11-14 22:13:20 UTC; known subscriptions: 1 in 1 server."
    )


def test_what_is_not_covered_is_said_and_nothing_is_called_clear() -> None:
    text = told(snapshot(server("a", subscription(overdue=None)), counts=Counts(overdue_unknown=1)))
    assert "Nothing was missed" not in text
    assert "Not covered:\n- overdue events of 1 subscription are unknown" in text


def test_followed_servers_are_told_apart() -> None:
    followed = server("p", followed=True)
    assert "Monitoring 1 of 1 server, and following 1 publisher of them." in told(
        snapshot(server("a", subscription()), followed)
    )
    dead = server("p", followed=True, state=ServerState.UNREACHABLE, failure=Failure.REFUSED)
    text = told(snapshot(server("a", subscription(publisher="p")), dead))
    assert "Publishers do not work, and are listened to:\n- p ended without having been stopped" in text
    assert ", a listens to it" in text
    assert "1 server unreachable:\n- p" in text
    assert "unreachable" not in told(snapshot(server("a", subscription()), dead))


def test_unaccounted_events_are_told() -> None:
    row = subscription(unaccounted_total=7, unaccounted_delta=7)
    counts = Counts(unaccounted=7, missed_before=3)
    text = told(snapshot(server("a", row), counts=counts))
    assert "- a has 7 events of a/b/c/x.change from dserver/fast/1 unaccounted" in text
    assert "0 events missed, 7 unaccounted since 2023-11-14 22:13:20 UTC." in text
    assert "3 events pushed before monitoring began and found to be lost since" in text


def test_the_text_stays_while_nothing_happens() -> None:
    assert told(snapshot(server())) == told(snapshot(server(), seconds=50))


def test_who_missed_what_from_whom_and_what_to_do() -> None:
    text = told(Analyst().complete(snapshot(server("dserver/slow/1", LOSSY))))
    assert (
        "- dserver/slow/1 missed 120513 events of p/p/p/x.change from dserver/fast/1, lost between 2023-11-14"
        in text
    )
    assert (
        "- dserver/slow/1, p/p/p/x.change: cause unknown: 120,513 events were lost; nothing in the counters "
        "says why.\nWhat to do: " in text
    )
    assert "120513 events missed since" in text


def test_the_cause_of_the_worst_is_a_sentence() -> None:
    one = Analyst().complete(snapshot(server("dserver/slow/1", LOSSY)))
    verdict = judged(one, patience=AT_ONCE)
    assert why_worst(one, verdict).startswith("Cause unknown: 120,513 events were lost; nothing in")
    (finding,) = one.findings
    known = replace(one, findings=(structs.replace(finding, cause=Cause.BURST, likely=True),))
    assert why_worst(known, verdict).startswith("Cause: likely burst beyond the queue: ")


def test_a_lower_bound_says_so() -> None:
    bound = subscription(missed_total=3, missed_delta=3, missed_at_least=True)
    assert "missed at least 3 events" in told(snapshot(server("a", bound)))


def test_missed_long_ago() -> None:
    text = told(snapshot(server("a", subscription(missed_total=2))))
    assert "2 events missed since 2023-11-14 22:13:20 UTC." in text
    assert "Nothing was missed since 2023-11-14 22:13:20 UTC;" in text


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (snapshot(server("a", subscription(overdue=4))), "a waits for events of a/b/c/x.change"),
        (snapshot(server("a", not_connected=(disconnected("y"),))), "a is not connected to a/b/c/y (change)"),
        (snapshot(server("a", drained_by_others=True)), "Somebody else reads samples"),
        (snapshot(server("a"), problems=("the database is down",)), "- the database is down"),
        (snapshot(server("a", state=ServerState.FAILING)), "none of 1 server can be monitored"),
        (snapshot(), "no server was found for TargetDevices"),
        *(
            (
                snapshot(server("ok"), server("a", state=state)),
                f"1 server {state}:\n- a, since 2023-11-14 22:13:20 UTC: it is {state}; do something",
            )
            for state in ServerState
            if state is not ServerState.MONITORED
        ),
    ],
)
def test_every_trouble_has_its_sentence(one: Snapshot, sentence: str) -> None:
    assert sentence in told(one)


def test_recording_and_health_and_notes() -> None:
    one = snapshot(server())
    assert "Recording to /r/x.h5." in told(one, recording=Recording(active=True, path="/r/x.h5"))
    lacking = told(one, recording=Recording(active=True, path="/r/x.h5", error="2 polls are not in it"))
    assert (
        "The recording is not complete: 2 polls are not in it. It goes on when the disk keeps up." in lacking
    )
    failed = told(one, recording=Recording(error="no space left"))
    assert "Recording failed: no space left." in failed
    assert "call StartRecording" in failed
    assert "restarted 2 times; last error: KeyError: 1" in told(one, health=Health(2, 0, "KeyError: 1"))
    assert "1 error while a Snapshot" in told(one, health=Health(0, 1, "E"))
    assert told(one, notes=("A note.",)).endswith("\nA note.")


def test_servers_that_are_asked_less_often() -> None:
    text = told(snapshot(server("a"), server("b", asked_every=3)))
    assert (
        "Asked less often, since their answers take more of their time than MaxQueryShare allows:\n"
        "- b, at every 3 polls" in text
    )
    assert "MaxQueryShare" not in told(snapshot(server("a")))


def test_outlets_that_lose_something() -> None:
    well = (OutletHealth("marks", sent=3), OutletHealth("recording", sent=7, waiting=1))
    assert told(snapshot(server()), outlets=well) == told(snapshot(server()))
    behind = (OutletHealth("recording", dropped=4, waiting=31),)
    assert "The outlet recording dropped" in told(snapshot(server()), outlets=behind)
    assert "outletDropped" in told(snapshot(server()), outlets=behind)
    still = (structs.replace(behind[0], dropped=5),)
    assert told(snapshot(server()), outlets=still) == told(snapshot(server()), outlets=behind), "steady"
    failed = (OutletHealth("panel", failed=1, last_error="OSError: gone"),)
    assert "The outlet panel failed (outletFailed); last error: OSError: gone." in told(
        snapshot(server()), outlets=failed
    )
    recording = (OutletHealth("recording", failed=1, last_error="StemError: no space left"),)
    twice = told(snapshot(server()), outlets=recording, recording=Recording(error="no space left"))
    assert twice.count("no space left") == 1, "told as the failure of the recording"


def test_it_stays_readable_however_much_is_wrong() -> None:
    long = "x" * 10_000
    bad = [
        server(f"{long}{number}", state=state)
        for number in range(200)
        for state in (ServerState.FAILING, ServerState.UNREACHABLE)
    ]
    crowd = [subscription(f"{long}{number}", missed_delta=1, missed_total=1) for number in range(500)]
    text = told(snapshot(server("a", *crowd), *bad, problems=(long,) * 100))
    lines = text.split("\n")
    assert len(lines) < 6 * (MAX_LINES + 3)
    assert max(map(len, lines)) <= MAX_SENTENCE_CHARACTERS
    assert f"- and {200 - MAX_LINES} more" in lines


def test_names_cannot_break_lines_or_encoding() -> None:
    text = told(snapshot(server("ok"), server("a\nb\0\N{SNOWMAN}", state=ServerState.FAILING)))
    assert "a\\nb\\x00\\u2603" in text
    text.encode("latin-1")


def test_fault() -> None:
    text = fault_status("PollPeriod: must be a number")
    assert "PollPeriod" in text
    assert "Init" in text


def test_telemetry_that_is_not_complete_and_a_long_pause_of_the_monitor_are_told() -> None:
    own = OwnProcess(1.0, None, 0.5, 0.0, 0.24, 1_700_000_000_000_000_000)
    assert told(None, own=own).count("\n") == 0
    text = told(
        None,
        own=structs.replace(own, worst_pause_seconds=0.5),
        telemetry_problems=("/t: cannot be read: No such file or directory",),
    )
    assert "is not complete:\n- /t: cannot be read: No such file or directory\n" in text
    assert "stopped this monitor for 0.50 s at 2023-11-14 22:13:20 UTC: polls" in text
