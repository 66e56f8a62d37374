"""Rules about who runs, since when, and to which life of the publisher a subscription belongs."""

from __future__ import annotations

from itertools import pairwise

from stem_device.analysis.causes.facts import GONE, Case
from stem_device.analysis.causes.history import Point
from stem_device.analysis.causes.named import Named
from stem_device.analysis.causes.words import events, seconds, short, times
from stem_device.analysis.wording import stamp
from stem_device.model.finding import Cause, Finding
from stem_device.model.poll import Failure, ServerState
from stem_device.model.snapshot import Link, ServerRecord, SubscriptionRecord

PATIENCE_SECONDS = 15.0
"""How long connecting may take. cppTango looks every 10 s for publishers that it has to connect to again; the
reply of a server that makes 4000 subscriptions is blocked for 8 s (both measured)."""

FIRST_SEEN_SECONDS = 5.0
"""Processes first seen so soon after the first poll were there before, as far as anybody can tell: some
answer the first poll, others a later one. Half of it is less than a time limit of 3 s, after which a server
that was busy answers; twice as much would hide a start in the first ten seconds."""

MANY_SUBSCRIPTIONS = 1000
"""So many in one server keep it busy for seconds while they are made: 4000 for 8 s (measured), so 1000 for
two. Half of it is a second, which no silence explains that lasts longer."""


def not_running(case: Case) -> Named | None:
    """The subscriber's server is not exported, or its process is gone."""
    server = case.subscriber
    if server.state is ServerState.MONITORED or not (server.ended or _gone(server)):
        return None
    ago = since_seconds(case, server)
    left = case.lost or case.overdue
    return Named(
        Cause.NOT_RUNNING,
        f"{short(server.name)} has not run since {_since(server)}; {events(left)} had been pushed and not "
        "received when it ended.",
        {"not_running_seconds": ago, "left_events": left},
    )


def starting(case: Case) -> Named | None:
    """The subscriber's process is young, or is making thousands of subscriptions: have patience."""
    if case.lost or not (case.silent or case.subscription.link is Link.FRESH):
        return None
    age = process_age(case)
    many = len(case.subscriber.subscriptions)
    silent = since_seconds(case, case.subscriber) if case.silent else 0.0
    young = age is not None and age < PATIENCE_SECONDS
    busy = many >= MANY_SUBSCRIPTIONS and silent < PATIENCE_SECONDS and case.silent
    fresh = case.subscription.link is Link.FRESH and case.age_seconds < PATIENCE_SECONDS
    if not (young or busy or fresh):
        return None
    of_age = f"runs for {seconds(age)}" if young and age is not None else "subscribed a moment ago"
    what = f"is busy with {many:,} subscriptions" if busy else of_age
    return Named(
        Cause.STARTING,
        f"{short(case.subscriber.name)} {what} and has not connected everything yet.",
        {
            "process_seconds": -1.0 if age is None else age,
            "subscription_seconds": case.age_seconds,
            "subscriptions": many,
        },
    )


def connecting(case: Case) -> Named | None:
    """Events went past the subscription while it connected."""
    made_meanwhile = (case.subscription.first_seen_utc_ns or 0) > case.watched_since_utc_ns
    if not case.lost or not made_meanwhile or case.age_seconds > PATIENCE_SECONDS:
        return None
    return Named(
        Cause.STARTING,
        f"{events(case.lost)} went past the subscription in its first {seconds(case.age_seconds)}, while it "
        "connected.",
        {"subscription_seconds": case.age_seconds, "lost": case.lost},
        likely=True,
    )


def publisher_gone(case: Case) -> Named | None:
    """The publisher is dead, frozen or not exported."""
    server = case.publisher
    if server is None or server.state is ServerState.MONITORED or server.failure is Failure.DATABASE:
        return None
    if not (server.ended or server.failure is not Failure.UNSUPPORTED):
        return None
    ago = since_seconds(case, server)
    how = _how(server)
    waits = f"; {events(case.overdue)} of it had not arrived" if case.overdue else ""
    return Named(
        Cause.PUBLISHER_GONE,
        f"The publisher {short(server.name)} {how} since {_since(server)}{waits}.",
        {"gone_seconds": ago, "overdue": case.overdue, "lost": case.lost},
        named=how,
    )


