"""Names for h5py's objects, which carry no types; and h5py itself, which is an optional part."""

from __future__ import annotations

import importlib
from typing import Any, TypeAlias

from stem_device.errors import MissingExtraError

Hdf5File: TypeAlias = Any
Hdf5Group: TypeAlias = Any
Hdf5Dataset: TypeAlias = Any


def import_h5py(feature: str = "recording to HDF5") -> Any:
    """The module; MissingExtraError, which says what ``feature`` needs it, if it is not installed."""
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise MissingExtraError("hdf5", feature) from error
