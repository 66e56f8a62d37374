"""Simulations with fixed seeds: how often chance is taken for a change, and a change is found."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("scipy")

from stem_device.statistics.batches import QUANTILES
from stem_device.statistics.bursts import Bursts, bursts_of, too_short
from stem_device.statistics.comparison import _change, _verdict
from stem_device.statistics.comparison_results import Kind, Verdict
from stem_device.statistics.distribution import Grouping
from stem_device.statistics.significance import (
    FEWEST_PIECES,
    Evidence,
    _trust,
    _widened,
    adjusted,
    compare_shares,
    compare_values,
)

pytestmark = pytest.mark.extras

PIECES = 20
SUBJECTS = 200
MOST_FALSE = 0.05 + 3 * math.sqrt(0.05 * 0.95 / SUBJECTS)
Floats = npt.NDArray[np.float64]


def bursts(random: np.random.Generator, polls: int, mean_burst: float, mean_quiet: float) -> Floats:
    """Losses (subjects, polls) in bursts of many polls, of very different strength."""
    lost = np.zeros((SUBJECTS, polls))
    for subject in range(SUBJECTS):
        lengths = random.geometric(np.tile([1 / mean_quiet, 1 / mean_burst], polls))
        strength = random.lognormal(3, 1, len(lengths)) * np.tile([0, 1], polls)
        lost[subject] = np.repeat(strength, lengths)[:polls]
    return random.poisson(lost).astype(float)


def drifting(random: np.random.Generator, polls: int, memory: float) -> Floats:
    """Medians of a timing (subjects, polls) that wander about 400 with a spread of 10 %."""
    steps = random.normal(size=(SUBJECTS, polls)) * math.sqrt(1 - memory**2)
    steps[:, 0] /= math.sqrt(1 - memory**2)
    for poll in range(1, polls):
        steps[:, poll] += memory * steps[:, poll - 1]
    return 400 * np.exp(0.1 * steps)


def cut(values: Floats) -> Floats:
    return values.reshape(SUBJECTS, PIECES, -1)


def false_alarms(found: list[Evidence]) -> float:
    return float(np.mean([one.p_value < 0.05 for one in found]))


def covered(found: list[Evidence], difference: float = 0.0) -> float:
    return float(np.mean([one.difference_low <= difference <= one.difference_high for one in found]))


@pytest.mark.parametrize(("polls", "burst", "quiet"), [(200, 1, 15), (200, 5, 30), (100, 5, 20)])
def test_bursts_of_losses_are_rarely_taken_for_a_change(polls, burst, quiet) -> None:
    random = np.random.default_rng(11)
    a, b = (cut(bursts(random, polls, burst, quiet)).sum(axis=2) for _ in range(2))
    expected = np.full(a.shape, 1000.0 * polls)
    found = compare_shares(a, expected, b, expected)
    assert false_alarms(found) < MOST_FALSE
    assert covered(found) > 0.88


def test_single_events_as_units_would_be_wrong() -> None:
    """The same bursts, tested poll by poll as if polls were independent: half of the alarms are false."""
    from scipy.stats import mannwhitneyu

    random = np.random.default_rng(11)
    a, b = (bursts(random, 200, 10, 30) for _ in range(2))
    assert np.mean(mannwhitneyu(a, b, axis=1).pvalue < 0.05) > 0.3


def test_more_losses_are_found() -> None:
    random = np.random.default_rng(12)
    a = cut(bursts(random, 400, 2, 20)).sum(axis=2)
    b = cut(bursts(random, 400, 4, 4)).sum(axis=2)
    expected = np.full(a.shape, 1000.0 * 400)
    found = compare_shares(a, expected, b, expected)
    assert false_alarms(found) > 0.8
    assert np.mean([one.effect > 0 for one in found]) > 0.95
    assert all(one.b > one.a for one in found if one.p_value < 0.05)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_drifting_timings_are_rarely_taken_for_a_change(memory) -> None:
    random = np.random.default_rng(13)
    a, b = (np.median(cut(drifting(random, 200, memory)), axis=2) for _ in range(2))
    found = [compare_values(*pair) for pair in zip(a, b, strict=True)]
    assert false_alarms(found) < MOST_FALSE
    assert covered(found) > 0.9


def test_a_slower_timing_is_found_and_its_size_is_told() -> None:
    random = np.random.default_rng(14)
    a, b = (np.median(cut(drifting(random, 400, 0.5)), axis=2) for _ in range(2))
    found = [compare_values(one, other * 1.1) for one, other in zip(a, b, strict=True)]
    assert false_alarms(found) > 0.95
    assert np.median([one.ratio for one in found]) == pytest.approx(1.1, abs=0.01)
    assert covered(found, 40.0) > 0.9
    assert np.mean([one.ratio_low <= 1.1 <= one.ratio_high for one in found]) > 0.9


def test_shares_by_hand() -> None:
    part_a, whole_a = np.array([[1.0, 0, 2, 0, 1, 0]]), np.full((1, 6), 100.0)
    part_b, whole_b = np.array([[9.0, 8, 7, 8, 9, 7]]), np.full((1, 6), 100.0)
    (found,) = compare_shares(part_a, whole_a, part_b, whole_b)
    assert (found.a, found.b) == pytest.approx((4 / 600, 48 / 600))
    assert (found.difference, found.ratio) == pytest.approx((44 / 600, 12))
    assert found.difference_low < 44 / 600 < found.difference_high
    assert found.effect == 1.0
    # All 924 ways to choose six of twelve pieces are tried; two of them are as extreme.
    assert found.p_value == pytest.approx(2 / 924)


def test_values_by_hand() -> None:
    found = compare_values(np.array([1.0, 2, 3, 4, np.nan]), np.array([11.0, 12, 13, 14]))
    assert (found.a, found.b, found.difference) == (2.5, 12.5, 10)
    assert (found.ratio, found.effect) == (5, 1)
    assert found.difference_low <= 10 <= found.difference_high


def test_one_burst_is_no_evidence() -> None:
    a, b, whole = np.zeros((1, 20)), np.zeros((1, 20)), np.full((1, 20), 1e5)
    b[0, 7] = 5000
    (found,) = compare_shares(a, whole, b, whole)
    assert found.p_value > 0.9
    assert math.isnan(found.ratio)


@pytest.mark.parametrize("pieces", [0, 1, FEWEST_PIECES - 1])
def test_too_few_pieces_tell_nothing(pieces) -> None:
    few, many = np.ones((1, pieces)), np.ones((1, 20))
    assert math.isnan(compare_shares(few, few, many, many)[0].p_value)
    assert math.isnan(compare_values(few[0], many[0]).p_value)


def test_four_pieces_on_each_side_can_be_sure() -> None:
    """With three, 2 of 20 ways to divide them are as far apart: that is never sure."""
    for pieces, p_value in ((3, math.nan), (4, 2 / 70)):
        low = np.array([0.0, 3, 1, 2])[:pieces]
        high = low + 10
        whole = np.full((1, pieces), 100.0)
        found = (compare_values(low, high), *compare_shares(low[None, :], whole, high[None, :], whole))
        assert [one.p_value for one in found] == pytest.approx([p_value] * 2, nan_ok=True)


def test_pieces_that_hang_together_count_as_fewer() -> None:
    pairs = np.tile([0.0, 0, 1, 1], 3)
    correlation = (12 * (0.25 / 3) + 1) / (12 - 3)  # what a short series has too little is added
    assert _trust(pairs, pairs) == pytest.approx(math.sqrt((1 - correlation) / (1 + correlation)))
    steady = np.arange(100.0)
    assert _trust(steady, steady) == pytest.approx(math.sqrt(0.1 / 1.9)), "20 of them as one"
    assert _trust(np.tile([0.0, 1], 20), np.tile([0.0, 1], 20)) == 1


@pytest.mark.parametrize(
    ("samples", "known"), [(4, []), (5, ["median"]), (99, ["median"]), (100, ["median", "p99"])]
)
def test_how_many_samples_a_piece_must_have(samples: int, known: list[str]) -> None:
    shares, fewest = np.array(list(QUANTILES.values())).T
    found = Grouping(np.zeros(samples, np.int64), 1).quantiles(np.arange(samples), shares, fewest)
    assert [name for name, value in zip(QUANTILES, found[:, 0], strict=True) if value >= 0] == known


def test_an_interval_holds_nineteen_of_twenty_draws() -> None:
    draws = np.linspace(0, 1, 2001)
    assert _widened(0.5, draws, 1.0) == pytest.approx((0.025, 0.975))
    assert _widened(0.5, draws, 0.5) == pytest.approx((-0.45, 1.45)), "twice as wide where half is known"


def test_a_change_is_sure_below_a_twentieth() -> None:
    change = _change(Kind.MISSED, "share", compare_values(np.arange(4.0), np.arange(4.0) + 10))
    assert [_verdict(change, p_value) for p_value in (0.049, 0.05)] == [Verdict.WORSE, Verdict.UNSURE]


@pytest.mark.parametrize(("lossy", "interval"), [((2, 3, 8), math.nan), ((2, 3, 8, 15), 6.5)])
def test_three_bursts_make_a_pattern(lossy: tuple[int, ...], interval: float) -> None:
    """Polls with losses that follow each other are one."""
    lost, every = np.zeros(20), np.ones(20)
    lost[list(lossy)] = 5
    one = {"usual": [1.0], "source": np.zeros(20, np.int64), "counts": every > 0}
    polls = SimpleNamespace(**one, steps=every, interval_seconds=every)
    found = bursts_of(lost, polls)  # type: ignore[arg-type]
    assert found.number == len(lossy) - 1
    assert found.interval_seconds == pytest.approx(interval, nan_ok=True)


def test_a_recording_covers_the_distance_of_two_bursts_twice() -> None:
    pattern = Bursts(3, 10.0, 600.0)
    assert too_short(Bursts(1, math.nan, 19.9), pattern) == 10
    assert math.isnan(too_short(Bursts(2, math.nan, 20.0), pattern))


def test_nothing_in_either_is_no_difference() -> None:
    none, whole = np.zeros((1, 20)), np.full((1, 20), 10.0)
    (found,) = compare_shares(none, whole, none, whole)
    assert (found.a, found.b, found.difference, found.p_value) == (0, 0, 0, 1)
    assert compare_values(whole[0], whole[0]).p_value == 1


def test_the_same_data_give_the_same_answer() -> None:
    random = np.random.default_rng(15)
    a, b = random.poisson(3, (2, 1, 20)).astype(float)
    whole = np.full((1, 20), 100.0)
    assert repr(compare_shares(a, whole, b, whole)) == repr(compare_shares(a, whole, b, whole))


def test_many_tests_are_taken_into_account() -> None:
    p_values = np.array([0.04, math.nan, *np.linspace(0.1, 1, 19)])
    found = adjusted(p_values)
    assert found[0] == pytest.approx(0.8)
    assert math.isnan(found[1])
    assert math.isnan(adjusted(np.array([math.nan]))[0])
    assert len(adjusted(np.array([]))) == 0
