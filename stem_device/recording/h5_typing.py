"""Names for h5py's objects, which carry no types; h5py itself and ISA-L, which are an optional part."""

from __future__ import annotations

import importlib
from typing import Any, TypeAlias

from stem_device.errors import MissingExtraError

Hdf5File: TypeAlias = Any
Hdf5Group: TypeAlias = Any
Hdf5Dataset: TypeAlias = Any


def import_h5py(feature: str = "recording to HDF5") -> Any:
    """The module; MissingExtraError, which says what ``feature`` needs it, if it is not installed."""
    return _import("h5py", feature)


def import_isal() -> Any:
    """The module ``isal.isal_zlib``; raises as ``import_h5py`` does."""
    return _import("isal.isal_zlib", "recording to HDF5")


def _import(name: str, feature: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError("hdf5", feature) from error
