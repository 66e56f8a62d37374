"""The checks in a process of their own: HDF5 may crash, or never end, on a file that is damaged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from stem_device.errors import MissingExtraError, RecordingError, RefusedFileError
from stem_device.reading.validation.checking import findings
from stem_device.reading.validation.finding import Finding, Severity
from stem_device.recording.gate import limit_memory, refuse_odd_file
from stem_device.recording.h5_typing import import_h5py

MAX_FINDINGS = 1000
"""The first so many are told; a file has fewer than this unless most columns are damaged in several ways."""
ATTEMPTS = 5
"""A file that grew meanwhile may have looked as if it were damaged."""
MEMORY_BYTES = 4 << 30
_REFUSED = "refused"
"""Instead of findings: ``where`` is the reason, ``message`` the advice."""
LEAST_SECONDS = 60.0
BYTES_A_SECOND = 500_000
"""A file takes a hundredth of the time that this allows."""


def validate(path: Path | str) -> tuple[Finding, ...]:
    """Every violation of the format in ``path``, and notes; empty for a file that is all right.

    Reads without locking, also a file that is being written. Raises RecordingError if there is no such file
    or it may not be read, RefusedFileError, which is one too, for a file that could do harm to those who
    open it, MissingExtraError without h5py.
    """
    path = Path(path)
    try:
        import_h5py()
        refuse_odd_file(path)
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except MissingExtraError:
        raise
    except OSError as error:
        raise RecordingError(path, "read", error.strerror or str(error)) from error
    for _ in range(ATTEMPTS):
        before = path.stat()
        found = tuple(_from_child(path, LEAST_SECONDS + size / BYTES_A_SECOND))
        if found and found[0].check == _REFUSED:
            raise RefusedFileError(path, found[0].where, found[0].message)
        after = path.stat()
        still = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
        if still or not any(one.severity is Severity.VIOLATION for one in found):
            break
    return found


def _from_child(path: Path, limit_seconds: float) -> Sequence[Finding]:
    command = [sys.executable, "-m", "stem_device.reading.validation.isolated", str(path.absolute())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit_seconds, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as late:
        return [
            *_decoded(late.stdout or b""),
            Finding("opens", "/", f"checking took longer than {limit_seconds:.0f} s"),
        ]
    found = _decoded(done.stdout)
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        reason = told[-1] if told else f"exit code {done.returncode}"
        found.append(
            Finding("opens", "/", f"HDF5 crashed on it ({reason:.200}); what comes after was not checked")
        )
    return found


def _decoded(output: bytes) -> list[Finding]:
    """Whole lines only: the child may have died within one."""
    decoder = msgspec.json.Decoder(Finding)
    return [decoder.decode(line) for line in output.split(b"\n")[:-1]]


def main() -> None:
    """The child: one finding a line."""
    limit_memory(MEMORY_BYTES)
    try:
        for number, finding in enumerate(findings(Path(sys.argv[1]))):
            if number == MAX_FINDINGS:
                break
            _tell(finding)
    except RefusedFileError as error:
        _tell(Finding(_REFUSED, error.reason, error.advice))


def _tell(finding: Finding) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(finding) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
