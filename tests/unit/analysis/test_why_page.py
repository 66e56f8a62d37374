"""The page about causes says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stem_device.analysis.causes import PHRASES, cause_of
from stem_device.analysis.causes.history import AVERAGE_SECONDS
from stem_device.analysis.causes.named import ADVICE
from stem_device.analysis.causes.rules_of_lives import PATIENCE_SECONDS
from stem_device.analysis.causes.rules_of_pace import BLOCKED_SECONDS
from stem_device.model.finding import Cause, Standing
from tests.unit.analysis.caused_history import System

PAGE = (Path(__file__).parents[3] / "docs/explanation/how-tango-events-work.md").read_text()


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_explained_and_has_words_and_advice(cause: Cause) -> None:
    assert f"`{cause}`" in PAGE
    assert PHRASES[cause]
    assert ADVICE[cause].endswith(".")


@pytest.mark.parametrize("standing", Standing)
def test_every_standing_is_explained(standing: Standing) -> None:
    assert f"`{standing}`" in PAGE


def test_there_are_twelve_ways_and_each_quotes_a_sentence() -> None:
    ways = re.split(r"^### \d+\. ", PAGE, flags=re.M)[1:]
    assert len(ways) == 12
    for way in ways:
        assert re.search(r"^Code `\w+`\.", way, re.M), way
        assert len(re.findall(r"^> ", way, re.M)) == 1, way


def test_the_numbers_of_the_page() -> None:
    assert f"1 or more over {AVERAGE_SECONDS:g} s" in PAGE
    assert f"c stands still for {BLOCKED_SECONDS:g} s and two polls" in PAGE
    assert f"stay 0 for more than {PATIENCE_SECONDS:g} s" in PAGE
    assert f"Said after {PATIENCE_SECONDS:g} s" in PAGE
    assert f"For {PATIENCE_SECONDS:g} s this is said" in PAGE


def test_words() -> None:
    system = System(callback=0.02, queue=200)
    system.polls([0] * 4 + [750] * 12)
    assert system.finding is not None
    text = cause_of(system.finding)
    assert text.startswith("likely callback too slow: While events waited, callbacks took 20 ms an event")
    assert system.finding.advice.startswith("Make the callbacks faster")
