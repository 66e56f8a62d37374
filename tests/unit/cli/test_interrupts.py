from __future__ import annotations

import os
import signal
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
def test_the_first_signal_is_raised_and_later_ones_do_not_disturb(number) -> None:
    before = {one: signal.getsignal(one) for one in SIGNALS}
    cleaned = False
    with interrupts_raised():
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        finally:
            for one in SIGNALS:
                os.kill(os.getpid(), one)
            cleaned = True
    assert cleaned
    assert {one: signal.getsignal(one) for one in SIGNALS} == before
