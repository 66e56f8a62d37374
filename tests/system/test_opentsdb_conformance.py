"""The same points in our engine and in VictoriaMetrics: both must answer the same.

VictoriaMetrics takes OpenTSDB's points in and answers MetricsQL, whose words for each question stand beside.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from stem_device.opentsdb.answer_json import answer_json
from stem_device.opentsdb.columns import Columns, Point
from stem_device.opentsdb.engine import answer
from stem_device.opentsdb.limits import Budget, Limits
from stem_device.opentsdb.pushing import parse_endpoint
from stem_device.opentsdb.pushing.http_put import HttpPut, PutPoint
from stem_device.opentsdb.pushing.telnet_put import TelnetPut
from stem_device.opentsdb.request import checked, decode
from stem_device.outlets.bounded_http import ExchangeBudget
from tests.system.harness import VictoriaMetrics
from tests.system.harness.victoria_metrics import Key, Points

pytestmark = pytest.mark.needs("victoria-metrics")

STEP = 10_000
POLLS = 90
METRIC = "stem_test_events_total"
SERVERS = ("slow", "quick", "Other")


class Store:
    """Points of some servers, in our columns and in VictoriaMetrics."""

    def __init__(self, victoria: VictoriaMetrics) -> None:
        self.victoria = victoria
        self.columns = Columns(10_000, 1_000_000)
        # Whole minutes of the past two hours: VictoriaMetrics keeps nothing older than it was told to.
        self.begin = int(time.time() - 7200) // 600 * 600_000
        self.end = self.begin + (POLLS - 1) * STEP
        self.points: dict[Key, Points] = {}

    def metrics(self) -> list[str]:
        return [METRIC]

    def tag_sets(self, metric: str, budget: Budget) -> list[dict[str, str]]:
        budget.check_time()
        return [dict(tags) for tags in self.columns.tag_sets(metric)]

    def read(self, metric: str, begin_ns: int, end_ns: int, wanted: Any, budget: Budget) -> Any:
        budget.check_time()
        return self.columns.read(metric, begin_ns, end_ns, wanted)

    def annotations(self, _begin_ns: int, _end_ns: int) -> list[Any]:
        return []

    def fill(self) -> None:
        """Counters that rise, and are reset now and then; one server is away for a while."""
        chance = random.Random(7)
        values = dict.fromkeys(SERVERS, 0)
        put: list[PutPoint] = []
        for poll in range(POLLS):
            at = self.begin + poll * STEP
            row = []
            for name in SERVERS:
                values[name] = 0 if chance.random() < 0.05 else values[name] + chance.randrange(50)
                if name == "quick" and 30 <= poll < 50:
                    continue
                tags = (("server", name), ("site", "north" if name == "slow" else "south"))
                row.append(Point(METRIC, tags, float(values[name])))
                self.points.setdefault(tags, {})[at] = float(values[name])
                put.append(PutPoint(METRIC, at, values[name], dict(tags)))
            self.columns.add(at * 1_000_000, row)
        self._put(put)

    def _put(self, points: list[PutPoint]) -> None:
        """Half of them by each way."""
        http = parse_endpoint(f"http://127.0.0.1:{self.victoria.http_port}")
        telnet = parse_endpoint(f"opentsdb://127.0.0.1:{self.victoria.telnet_port}")
        with closing(HttpPut(http, ExchangeBudget(20.0))) as put:
            assert put.send(points[::2]) == len(points[::2])
        with closing(TelnetPut(telnet, ExchangeBudget(20.0))) as put_lines:
            assert put_lines.send(points[1::2]) == len(points[1::2])
        self.victoria.wait_for(METRIC, lambda found: found == self.points)

    def ask(self, query: dict[str, Any], begin: int | None = None) -> dict[Key, Points]:
        """What our engine answers, by the tags that its results have in common."""
        body = {
            "start": self.begin if begin is None else begin,
            "end": self.end,
            "queries": [{"metric": METRIC, "aggregator": "sum"} | query],
            "msResolution": True,
        }
        request = checked(decode(json.dumps(body).encode()), self.end, Limits())
        told = json.loads(answer_json(answer(self, request, Budget(Limits()))))
        return {
            tuple(sorted(one["tags"].items())): {int(at): value for at, value in one["dps"].items()}
            for one in told
        }


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with VictoriaMetrics(tmp_path_factory.mktemp("victoria")) as victoria:
        made = Store(victoria)
        made.fill()
        yield made


def same(ours: dict[Key, Points], theirs: dict[Key, Points]) -> None:
    assert ours.keys() == theirs.keys()
    for tags, points in ours.items():
        assert points.keys() == theirs[tags].keys(), tags
        assert np.allclose(list(points.values()), list(theirs[tags].values()), rtol=1e-9), tags


def by_server(points: dict[Key, Points]) -> dict[Key, Points]:
    """The label that they share, as MetricsQL's by (server) leaves nothing else."""
    return {tuple(pair for pair in tags if pair[0] == "server"): own for tags, own in points.items()}


