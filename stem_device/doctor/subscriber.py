"""Links 19 and 20: the end of one subscriber, and what keeps its subscription alive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import tango

from stem_device.doctor.case import Case, python_command
from stem_device.doctor.diagnosis import Finding, broken, not_tested, ok, warning
from stem_device.doctor.observing import Observed
from stem_device.model.finding import Cause, Concern
from stem_device.model.finding import Finding as CauseFinding
from stem_device.model.poll import Failure, ServerState
from stem_device.model.snapshot import ServerRecord, SubscriptionRecord
from stem_device.model.topics import NO_DATABASE
from stem_device.polling.names import full_name
from stem_device.polling.tango_errors import first_words

if TYPE_CHECKING:
    from stem_device.doctor.watching import Watching

RENEWAL_SECONDS = 600
"""cppTango confirms subscriptions every 200 s, and a server forgets those not confirmed for 600 s."""

LAGGING_POLLS = 3
LAG_SECONDS = 1.0

_CONFIRM = "EventConfirmSubscription"
_ALLOWED = python_command("print(tango.Database().get_class_property('DServer', 'AllowedAccessCmd'))")


def subscriber(case: Case) -> Finding:
    """Whether that server is subscribed, keeps up, and is connected to the present life of the publisher."""
    if not case.question.subscriber:
        return not_tested("no subscriber was named", "Name its server: --subscriber dserver/NAME/INSTANCE")
    seen: Observed | None = case.observed
    watching = seen.watching if seen is not None else None
    if watching is None:
        return not_tested("nothing was observed")
    record = server_of(watching)
    if record is None:
        why = watching.error or "; ".join(watching.snapshots[-1].problems if watching.snapshots else ())
        return broken(
            f"{watching.subscriber} cannot be asked: {why or 'no such server'}",
            f"Correct the name, see which can be asked: stem check '{watching.subscriber}'",
        )
    if record.state is not ServerState.MONITORED:
        return _cannot_tell(record)
    return _subscribed(case, watching, record)


def server_of(watching: Watching) -> ServerRecord | None:
    """The subscriber in the last poll."""
    servers = watching.snapshots[-1].servers if watching.snapshots else ()
    return next((one for one in servers if one.name.lower() == watching.subscriber.lower()), None)


def _cannot_tell(record: ServerRecord) -> Finding:
    if record.failure is Failure.UNSUPPORTED:
        return not_tested(
            f"{record.name} runs Tango {record.tango_version or 'before 10.1'}, which does not tell what it "
            "receives"
        )
    executable = record.name.rpartition("dserver/")[2].replace("/", " ")
    return broken(f"{record.name} {record.reason}", f"Start it, or have it answer again: {executable}")


def _mine(case: Case, record: ServerRecord, topic: str) -> SubscriptionRecord | None:
    ending = f"/{case.device}/{case.attribute}.".lower()
    kinds = (f".{case.event.wire_name}", f"_{case.event.wire_name}")
    of = [one for one in record.subscriptions if not one.ended]
    exact = next((one for one in of if one.topic.lower() == topic), None)
    return exact or next(
        (one for one in of if ending in one.topic.lower() and one.topic.lower().endswith(kinds)), None
    )


def _subscribed(case: Case, watching: Watching, record: ServerRecord) -> Finding:
    mine = _mine(case, record, watching.topic)
    if mine is None:
        return _not_subscribed(case, record)
    endpoint = next(
        (where for name, where in record.channels.items() if _same_server(name, case.admin_name)), ""
    )
    if endpoint and case.heartbeats and endpoint not in case.heartbeats:
        return broken(
            f"{record.name} is connected to {endpoint}, a former life of the publisher, which is now at "
            f"{case.heartbeats[0]} (cause former_life)",
            f"Restart it if it does not find the publisher within a minute: {_restart(record)}",
        )
    return _judged(watching, record, mine)


def _judged(watching: Watching, record: ServerRecord, mine: SubscriptionRecord) -> Finding:
    """How the subscription did while it was watched."""
    finding = _cause(watching, mine)
    lag = "unknown" if mine.overdue is None else f"{mine.overdue:,}"
    told = (
        f"subscribed, received number {mine.server_counter:,}; {lag} events behind the publisher, "
        f"{mine.missed_total:,} missed in {_span(watching):.1f} s, {mine.gaps_before:,} gaps before"
    )
    if finding is not None and finding.cause is Cause.STARTING:
        return warning(f"{told}; it has just begun: {finding.sentence}", finding.advice)
    if finding is not None:
        return broken(
            f"{told}; cause {finding.cause}: {finding.sentence}",
            f"{finding.advice} See it live: stem monitor {record.name}",
        )
    if mine.missed_total or _lags(watching, mine):
        return broken(f"{told}: it does not keep up", f"See why, live: stem monitor {record.name}")
    if mine.gaps_before:
        return warning(told, f"See whether it goes on: stem monitor {record.name}")
    return ok(told)


def _not_subscribed(case: Case, record: ServerRecord) -> Finding:
    ending = f"{case.device}/{case.attribute}".lower()
    if any(ending == one.subject.lower()[-len(ending) :] for one in record.not_connected):
        return broken(
            f"{record.name} tries in vain to subscribe, again and again",
            f"Look at it from that machine: stem doctor {case.short_name} --event {case.event}",
        )
    return broken(
        f"{record.name} has {len(record.subscriptions)} subscriptions, none to {case.event} events of "
        f"{case.device}/{case.attribute}",
        f"Have it subscribe, then see: stem monitor {record.name}",
    )


def _same_server(one: str, other: str) -> bool:
    return _path(one) == _path(other)


def _path(name: str) -> str:
    """``dserver/x/y`` of any spelling of an admin device."""
    return "/".join(name.lower().removesuffix(NO_DATABASE).split("/")[-3:])


def _cause(watching: Watching, mine: SubscriptionRecord) -> CauseFinding | None:
    """Why it loses or waits, as the monitor would say in the last poll in which it would."""
    for snapshot in reversed(watching.snapshots):
        for finding in snapshot.findings:
            own = finding.server.lower() == watching.subscriber.lower() and finding.topic == mine.topic
            if own and finding.concern is not Concern.NOTE:
                return finding
    return None


def _lags(watching: Watching, mine: SubscriptionRecord) -> bool:
    """Whether it was a second behind in each of the last polls; what is on its way is no lag."""
    lags = [
        one.lag_seconds
        for snapshot in watching.snapshots[-LAGGING_POLLS:]
        for server in snapshot.servers
        if server.name.lower() == watching.subscriber.lower()
        for one in server.subscriptions
        if one.topic == mine.topic and one.lag_seconds is not None
    ]
    return len(lags) == LAGGING_POLLS and min(lags) >= LAG_SECONDS


def _span(watching: Watching) -> float:
    first, last = watching.snapshots[0], watching.snapshots[-1]
    return (last.monotonic_ns - first.monotonic_ns) / 1e9


def _restart(record: ServerRecord) -> str:
    return python_command(f"tango.DeviceProxy({record.name!r}).RestartServer()")


def renewal(case: Case) -> Finding:
    """Confirm the doctor's own subscription as clients do; without that they end after 10 minutes."""
    try:
        admin = tango.DeviceProxy(
            full_name(case.host, _path(case.admin_name), database=case.question.database)
        )
        subscribed = [case.device, case.attribute.lower(), case.event.wire_name]
        admin.command_inout(_CONFIRM, subscribed)
    except tango.DevFailed as error:
        if any(item.reason == "API_ReadOnlyMode" for item in error.args):
            return broken(
                f"access control refuses {_CONFIRM}: subscriptions from here end after {RENEWAL_SECONDS} s",
                f"Have it allowed for the class DServer; what is: {_ALLOWED}",
            )
        return warning(f"{_CONFIRM} fails: {first_words(error)}")
    confirmed = f"{_CONFIRM} is accepted, access: {case.access or 'not told'}"
    seen: Observed | None = case.observed
    watching = seen.watching if seen is not None else None
    record = server_of(watching) if watching is not None else None
    mine = _mine(case, record, watching.topic) if record is not None and watching is not None else None
    if record is None or mine is None or mine.last_resubscribed is None:
        return ok(confirmed)
    age = (datetime.now(UTC) - _utc(mine.last_resubscribed)).total_seconds()
    return ok(f"{confirmed}; {record.name} subscribed anew {age:.0f} s ago")


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
