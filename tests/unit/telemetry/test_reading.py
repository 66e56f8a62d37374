from __future__ import annotations

import os
from pathlib import Path

import pytest

from stem_device import telemetry
from stem_device.errors import TelemetryError
from stem_device.telemetry import TelemetryDB, open_telemetry

HEADER = "Timepoint,Measurement,Label,PID\r\n"


def write(directory: Path, name: str, *rows: str, header: str = HEADER) -> None:
    (directory / name).write_bytes((header + "".join(f"{row}\r\n" for row in rows)).encode())


def test_series_by_label_and_process(tmp_path: Path) -> None:
    write(tmp_path, "duration.a.csv", "3,0.5,x,10", "1,1.5e-06,y,10")
    write(tmp_path, "duration.b.csv", "2,2.5,x,11")
    write(tmp_path, "runtime.c.csv", "5,7,gc collections,10", "6,1024,max rss,10")
    db = TelemetryDB(tmp_path)
    assert db.duration().labels() == ["y", "x"]
    series = db.duration().time_series("x")
    assert (series.label(), series.pids(), list(series.columns().measurement)) == ("x", [11, 10], [2.5, 0.5])
    assert list(db.gc_collections().columns().measurement) == [7.0]
    assert list(db.max_rss().columns().timepoint) == [6]
    for other in (db.user_time(), db.system_time(), db.gc_collected(), db.gc_uncollectable()):
        assert (len(other), other.pids()) == (0, [])
    assert db.gc_collections().time_series("gc collections").labels() == ["gc collections"]


def test_files_of_the_earlier_package_and_files_that_grow(tmp_path: Path) -> None:
    header = "Timepoint, Measurement, Label, PID\n"
    write(tmp_path, "duration.a.csv", '1607092101580206000, 0.023, "my, block", 5662', header=header)
    (tmp_path / "duration.b.csv").write_bytes(f"{HEADER}1,2,x,3\r\nnonsense\r\n4,5,x,".encode())
    (tmp_path / "duration.c.tmp").write_text("not yet")
    (tmp_path / "duration.d.csv").touch()
    frame = open_telemetry(tmp_path).duration()
    assert frame.labels() == ["x", "my, block"]
    assert (len(frame), frame.skipped) == (2, 1)


def test_a_carriage_return_within_a_label(tmp_path: Path) -> None:
    write(tmp_path, "duration.a.csv", '1,2,"a\rb",3', "4,5,un\rquoted,6", '7,8,"c\r\nd",9')
    frame = open_telemetry(tmp_path).duration()
    assert (frame.labels(), frame.skipped) == (["a\rb", "c\r\nd"], 1)


def test_what_is_no_telemetry_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TelemetryError, match="no directory"):
        open_telemetry(tmp_path / "nowhere")
    (tmp_path / "duration.a.csv").write_text("a,b\r\n")
    with pytest.raises(TelemetryError, match=r"duration\.a\.csv: does not begin with"):
        open_telemetry(tmp_path)
    (tmp_path / "duration.a.csv").unlink()
    os.mkfifo(tmp_path / "duration.a.csv")
    with pytest.raises(TelemetryError, match="no regular file"):
        open_telemetry(tmp_path)


@pytest.mark.extras
def test_frames(tmp_path: Path) -> None:
    telemetry.start(tmp_path)
    for label in ("a", "a", "b"):
        with telemetry.time_it(label):
            pass
    telemetry.stop()
    series = open_telemetry(tmp_path).duration()
    columns = series.columns()
    pandas, polars = series.to_pandas(), series.to_polars()
    assert list(pandas.columns) == polars.columns == ["Timepoint", "Measurement", "Label", "PID"]
    assert str(pandas["Timepoint"].dtype) == "datetime64[ns]"
    assert pandas["Timepoint"].astype("int64").tolist() == list(columns.timepoint)
    assert polars["Timepoint"].dt.epoch("ns").to_list() == list(columns.timepoint)
    assert pandas["Measurement"].tolist() == polars["Measurement"].to_list() == list(columns.measurement)
    data = series.time_series("a").data()
    assert (data.name, data.index.name, len(data)) == ("Measurement", "Timepoint", 2)
    assert data.resample("1s").count().sum() == 2
    assert len(series.time_series("a").data(by_pid=1)) == 0
    assert len(open_telemetry(tmp_path).user_time().data()) == 0