def renewed(case: Case) -> Named | None:
    """The subscriber's process ended this subscription, or made it anew, while events were on their way."""
    if not case.lost or _restarts(case)[0] or _restarts(case)[1]:
        return None
    if case.subscriber.state is not ServerState.MONITORED:
        return None
    resets = case.now.resets - case.episode[0].resets
    if not (case.subscription.ended or (resets > 0 and case.now.resets > _before(case).resets)):
        return None
    all_renewals = max(0, case.now.resets - case.points[0].resets)
    what = "unsubscribed" if case.subscription.ended else f"renewed its subscription {times(all_renewals)}"
    return Named(
        Cause.RENEWED,
        f"{short(case.subscriber.name)} {what} while {events(case.lost)} were on their way to it.",
        {"renewals": all_renewals, "lost": case.lost},
        named="subscriber",
    )


def restarted(case: Case) -> Named | None:
    """One side began a new life since all was well."""
    subscriber, publisher = _restarts(case)
    if not (subscriber or publisher):
        return None
    if not case.lost and case.subscription.link not in (Link.FORMER, Link.FRESH):
        return None
    if not case.lost and _reconnecting_seconds(case) > PATIENCE_SECONDS:
        return None
    sides = [side for side, count in (("subscriber", subscriber), ("publisher", publisher)) if count]
    ago = _last_restart_seconds(case)
    if case.lost and subscriber + publisher == 1:
        sentence = _restarted_with(sides[0], case.lost)
    else:
        counted = _counted(subscriber, publisher)
        what = " and ".join(f"the {side} was restarted {times(n)}" for side, n in counted)
        left = f"; {_left_by_restart(case.lost)}" if case.lost else ""
        sentence = f"{what[0].upper()}{what[1:]}, the last time {seconds(ago)} ago{left}."
    return Named(
        Cause.RESTARTED,
        sentence,
        {"subscriber_restarts": subscriber, "publisher_restarts": publisher, "restarted_seconds": ago},
        named=" and ".join(sides),
    )


def _restarted_with(side: str, lost: int) -> str:
    return f"The {side} was restarted; {_left_by_restart(lost)}."


def _left_by_restart(lost: int) -> str:
    return f"{events(lost)} pushed before {'is' if lost == 1 else 'are'} missed or unaccounted"


def former_life(case: Case) -> Named | None:
    """The subscription is connected to where the publisher was in a former life."""
    publisher = case.publisher
    if publisher is None or publisher.state is not ServerState.MONITORED:
        return None
    endpoint = connected_to(case.subscriber, case.subscription)
    elsewhere = connected_elsewhere(case.subscriber, case.subscription, publisher)
    if not elsewhere and not (case.subscription.link is Link.FORMER and case.overdue):
        return None
    since = (case.now.time_utc_ns - publisher.identity.since_utc_ns) / 1e9 if publisher.identity.life else 0.0
    where = f" at {endpoint}, where it is no more" if elsewhere else ""
    return Named(
        Cause.FORMER_LIFE,
        f"It is still connected to a former life of {short(publisher.name)}{where}; "
        f"the present one runs for {seconds(since)}.",
        {"publisher_seconds": since, "overdue": case.overdue, "publisher_life": publisher.identity.life},
        likely=not elsewhere,
        named=endpoint,
    )


def never_connected(case: Case) -> Named | None:
    """Nothing ever arrived, though events are pushed and there was time enough to connect."""
    fresh = [point for point in case.episode if point.counter == 0 and point.overdue]
    if not fresh or any(point.received > case.points[0].received for point in fresh):
        return None
    if fresh[-1].link not in (Link.FRESH, Link.UNKNOWN):
        return None
    waited = case.age_seconds - (case.now.time_utc_ns - fresh[-1].time_utc_ns) / 1e9
    if not case.lost and (case.now.counter or waited < PATIENCE_SECONDS):
        return None
    pushed = case.lost or case.overdue
    endpoints = (case.publisher.event_endpoints if case.publisher else None) or ()
    where = f" ({', '.join(endpoints[:2])})" if endpoints else ""
    return Named(
        Cause.NEVER_CONNECTED,
        f"{events(pushed)} were pushed and none arrived in {seconds(waited)}: "
        f"the publisher's event endpoint{where} cannot be reached from the subscriber.",
        {"subscription_seconds": waited, "pushed": pushed},
        likely=waited < PATIENCE_SECONDS,
        named=", ".join(endpoints),
    )


