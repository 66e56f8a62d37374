"""Has a diagnosis made in a child process, and ends that where a call hangs beyond its limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import structs

from stem_device.doctor.child import Child
from stem_device.doctor.diagnosis import (
    LINKS,
    Diagnosis,
    Examined,
    Request,
    broken,
    diagnosis_of,
    examined,
    not_tested,
)
from stem_device.doctor.events import parse_event
from stem_device.doctor.limits import BEGIN_SECONDS, END_SECONDS, limit_of
from stem_device.errors import OptionError, StemError

Told = Callable[[Examined], None]

_DECODER = msgspec.json.Decoder(Examined)


def diagnose(request: Request, told: Told = lambda _link: None) -> Diagnosis:
    """Walk the chain; ``told`` is called with each link when it is known. Takes as long as it has to.

    Raises OptionError for what was asked wrongly. Never raises for what is wrong out there, and never takes
    much longer than ``wait_seconds``: a call that hangs is evidence too.
    """
    request = structs.replace(request, event=parse_event(request.event).value)
    links: list[Examined] = []
    for link in _links(request):
        links.append(link)
        told(link)
    return diagnosis_of(request, tuple(links))


def _links(request: Request) -> Iterator[Examined]:
    child = Child("diagnose", msgspec.to_builtins(request))
    number, known = 0, ""
    try:
        for line in child.lines(BEGIN_SECONDS):
            if line.startswith(b"begins "):
                number = int(line.split()[1])
                child.limit_seconds = limit_of(number, request.wait_seconds)
                continue
            refused = child.refusal(line)
            if refused is not None:
                raise OptionError(*refused)
            yield _DECODER.decode(line)
            if number == len(LINKS):
                child.wait(END_SECONDS)
                return
    except TimeoutError as error:
        known = str(error)
    finally:
        known = known or child.why()
        child.end()
    yield from _given_up(number, known, request)


def _given_up(number: int, why: str, request: Request) -> Iterator[Examined]:
    """The link at which the child hung or died."""
    if not number:
        raise StemError(f"the doctor's own process could not begin: {why}")
    link = LINKS[number - 1]
    again = f"stem doctor {request.text}"
    advice = f"Look at what does not answer, and ask again: {again}"
    if link in {"subscriber", "renewal"}:
        yield examined(number, not_tested(why, advice))
    else:
        yield examined(number, broken(f"{why} while link {number}, {link}, was examined", advice))
