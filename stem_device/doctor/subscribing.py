"""Links 12 to 14: a subscription as any client makes it, what the server answers, and its endpoints."""

from __future__ import annotations

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import tango

from stem_device.doctor.callbacks import Callbacks
from stem_device.doctor.case import Case, python_command
from stem_device.doctor.diagnosis import Finding, broken, ok, warning
from stem_device.doctor.events import EventType
from stem_device.doctor.reaching import greets
from stem_device.polling.client import SUBSCRIPTION_CHANGE
from stem_device.polling.tango_errors import first_words

KEPT_SECONDS = 600
"""cppTango goes on counting and pushing a stream for so long after its last subscription."""

_Type = tango.CmdArgType
NO_CRITERIA = (_Type.DevString, _Type.DevBoolean, _Type.DevState, _Type.DevEnum)
"""Data types of which every change is an event."""

_ENDPOINT = re.compile(r"tcp://(?P<host>\[[^\]\s]+\]|[^\[\]\s,;]+):(?P<port>\d+)")
"""An IPv6 address in brackets or without: what follows its last colon is the port, as for ZeroMQ."""
_IDL = re.compile(r"\.idl\d+_(?=[a-z_]+$)")
_WHAT = {
    EventType.CHANGE: ("ch_event", "abs_change", "set_change_event", "push_change_event"),
    EventType.ARCHIVE: ("arch_event", "archive_abs_change", "set_archive_event", "push_archive_event"),
    EventType.ALARM: ("", "", "set_alarm_event", "push_alarm_event"),
}


def subscription(case: Case) -> Finding:
    """Subscribe, as a client does. Only this tells whether the code declares that it pushes."""
    case.callbacks = Callbacks()
    kind = getattr(tango.EventType, f"{case.event.value.upper()}_EVENT")
    try:
        number = case.proxy.subscribe_event(case.attribute, kind, case.callbacks)
    except tango.DevFailed as error:
        return _refused(case, error)
    case.undo.callback(_unsubscribe, case.proxy, number)
    first = case.callbacks.first_error()
    if first:
        return ok(f"accepted; the first value is an error: {first}")
    return ok(
        f"accepted, and the first value came; the server goes on counting for {KEPT_SECONDS} s afterwards"
    )


def _unsubscribe(proxy: Any, number: int) -> None:
    proxy.unsubscribe_event(number)


def _refused(case: Case, error: tango.DevFailed) -> Finding:
    reasons = {item.reason for item in error.args}
    told = first_words(error)
    if "API_AttributePollingNotStarted" in reasons:
        return _neither(case)
    if "API_EventPropertiesNotSet" in reasons:
        group, name, *_ = _WHAT.get(case.event, _WHAT[EventType.CHANGE])
        return broken(
            f"polled every {case.polled_ms / 1000:g} s, but no criteria for {case.event} events: {told}",
            f"Set one, here 0.1: {case.python(set_criterion(group, name))}",
        )
    if _is_denied(reasons):
        allow = python_command("print(tango.Database().get_class_property('DServer', 'AllowedAccessCmd'))")
        return broken(
            f"access control refuses it: {told}",
            f"Have {SUBSCRIPTION_CHANGE} and EventConfirmSubscription of DServer allowed; what is: {allow}",
        )
    if case.event is EventType.DATA_READY:
        return broken(
            f"the code does not declare data_ready events: {told}",
            f"Declare them in its code: self.set_data_ready_event({case.attribute!r}, True)",
        )
    return broken(
        f"the server refuses it: {told}", f"Restart the server, and ask again: {case.start_command}"
    )


def _is_denied(reasons: set[str]) -> bool:
    return bool(reasons & {"API_ReadOnlyMode", "API_CommandNotAllowed"})


def _neither(case: Case) -> Finding:
    """Neither polled nor declared as pushed for this type; perhaps for another."""
    neither = f"neither polled nor declared as pushed for {case.event} events"
    if case.event not in _WHAT:
        return broken(
            f"not polled, which {case.event} events need", f"Have it polled: {case.python('a.poll(1000)')}"
        )
    kinds = (kind for kind in (EventType.CHANGE, EventType.ARCHIVE) if kind is not case.event)
    others = [kind for kind in kinds if accepts(case, kind)]
    declare = _WHAT[case.event][2]
    if others:
        return broken(
            f"{neither}, but for {others[0]} events: its code says {_WHAT[others[0]][2]} and not {declare}",
            f"Ask for those that it has: stem doctor {case.short_name} --event {others[0]}",
        )
    return broken(
        f"{neither}: nothing could ever be sent",
        f"Declare in its code self.{declare}({case.attribute!r}, True, False) and push, or have it polled, "
        f"here every second: {case.python(poll_and_set(case))}",
    )


def poll_and_set(case: Case) -> str:
    """Python that has the attribute polled, with criteria where events need some."""
    group, name, *_ = _WHAT.get(case.event, _WHAT[EventType.CHANGE])
    return f"a.poll(1000); {set_criterion(group, name)}" if _needs_criteria(case) else "a.poll(1000)"


def set_criterion(group: str, name: str) -> str:
    """Python that sets a criterion of 0.1."""
    return f"c = a.get_config(); c.events.{group}.{name} = '0.1'; a.set_config(c)"


def _needs_criteria(case: Case) -> bool:
    return case.event in {EventType.CHANGE, EventType.ARCHIVE} and case.config.data_type not in NO_CRITERIA


def accepts(case: Case, event: EventType) -> bool:
    """Whether the server takes subscriptions to this type of event; asked without subscribing for good."""
    try:
        change(case, event)
    except tango.DevFailed:
        return False
    return True