def came_back(finding: Finding, subscriber: ServerRecord, publisher: ServerRecord | None) -> Named | None:
    """What was lost with a process that was gone, once there is another one: somebody restarted it."""
    sides = {
        Cause.NOT_RUNNING: ("subscriber", subscriber),
        Cause.PUBLISHER_GONE: ("publisher", publisher),
    }
    side, server = sides.get(finding.cause, ("", None))
    if not finding.lost or server is None or server.state is not ServerState.MONITORED:
        return None
    after = max(0.0, (server.identity.since_utc_ns - finding.since_utc_ns) / 1e9)
    return Named(
        Cause.RESTARTED,
        _restarted_with(side, finding.lost),
        {f"{side}_restarts": 1, "restarted_seconds": after},
        named=side,
    )


def connected_elsewhere(
    server: ServerRecord, record: SubscriptionRecord, publisher: ServerRecord | None
) -> bool:
    """Whether the subscriber is connected to an endpoint that the publisher does not have now."""
    endpoint = connected_to(server, record)
    if publisher is None or not endpoint or not publisher.heartbeat_endpoints:
        return False
    return endpoint not in publisher.heartbeat_endpoints


def connected_to(server: ServerRecord, record: SubscriptionRecord) -> str:
    """The publisher's heartbeat endpoint as the subscriber has it; empty if it does not tell."""
    if record.publisher in server.channels:
        return server.channels[record.publisher]
    wanted = record.publisher.lower()
    return next((end for name, end in server.channels.items() if name.lower() == wanted), "")


def since_seconds(case: Case, server: ServerRecord) -> float:
    """How long a server is in its present state."""
    return max(0.0, (case.now.time_utc_ns - server.since_utc_ns) / 1e9)


def _since(server: ServerRecord) -> str:
    """A time of day: the sentence stays true however long it is told."""
    return f"{stamp(server.since_utc_ns)} UTC"


def process_age(case: Case) -> float | None:
    """Seconds that the subscriber's process is known to run; None where it was there from the first poll."""
    identity = case.subscriber.identity
    if not identity.life:
        return None
    if identity.since_utc_ns <= case.watched_since_utc_ns + FIRST_SEEN_SECONDS * 1e9:
        return None
    return max(0.0, (case.now.time_utc_ns - identity.since_utc_ns) / 1e9)


def _gone(server: ServerRecord) -> bool:
    return server.failure in GONE or server.state is ServerState.NOT_EXPORTED


def _how(server: ServerRecord) -> str:
    if server.failure is Failure.NOT_EXPORTED or server.state is ServerState.NOT_EXPORTED:
        return "has not been exported"
    if server.ended or server.failure in GONE:
        return "has not run"
    return "has not answered"


def _before(case: Case) -> Point:
    return case.points[-2] if len(case.points) > 1 else case.points[-1]


def _restarts(case: Case) -> tuple[int, int]:
    """New lives of the subscriber and of the publisher within the episode."""
    subscriber = sum(
        0 < earlier.subscriber_life < later.subscriber_life for earlier, later in pairwise(case.episode)
    )
    publisher = sum(
        0 < earlier.publisher_life < later.publisher_life for earlier, later in pairwise(case.episode)
    )
    return subscriber, publisher


def _counted(subscriber: int, publisher: int) -> list[tuple[str, int]]:
    return [pair for pair in (("subscriber", subscriber), ("publisher", publisher)) if pair[1]]


def _last_restart_seconds(case: Case) -> float:
    for earlier, later in reversed(list(pairwise(case.episode))):
        if (earlier.subscriber_life, earlier.publisher_life) != (later.subscriber_life, later.publisher_life):
            return (case.now.time_utc_ns - earlier.time_utc_ns) / 1e9
    return 0.0


def _reconnecting_seconds(case: Case) -> float:
    publisher = case.publisher
    if publisher is None or not publisher.identity.life:
        return 0.0
    return (case.now.time_utc_ns - publisher.identity.since_utc_ns) / 1e9
