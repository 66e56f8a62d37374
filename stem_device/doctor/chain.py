"""The chain: which link needs which, and the walk along it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import tango

from stem_device.doctor.arriving import callback, heartbeat, wire
from stem_device.doctor.attribute import attribute, history, polling, read
from stem_device.doctor.case import Case
from stem_device.doctor.diagnosis import (
    LINKS,
    Examined,
    Finding,
    Verdict,
    broken,
    examined,
    not_tested,
    warning,
)
from stem_device.doctor.environment import database, environment
from stem_device.doctor.moving import criteria
from stem_device.doctor.names import Question
from stem_device.doctor.naming import exported, name
from stem_device.doctor.serving import address, answers, versions
from stem_device.doctor.subscriber import renewal, subscriber
from stem_device.doctor.subscribing import endpoints, reply, subscription
from stem_device.polling.tango_errors import first_words

Examine = Callable[[Case], Finding]


@dataclass(frozen=True)
class Link:
    """``needs`` are the links without which this one cannot be tested."""

    examine: Examine
    needs: tuple[str, ...] = ()


_SUBSCRIBED = ("subscription",)
CHAIN: dict[str, Link] = {
    "environment": Link(environment),
    "database": Link(database, ("environment",)),
    "name": Link(name, ("database",)),
    "exported": Link(exported, ("name",)),
    "address": Link(address, ("exported",)),
    "answers": Link(answers, ("address",)),
    "versions": Link(versions, ("answers",)),
    "attribute": Link(attribute, ("answers",)),
    "polling": Link(polling, ("attribute",)),
    "read": Link(read, ("attribute",)),
    "history": Link(history, ("attribute",)),
    "subscription": Link(subscription, ("attribute",)),
    "reply": Link(reply, _SUBSCRIBED),
    "endpoints": Link(endpoints, _SUBSCRIBED),
    "heartbeat": Link(heartbeat, ("reply",)),
    "wire": Link(wire, ("reply",)),
    "criteria": Link(criteria, ("reply",)),
    "callback": Link(callback, _SUBSCRIBED),
    "subscriber": Link(subscriber, _SUBSCRIBED),
    "renewal": Link(renewal, _SUBSCRIBED),
}


def walk(question: Question, begins: Callable[[int], None] = lambda _number: None) -> Iterator[Examined]:
    """Examine link by link; ``begins`` is told the number of each before. At the end all is undone."""
    case = Case(question)
    found: dict[str, Finding] = {}
    with case.undo:
        for number, link in enumerate(CHAIN, 1):
            begins(number)
            found[link] = examine(link, case, found)
            yield examined(number, found[link])


def examine(link: str, case: Case, found: Mapping[str, Finding]) -> Finding:
    """One link, if what it needs was found to be there."""
    for need in CHAIN[link].needs:
        number = LINKS.index(need) + 1
        if found[need].verdict is Verdict.BROKEN:
            return not_tested(f"link {number}, {need}, is broken")
        if found[need].verdict is Verdict.NOT_TESTED and need not in _optional(link, case):
            return not_tested(found[need].evidence)
    try:
        return CHAIN[link].examine(case)
    except tango.DevFailed as error:
        told = f"an unexpected error: {first_words(error)}"
        unreachable = LINKS.index(link) <= LINKS.index("subscription")
        return broken(told, f"Ask again: stem doctor {case.short_name}") if unreachable else warning(told)
    except Exception as error:  # noqa: BLE001 - one link that the doctor fails at says nothing of the others
        return warning(f"the doctor failed here: {type(error).__name__}: {error}")


def _optional(link: str, case: Case) -> tuple[str, ...]:
    """What a link can do without, where there is no database: the address is in the name of the server."""
    without = {"name": ("database",), "exported": ("name",), "address": ("exported",)}
    return () if case.question.database else without.get(link, ())