def change(case: Case, event: EventType) -> Any:
    """What a client is answered that subscribes. The stream counts from then on. Raises tango.DevFailed."""
    question = [case.device, case.attribute, "subscribe", event.wire_name, "6"]
    return case.admin.command_inout(SUBSCRIPTION_CHANGE, question)


def reply(case: Case) -> Finding:
    """The high-water mark and the topic, as a client is told them."""
    try:
        numbers, texts = change(case, case.event)
    except tango.DevFailed as error:
        return warning(f"the server does not say how: {first_words(error)}")
    own = own_topics()
    topics = [text for text in texts if text.lower().startswith("tango://") and ".idl" in text.lower()]
    case.topic = topics[0] if topics else _built_topic(case)
    mark = int(numbers[2]) if len(numbers) > 2 else None
    told = f"high-water mark {mark:,} events, " if mark is not None else ""
    told += f"topic {case.topic}"
    if own and plain_topic(case.topic) not in {plain_topic(one) for one in own}:
        return broken(
            f"{told}; the client here filters for {', '.join(sorted(own))}: the database has two spellings",
            f"Use the server's spelling: export TANGO_HOST={_host_of_topic(case.topic)}",
        )
    return ok(told)


def _built_topic(case: Case) -> str:
    """Servers before Tango 10 do not tell it; cppTango's clients build it the same way."""
    idl = f"idl{min(case.server_version, 5)}_" if case.server_version >= 5 else ""
    return f"tango://{case.host}/{case.device}/{case.attribute.lower()}.{idl}{case.event.wire_name}"


def plain_topic(topic: str) -> str:
    """In lower case, without the IDL of ``.idl5_change``, which servers tell and do not use for alarms."""
    return _IDL.sub(".", topic.lower())


def _host_of_topic(topic: str) -> str:
    return topic.removeprefix("tango://").partition("/")[0]


def own_topics() -> set[str]:
    """The topics that this process filters for; empty where its Tango cannot tell."""
    ask = getattr(tango.ApiUtil, "query_event_system", None)
    if ask is None:
        return set()
    told = json.loads(tango.ApiUtil.instance().query_event_system())
    return {name.lower() for name in ((told.get("client") or {}).get("event_callbacks") or {})}


def endpoints(case: Case) -> Finding:
    """The two ports of ZeroMQ at the publisher: connected to, and greeted by."""
    try:
        _, lines = case.admin.command_inout(SUBSCRIPTION_CHANGE, ["info"])
    except tango.DevFailed as error:
        return warning(f"the server does not tell its endpoints: {first_words(error)}")
    case.endpoints, case.heartbeats = endpoints_in(lines, "Event"), endpoints_in(lines, "Heartbeat")
    every = (*case.endpoints, *case.heartbeats)
    if not case.endpoints:
        return warning("the server names no endpoint for events, though somebody is subscribed")
    with ThreadPoolExecutor(len(every)) as pool:
        problems = dict(zip(every, pool.map(problem_of, every), strict=True))
    return _judged_endpoints(case, problems)


def endpoints_in(lines: list[str], kind: str) -> tuple[str, ...]:
    """All that a line names; several interfaces make several lines or several words of one."""
    found = [
        one[0]
        for line in lines
        if line.strip().lower().startswith(kind.lower())
        for one in _ENDPOINT.finditer(line)
    ]
    return tuple(dict.fromkeys(found))


def problem_of(endpoint: str) -> str:
    """Why ZeroMQ does not answer at ``tcp://host:port``; empty if it does."""
    found = _ENDPOINT.fullmatch(endpoint)
    return greets(found["host"].strip("[]"), int(found["port"])) if found else "is no TCP endpoint"


def _judged_endpoints(case: Case, problems: dict[str, str]) -> Finding:
    for kind, mine in (("event", case.endpoints), ("heartbeat", case.heartbeats)):
        bad = [f"{kind} endpoint {one} {problems[one]}" for one in mine if problems[one]]
        if len(bad) == len(mine) > 0:
            variable = f"TANGO_ZMQ_{kind.upper()}_PORT"
            fine = ", ".join(
                f"the {other} endpoint greets"
                for other, theirs in (("event", case.endpoints), ("heartbeat", case.heartbeats))
                if other != kind and any(not problems[one] for one in theirs)
            )
            return broken(
                f"{'; '.join(bad)}{f'; {fine}' if fine else ''}",
                f"Open that port in the firewalls, or fix it in the environment of the server and open that "
                f"(-ORBendPoint giop:tcp:HOST: chooses the address): export {variable}=PORT",
            )
    case.endpoints = tuple(one for one in case.endpoints if not problems[one])
    case.heartbeats = tuple(one for one in case.heartbeats if not problems[one])
    told = _greeted(case)
    unreachable = Counter(one for one in problems if problems[one])
    if unreachable:
        return warning(
            f"{told}; of several interfaces these cannot be reached from here: {', '.join(unreachable)}",
            f"Name one address: {case.start_command} -ORBendPoint giop:tcp:HOST:",
        )
    if not case.heartbeats:
        return warning(
            f"{told}; clients that are told none cannot subscribe (API_ZmqFailed)",
            f"Restart the server: {case.start_command}",
        )
    return ok(told)


def _greeted(case: Case) -> str:
    """Where ZeroMQ greets: at the event port, and at that of heartbeats where there is one."""
    events = f"events at {case.endpoints[0]}"
    if case.heartbeats:
        return f"{events}, heartbeats at {case.heartbeats[0]}; ZeroMQ greets at both"
    return f"{events}, where ZeroMQ greets; the server names no endpoint for heartbeats"
