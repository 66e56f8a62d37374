"""Data frames of both libraries."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from stem_device import open_recording
from stem_device.errors import MissingExtraError, NoSuchDataError, OptionError
from stem_device.reading import Recording
from tests.unit.synthetic_recording import Loss, Outage, Plan, Truth, write_recording

pytest.importorskip("h5py")
pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
pytestmark = pytest.mark.extras

PLAN = Plan(polls=8, losses=(Loss(5, 2, 2, 7), Loss(6, 1, 1, 3)), outages=(Outage(3, 0),))


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return write_recording(tmp_path_factory.mktemp("frames") / "a.h5", PLAN)


@pytest.fixture(scope="module")
def recording(truth: Truth):
    with open_recording(truth.paths) as recording:
        yield recording


def test_pandas(recording: Recording, truth: Truth) -> None:
    frame = recording["subscriptions"].frame()
    assert list(frame.columns) == [
        "time_utc" if name == "time_utc_ns" else name for name in recording["subscriptions"].columns
    ]
    assert len(frame) == truth.missed.size
    assert isinstance(frame["server"].dtype, pandas.CategoricalDtype)
    assert sorted(frame["server"].cat.categories) == sorted(truth.servers)
    assert frame["last_resubscribed"].isna().all()
    assert str(frame["time_utc"].dtype) == "datetime64[ns, UTC]"
    assert frame["missed_at_least"].dtype == np.bool_
    lost = frame[frame["counted"]].groupby("server", observed=True)["missed_delta"].sum()
    assert lost[lost > 0].to_dict() == {truth.servers[2]: 7, truth.servers[1]: 3}
    by_time = frame.set_index("time_utc")["missed_delta"].resample("20s").sum()
    assert by_time.tolist() == [0, 0, 7, 3]


def test_polars(recording: Recording, truth: Truth) -> None:
    frame = recording["subscriptions"].frame("polars")
    assert len(frame) == truth.missed.size
    assert frame.schema["server"] == polars.Categorical
    assert frame.schema["time_utc"] == polars.Datetime("ns", "UTC")
    assert frame.schema["missed_at_least"] == polars.Boolean
    assert frame["last_resubscribed"].null_count() == len(frame)
    lost = frame.filter("counted").group_by("server").agg(polars.col("missed_delta").sum())
    sums = {name: missed for name, missed in lost.iter_rows() if missed}
    assert sums == {truth.servers[2]: 7, truth.servers[1]: 3}


@pytest.mark.parametrize(
    "table", ["polls", "servers", "texts", "not_connected", "marks", "subscriber_samples"]
)
def test_both_have_the_same(recording: Recording, table: str) -> None:
    one, other = recording[table].frame("pandas"), recording[table].frame("polars")
    assert list(one.columns) == other.columns
    for column in one.columns:
        values = one[column].astype(object).where(one[column].notna(), None).tolist()
        found = other[column].to_list()
        if column == "time_utc":
            found = [pandas.Timestamp(moment) for moment in found]
        assert values == [None if isinstance(v, float) and np.isnan(v) else v for v in found], column
    np.testing.assert_array_equal(recording[table]["time_utc_ns"], one["time_utc"].astype("int64").to_numpy())


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_some_columns_in_the_order_asked_for(recording: Recording, library: str) -> None:
    frame = recording["servers"].frame(library, ["state", "poll"])
    assert list(frame.columns) == ["state", "poll"]
    assert list(frame["state"])[12] == "unreachable"


def test_what_cannot_be_had(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match="library: must be one of pandas, polars"):
        recording["polls"].frame("numpy")
    with pytest.raises(NoSuchDataError, match="column of polls 'nothing'"):
        recording["polls"].frame("pandas", ["nothing"])

    import_module = importlib.import_module

    def no_polars(name: str) -> Any:
        if name == "polars":
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(importlib, "import_module", no_polars)
    with pytest.raises(MissingExtraError, match=r"stem-device\[polars\]"):
        recording["polls"].frame("polars")
