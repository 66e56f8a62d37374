"""Data frames of pandas and polars, both optional."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.errors import MissingExtraError, OptionError

Values = npt.NDArray[Any]
Columns = Mapping[str, tuple[Values, Values | None]]
"""By name: values, and the names that they number if they are codes (-1 for none)."""


def make_frame(library: str, columns: Columns) -> Any:
    """A pandas.DataFrame or a polars.DataFrame; ``time_utc_ns`` becomes ``time_utc``."""
    makers = {"pandas": _pandas, "polars": _polars}
    if library not in makers:
        raise OptionError("library", library, f"must be one of {', '.join(makers)}")
    try:
        module = importlib.import_module(library)
    except ImportError as error:
        raise MissingExtraError(library, f"a frame of {library}") from error
    return makers[library](module, columns)


def _pandas(pandas: Any, columns: Columns) -> Any:
    made = {}
    for name, (values, names) in columns.items():
        if names is not None:
            codes, categories = _used(values, names)
            made[name] = pandas.Categorical.from_codes(
                codes, categories=pandas.Index(categories, dtype=object)
            )
        elif name == "time_utc_ns":
            made["time_utc"] = pandas.to_datetime(values, unit="ns", utc=True)
        elif isinstance(values, np.ma.MaskedArray):
            made[name] = _pandas_masked(pandas, values)
        else:
            made[name] = values
    return pandas.DataFrame(made)


def _pandas_masked(pandas: Any, values: np.ma.MaskedArray[Any, Any]) -> Any:
    """Integers of which some are NA; others have NaN anyway."""
    if values.dtype.kind == "f":
        return values.filled(np.nan)
    return pandas.arrays.IntegerArray(values.data, np.ma.getmaskarray(values))


def _polars(polars: Any, columns: Columns) -> Any:
    made = []
    for name, (values, names) in columns.items():
        if names is not None:
            codes, categories = _used(values, names)
            series = polars.Series(categories.tolist(), dtype=polars.Categorical)
            rows = polars.Series(codes, dtype=polars.Int32)
            made.append(series.gather(rows.set(rows < 0, None)).alias(name))
        elif name == "time_utc_ns":
            made.append(polars.Series("time_utc", values).cast(polars.Datetime("ns", "UTC")))
        elif isinstance(values, np.ma.MaskedArray):
            made.append(polars.Series(name, values.tolist()))
        else:
            made.append(polars.Series(name, values))
    return polars.DataFrame(made)


def _used(codes: Values, names: Values) -> tuple[Values, Values]:
    """The codes of only those names that come up, and these names."""
    used = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=1))
    new = np.full(len(names) + 1, -1, dtype=np.int32)
    new[used] = np.arange(len(used), dtype=np.int32)
    return new[codes], names[used]
