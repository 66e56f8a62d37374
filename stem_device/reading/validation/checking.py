"""All checks on one file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from stem_device.reading.validation import column_checks, header_checks, poll_checks, value_checks
from stem_device.reading.validation.columns import H5_ERRORS
from stem_device.reading.validation.finding import Finding
from stem_device.reading.validation.stored import StoredFile
from stem_device.recording.gate import open_hdf5, refuse_all_outside, refuse_odd_file

Check = Callable[[StoredFile], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    *header_checks.CHECKS,
    *column_checks.CHECKS,
    *poll_checks.CHECKS,
    *value_checks.CHECKS,
)

_log = logging.getLogger(__name__)


def findings(path: Path) -> Iterator[Finding]:
    """Everything that the checks have to say about ``path``, in this process.

    Raises OSError if there is no such file or it may not be read, RefusedFileError for one that could do
    harm, MissingExtraError without h5py.
    HDF5 itself may crash on a damaged file: see :func:`stem_device.reading.validation.validate`.
    """
    refuse_odd_file(path)
    with path.open("rb"):  # HDF5's own messages hide the reason
        pass
    try:
        hdf5 = open_hdf5(path)
    except H5_ERRORS as error:
        yield Finding("opens", "/", f"HDF5 cannot open it: {error!s:.300}")
        return
    with hdf5:
        refuse_all_outside(hdf5, path)
        yield from checked(StoredFile(hdf5, path))


def checked(file: StoredFile) -> Iterator[Finding]:
    """The findings of every check; one that fails itself is a finding too."""
    for check in CHECKS:
        try:
            yield from check(file)
        except Exception as error:  # noqa: BLE001 - whatever a damaged file leads to must not hide the rest
            _log.debug("%s failed", check.__name__, exc_info=True)
            told = f"could not be checked: {type(error).__name__}: {error!s:.200}"
            yield Finding(check.__name__, "/", told)
