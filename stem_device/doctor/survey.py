"""What ``stem doctor DEVICE`` and ``--all`` find: devices and their attributes, as data, the worst first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import msgspec
from msgspec import Struct

from stem_device.doctor.child import Child
from stem_device.doctor.diagnosis import Verdict
from stem_device.doctor.limits import BEGIN_SECONDS
from stem_device.errors import OptionError, StemError
from stem_device.model.limits import DOCTOR_ALL_SECONDS

SIDE_BY_SIDE = 8
"""Child processes at the same time, each with a share of the devices; one that hangs holds up its own."""

DEVICE_SECONDS = 20.0
"""Of one device with hundreds of attributes."""

_ORDER = {Verdict.BROKEN: 0, Verdict.WARNING: 1, Verdict.NOT_TESTED: 2, Verdict.OK: 3}


class AttributeRow(Struct, frozen=True, kw_only=True):
    """One attribute. ``events`` are the types that the server takes subscriptions to, where it was asked.

    ``polled_seconds`` is 0 where it is not polled; ``pushed`` are the types that its code declares, None
    where that is not known; ``criteria`` by event type; ``missing`` says what keeps events away.
    """

    name: str
    verdict: Verdict
    events: tuple[str, ...] = ()
    polled_seconds: float = 0.0
    pushed: bool | None = None
    criteria: dict[str, str] = {}
    missing: str = ""
    advice: str = ""


class DeviceSurvey(Struct, frozen=True, kw_only=True):
    """One device. ``link`` is the number of the link that is broken on the way to it, 0 if none."""

    device: str
    verdict: Verdict
    link: int = 0
    evidence: str = ""
    advice: str = ""
    attributes: tuple[AttributeRow, ...] = ()


def survey(text: str, *, limit_seconds: float = DEVICE_SECONDS) -> DeviceSurvey:
    """Look at one device. The server counts each of its streams for 600 s afterwards.

    Raises OptionError for what is no name of a device, StemError where the doctor itself fails.
    """
    argument = {"devices": [text], "subscribe": True}
    with Child("survey", argument) as child:
        found = next(_rows(child, time.monotonic() + BEGIN_SECONDS + limit_seconds), None)
        return found or _silent(text, child.why())


def devices_of_database(limit_seconds: float = DEVICE_SECONDS) -> tuple[str, ...]:
    """All devices in the default database but admin devices. Raises StemError where it does not answer."""
    with Child("list", {}) as child:
        for line in child.lines(BEGIN_SECONDS + limit_seconds):
            return tuple(msgspec.json.decode(line, type=list[str]))
        raise StemError(child.why())


def survey_all(
    devices: Sequence[str], *, limit_seconds: float = DOCTOR_ALL_SECONDS, side_by_side: int = SIDE_BY_SIDE
) -> tuple[DeviceSurvey, ...]:
    """Look at many devices, without subscribing; the worst first. Devices not reached in time say so."""
    deadline = time.monotonic() + limit_seconds
    shares = [devices[start::side_by_side] for start in range(min(side_by_side, len(devices)))]
    with ThreadPoolExecutor(max(1, len(shares))) as pool:
        found = [one for share in pool.map(lambda share: _share(share, deadline), shares) for one in share]
    return tuple(sorted(found, key=lambda one: (_ORDER[one.verdict], one.link or 99, one.device)))


def _share(devices: Sequence[str], deadline: float) -> list[DeviceSurvey]:
    """What one child finds. One that hangs is ended, its device told, and another one goes on behind it."""
    found: list[DeviceSurvey] = []
    while len(found) < len(devices) and time.monotonic() < deadline:
        rest = list(devices[len(found) :])
        with Child("survey", {"devices": rest, "subscribe": False}) as child:
            found += islice(_rows(child, deadline), len(rest))
            if len(found) < len(devices) and time.monotonic() < deadline:
                found.append(_silent(devices[len(found)], child.why()))
    return found + [
        DeviceSurvey(device=device, verdict=Verdict.NOT_TESTED, evidence="the limit of time was reached")
        for device in devices[len(found) :]
    ]


def _rows(child: Child, deadline: float) -> Iterator[DeviceSurvey]:
    """Devices as they are done; fewer where the child hangs. Raises OptionError for a wrong name."""
    first = min(BEGIN_SECONDS + DEVICE_SECONDS, max(0.1, deadline - time.monotonic()))
    try:
        for line in child.lines(first):
            refused = child.refusal(line)
            if refused is not None:
                raise OptionError(*refused)
            yield msgspec.json.decode(line, type=DeviceSurvey)
            child.limit_seconds = min(DEVICE_SECONDS, max(0.1, deadline - time.monotonic()))
    except TimeoutError:
        return


def _silent(device: str, why: str) -> DeviceSurvey:
    return DeviceSurvey(
        device=device,
        verdict=Verdict.BROKEN,
        link=6,
        evidence=why,
        advice=f"Look at it alone: stem doctor {device}/State",
    )
