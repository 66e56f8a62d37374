"""The survey of devices, in the child process: the first links of the chain, then each attribute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import tango

from stem_device.doctor.attribute import is_forwarded, judged_polling, period_ms, polling_states
from stem_device.doctor.case import CALL_SECONDS, Case, databases_to_look
from stem_device.doctor.chain import examine
from stem_device.doctor.criteria import criteria_of
from stem_device.doctor.diagnosis import LINKS, Finding, Request, Verdict, ok
from stem_device.doctor.events import EventType
from stem_device.doctor.names import Question, parse_request
from stem_device.doctor.subscribing import NO_CRITERIA, change, poll_and_set, set_criterion
from stem_device.doctor.survey import AttributeRow, DeviceSurvey
from stem_device.errors import OptionError
from stem_device.polling.directory import TangoDirectory
from stem_device.polling.tango_errors import first_words
from stem_device.text import visible

TO_THE_DEVICE = LINKS[: LINKS.index("attribute")]
ASKED = (EventType.CHANGE, EventType.ARCHIVE, EventType.ALARM, EventType.PERIODIC, EventType.DATA_READY)
"""User events are taken for every attribute: nothing can be told from that."""

_OWN = ("dserver/", "sys/database/", "sys/access_control/")
_WORST = (Verdict.BROKEN, Verdict.WARNING)


def devices_listed() -> list[str]:
    """All devices of the default database but admin devices and the database itself."""
    directory = TangoDirectory(CALL_SECONDS, databases_to_look())
    names = directory.matching(directory.default_host(), "*")
    return [name for name in names if not name.startswith(_OWN)]


def surveys(devices: Sequence[str], *, subscribe: bool) -> Iterator[DeviceSurvey]:
    """One after the other, with one connection to the database.

    Raises OptionError for the wrong name of somebody who asks; a wrong one in the database is told.
    """
    databases = databases_to_look()
    for device in devices:
        try:
            question = _question(device)
        except OptionError as error:
            if subscribe:
                raise
            yield DeviceSurvey(device=visible(device), verdict=Verdict.NOT_TESTED, evidence=str(error))
            continue
        yield _surveyed(Case(question, databases=databases), device, subscribe=subscribe)


def _question(device: str) -> Question:
    question = parse_request(Request(text=device))
    if question.attribute:
        raise OptionError("DEVICE", device, "names an attribute, not a device")
    return question


def _surveyed(case: Case, device: str, *, subscribe: bool) -> DeviceSurvey:
    found: dict[str, Finding] = {}
    for number, link in enumerate(TO_THE_DEVICE, 1):
        found[link] = examine(link, case, found)
        if found[link].verdict is Verdict.BROKEN:
            return DeviceSurvey(
                device=case.device or device,
                verdict=Verdict.BROKEN,
                link=number,
                evidence=visible(found[link].evidence),
                advice=visible(found[link].advice),
            )
    try:
        configs = case.proxy.get_attribute_config_ex([tango.constants.AllAttr])
        polled = polling_states(case)
    except tango.DevFailed as error:
        return DeviceSurvey(
            device=case.device,
            verdict=Verdict.BROKEN,
            link=8,
            evidence=visible(f"the attributes are not told: {first_words(error)}"),
            advice=f"Restart the server: {case.start_command}",
        )
    rows = [
        _row(case, config, polled.get(config.name.lower(), ""), subscribe=subscribe) for config in configs
    ]
    worst = next((verdict for verdict in _WORST if any(row.verdict is verdict for row in rows)), Verdict.OK)
    told = found["versions"].evidence
    return DeviceSurvey(device=case.device, verdict=worst, evidence=told, attributes=tuple(rows))


def _row(case: Case, config: Any, state: str, *, subscribe: bool) -> AttributeRow:
    case.attribute, case.config = config.name, config
    case.polled_ms = period_ms(state)
    kinds = [kind for kind in ASKED if case.polled_ms or kind is not EventType.PERIODIC]
    set_ = {kind.value: criteria_of(config, kind) for kind in kinds}
    refusals = {kind: _refusal(case, kind) for kind in ASKED} if subscribe else {}
    taken = tuple(kind.value for kind, reason in refusals.items() if not reason)
    poller = judged_polling(case, state) if case.polled_ms else ok("")
    missing, advice = _missing(case, taken if subscribe else None)
    verdict = Verdict.WARNING if missing else Verdict.OK
    if poller.verdict is not Verdict.OK:
        verdict, missing, advice = poller.verdict, poller.evidence, poller.advice
    return AttributeRow(
        name=visible(config.name),
        verdict=verdict,
        events=taken,
        polled_seconds=case.polled_ms / 1000,
        pushed=_pushed(refusals, polled=bool(case.polled_ms)) if subscribe else None,
        criteria={name: one.words for name, one in set_.items() if one is not None},
        missing=visible(missing),
        advice=visible(advice),
    )


def _refusal(case: Case, kind: EventType) -> str:
    """The reason why the server takes no subscription of this type; empty if it does."""
    try:
        change(case, kind)
    except tango.DevFailed as error:
        return str(error.args[0].reason) if error.args else "unknown"
    return ""


def _pushed(refusals: dict[EventType, str], *, polled: bool) -> bool | None:
    """Whether the code declares that it pushes; None where it is polled, which looks the same."""
    if polled:
        return None
    return any(not refusals[kind] for kind in (EventType.CHANGE, EventType.ARCHIVE, EventType.ALARM))


def _missing(case: Case, taken: tuple[str, ...] | None) -> tuple[str, str]:
    """What keeps change events away, and what to type. ``taken``: None where the server was not asked."""
    if is_forwarded(case.config) or (taken is not None and "change" in taken):
        return "", ""
    if case.polled_ms and (taken is not None or _lacks_criteria(case)):
        return "criteria for change events", case.python(set_criterion("ch_event", "abs_change"))
    if case.polled_ms:
        return "", ""
    if taken is None:
        return "", ""  # its code may push: only a subscription would tell
    if "archive" in taken:
        return "change events (it has archive events)", f"stem doctor {case.short_name} --event archive"
    return "polling, or code that pushes", case.python(poll_and_set(case))


def _lacks_criteria(case: Case) -> bool:
    return case.config.data_type not in NO_CRITERIA and criteria_of(case.config, EventType.CHANGE) is None