def test_points_come_back_as_they_were_put(store: Store) -> None:
    same(store.ask({"aggregator": "none"}), store.victoria.export(METRIC))


@pytest.mark.parametrize("function", ["sum", "avg", "min", "max", "count", "dev"])
def test_aggregation_over_servers(store: Store, function: str) -> None:
    """Where one is away, MetricsQL leaves it out, and so do our aggregators that do not interpolate."""
    ours = store.ask({"aggregator": function, "tags": {"server": "slow|Other"}, "filters": []})
    word = {"dev": "stddev"}.get(function, function)
    grouped = f"{word}({METRIC}{{server=~'slow|Other'}}) by (server)"
    theirs = store.victoria.query_range(grouped, store.begin, store.end, STEP)
    same(by_server(ours), theirs)
    away = {"sum": "zimsum", "min": "mimmin", "max": "mimmax"}.get(function)
    if away is not None:
        ours = store.ask({"aggregator": away})
        theirs = store.victoria.query_range(
            f"{word}(last_over_time({METRIC}[{STEP}ms]))", store.begin, store.end, STEP
        )
        (points,) = ours.values()
        same({(): points}, theirs)


@pytest.mark.parametrize(
    ("function", "word"),
    [
        ("avg", "avg_over_time"),
        ("sum", "sum_over_time"),
        ("min", "min_over_time"),
        ("max", "max_over_time"),
        ("count", "count_over_time"),
        ("first", "first_over_time"),
        ("last", "last_over_time"),
        ("dev", "stddev_over_time"),
    ],
)
@pytest.mark.parametrize("fill", ["", "-zero"])
def test_downsampling(store: Store, function: str, word: str, fill: str) -> None:
    """A window of MetricsQL ends with its moment, a bucket of OpenTSDB begins with it."""
    minute = 60_000
    ours = store.ask({"aggregator": "none", "downsample": f"1m-{function}{fill}"})
    query = f"{word}({METRIC}[1m])" + (" default 0" if fill else "")
    ends = store.victoria.query_range(
        query,
        store.begin + minute - 1,
        store.end + minute - 1,
        minute,
    )
    theirs = {tags: {at - minute + 1: value for at, value in points.items()} for tags, points in ends.items()}
    same(ours, theirs)


def test_rates(store: Store) -> None:
    """A change between two polls. At a reset theirs begins with 0; ours leaves the point out, if asked to."""
    ours = store.ask({"aggregator": "none", "rate": True})
    theirs = store.victoria.query_range(f"ideriv({METRIC}[{2 * STEP}ms])", store.begin, store.end, STEP)
    apart = {
        tags: {at: value for at, value in points.items() if at - STEP in store.points[tags]}
        for tags, points in ours.items()
    }
    wanted = {
        tags: {at: value for at, value in points.items() if at in apart[tags]}
        for tags, points in theirs.items()
    }
    same(apart, wanted)
    counter = {"counter": True, "dropResets": True}
    ours = store.ask({"aggregator": "none", "rate": True, "rateOptions": counter})
    rates = store.victoria.query_range(f"irate({METRIC}[{2 * STEP}ms])", store.begin, store.end, STEP)
    for tags, points in ours.items():
        resets = {
            at for at, value in store.points[tags].items() if value < store.points[tags].get(at - STEP, 0)
        }
        assert resets, "there is something to see"
        assert not resets & points.keys()
        for at, value in points.items():
            if at - STEP in store.points[tags]:
                assert value == pytest.approx(rates[tags][at])


@pytest.mark.parametrize(
    ("asked", "matched"),
    [
        ({"type": "literal_or", "filter": "slow|quick"}, "server=~'slow|quick'"),
        ({"type": "not_literal_or", "filter": "slow"}, "server!='slow'"),
        ({"type": "iliteral_or", "filter": "SLOW|other"}, "server=~'(?i)(slow|other)'"),
        ({"type": "wildcard", "filter": "*o*"}, "server=~'.*o.*'"),
        ({"type": "iwildcard", "filter": "*O*"}, "server=~'(?i).*o.*'"),
        ({"type": "regexp", "filter": "^[sq].*[wk]$"}, "server=~'[sq].*[wk]'"),
    ],
)
def test_filters(store: Store, asked: dict[str, str], matched: str) -> None:
    pytest.importorskip("re2")
    one = {"tagk": "server", "groupBy": True, **asked}
    ours = store.ask({"aggregator": "none", "filters": [one]})
    same(ours, store.victoria.export(f"{METRIC}{{{matched}}}"))
