from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from stem_device.cli.interrupts import interrupts_noted, interrupts_raised

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_the_second_one_ends(number) -> None:
    before = signal.getsignal(number)
    with interrupts_noted() as interrupted:
        assert not interrupted
        os.kill(os.getpid(), number)
        assert interrupted
        assert signal.getsignal(number) is signal.SIG_DFL
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_raised_and_a_second_hangup_does_not_disturb(number) -> None:
    before = {one: signal.getsignal(one) for one in SIGNALS}
    cleaned = False
    with interrupts_raised():
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGHUP)
            cleaned = True
    assert cleaned
    assert {one: signal.getsignal(one) for one in SIGNALS} == before


CLEANING_THAT_HANGS = """
import os, time
from stem_device.cli.interrupts import interrupts_raised

def say(text):
    os.write(1, text + b"\\n")  # a signal in the middle of print could not print

def undo():
    say(b"undone")
    {undo}

with interrupts_raised(undo):
    try:
        say(b"working")
        time.sleep(60)
    finally:
        say(b"cleaning up")
        time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("hangs", [False, True], ids=["undone", "undoing hangs"])
def test_a_second_signal_ends_at_once_and_a_third_in_any_case(number, hangs) -> None:
    program = CLEANING_THAT_HANGS.format(undo="time.sleep(60)" if hangs else "")
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in ("working", "cleaning up", "undone"):
            assert process.stdout.readline() == f"{line}\n"
            if line != "undone" or hangs:
                process.send_signal(number)
        assert process.wait(20) == -number
    finally:
        process.kill()
        process.communicate()
