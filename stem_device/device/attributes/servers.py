"""Servers and subscriptions: how many, in which state, and who loses most."""

from __future__ import annotations

import math

from stem_device.analysis.verdict import Why
from stem_device.device.attributes.spec import (
    AttributeSpec,
    by_server,
    by_worst,
    count,
    state_count,
    told,
    told_by_server,
    waits_for,
)
from stem_device.device.digest import MAX_SERVERS, MAX_WORST
from stem_device.device.text import MAX_SENTENCE_CHARACTERS, tango_text
from stem_device.model.poll import ServerState


def _overdue(overdue: int | None) -> int:
    return -1 if overdue is None else min(overdue, 2**63 - 1)


def _lag(seconds: float | None) -> float:
    # The same object each time: a list with another NaN in it would be told as a change.
    return math.nan if seconds is None or math.isnan(seconds) else seconds


SERVERS: tuple[AttributeSpec, ...] = (
    count(
        "serverCount",
        "Servers",
        "servers",
        "Servers that the targets stand for, in any state.",
        lambda polled: sum(polled.digest.states.values()),
    ),
    state_count(
        "monitoredServers",
        "Monitored servers",
        "Servers that answered the latest poll.",
        ServerState.MONITORED,
    ),
    state_count(
        "unreachableServers",
        "Unreachable servers",
        "Servers that are exported but do not answer: down, hung, or the network is.",
        ServerState.UNREACHABLE,
        waits_for(Why.REFUSED, Why.SILENT, followed=False),
    ),
    state_count(
        "failingServers",
        "Failing servers",
        "Servers that answer with an error, or with a reply that cannot be used.",
        ServerState.FAILING,
        waits_for(Why.FAILING, followed=False),
    ),
    state_count(
        "notExportedServers",
        "Servers not exported",
        "Servers that do not run, as the database says.",
        ServerState.NOT_EXPORTED,
    ),
    state_count(
        "unsupportedServers",
        "Unsupported servers",
        "Servers with a Tango version that has no QueryEventSystem.",
        ServerState.UNSUPPORTED,
    ),
    state_count(
        "tappedServers",
        "Tapped servers",
        "Servers that cannot be asked, and whose events are counted on the wire (TapPublishers).",
        ServerState.TAPPED,
    ),
    told(
        "followedServers",
        "Followed servers",
        quality=waits_for(Why.REFUSED, Why.SILENT, Why.FAILING, followed=True),
    ),
    told("streamCount", "Streams"),
    told("subscriptionCount", "Subscriptions"),
    by_server(
        "serverNames",
        "Server names",
        "text",
        "Admin devices of the servers, with the host and port of their database.",
        lambda server: tango_text(server.name),
        dtype="DevString",
    ),
    by_server(
        "serverStates",
        "Server states",
        "text",
        "monitored, unreachable, not exported, unsupported, failing or tapped.",
        lambda server: str(server.state),
        dtype="DevString",
    ),
    by_server(
        "serverReasons",
        "Server reasons",
        "text",
        "What is wrong and what to do; empty when monitored.",
        lambda server: tango_text(server.reason, MAX_SENTENCE_CHARACTERS),
        dtype="DevString",
    ),
    by_server(
        "serverAges",
        "Server ages",
        "s",
        "How old the values of the server are: 0 if it answered the latest poll, -1 if it never did.",
        lambda server: -1.0 if server.age_seconds is None else server.age_seconds,
        dtype="DevDouble",
        form="%.3f",
    ),
    by_server(
        "serverTangoVersions",
        "Server Tango versions",
        "text",
        "Tango version of the server, empty if unknown.",
        lambda server: tango_text(server.tango_version),
        dtype="DevString",
    ),
    told_by_server("serverStreams", "Streams by server"),
    told_by_server("serverSubscriptions", "Subscriptions by server"),
    told_by_server("serverPublishedEvents", "Published by server"),
    told_by_server("serverReceivedEvents", "Received by server"),
    told_by_server("serverMissedEvents", "Missed by server"),
    told_by_server("serverUnaccountedEvents", "Unaccounted by server"),
    by_server(
        "serverOverdueEvents",
        "Overdue by server",
        "events",
        "As overdueEvents, of the subscriptions of the server; -1 where that is not known.",
        lambda server: _overdue(server.known_overdue),
        dtype="DevLong64",
    ),
    told_by_server("serverGaps", "Gaps by server"),
    told_by_server("serverDiscardedEvents", "Discarded by server"),
    by_server(
        "serverCounterResets",
        "Counter resets by server",
        "resets",
        "As counterResets.",
        lambda server: server.counts.resets,
    ),
    count(
        "serversNotShown",
        "Servers not shown",
        "servers",
        f"Servers beyond the first {MAX_SERVERS}, which the spectra with one value a server leave out. All "
        "sums include them.",
        lambda polled: polled.digest.servers_not_shown,
        expert=True,
    ),
    by_worst(
        "worstSubscriptions",
        "Worst subscriptions",
        "text",
        f"The {MAX_WORST} subscriptions that lost most, as 'topic at server', most missed and unaccounted "
        "first, then most overdue, then most gaps. Empty if nothing was lost.",
        lambda worst: f"{tango_text(worst.subscription.topic)} at {tango_text(worst.server)}",
        dtype="DevString",
    ),
    by_worst(
        "worstMissedEvents",
        "Worst: missed",
        "events",
        "Missed events of each of worstSubscriptions.",
        lambda worst: worst.subscription.missed_total,
    ),
    by_worst(
        "worstUnaccountedEvents",
        "Worst: unaccounted",
        "events",
        "Unaccounted events of each of worstSubscriptions.",
        lambda worst: worst.subscription.unaccounted_total,
    ),
    by_worst(
        "worstOverdueEvents",
        "Worst: overdue",
        "events",
        "Overdue events of each of worstSubscriptions; -1 where that is not known.",
        lambda worst: _overdue(worst.subscription.overdue),
        dtype="DevLong64",
    ),
    by_worst(
        "worstLagSeconds",
        "Worst: lag",
        "s",
        "How long ago the publisher had pushed what each of worstSubscriptions received last and something "
        "newer; 0 if nothing newer was pushed, NaN where that is not known.",
        lambda worst: _lag(worst.subscription.lag_seconds),
        dtype="DevDouble",
        form="%.3f",
    ),
    by_worst(
        "worstCauses",
        "Worst: cause",
        "text",
        "Code of why each of worstSubscriptions loses events or waits; empty where no cause is known.",
        lambda worst: tango_text(worst.subscription.cause),
        dtype="DevString",
    ),
    by_worst(
        "worstGaps",
        "Worst: gaps",
        "gaps",
        "Gaps of each of worstSubscriptions.",
        lambda worst: worst.subscription.gaps_total,
    ),
    by_worst(
        "worstReceivedEvents",
        "Worst: received",
        "events",
        "Received events of each of worstSubscriptions.",
        lambda worst: worst.subscription.received_total,
    ),
    count(
        "subscriptionsNotShown",
        "Lossy subscriptions not shown",
        "subscriptions",
        f"Subscriptions with losses beyond the {MAX_WORST} of worstSubscriptions.",
        lambda polled: polled.digest.worst_not_shown,
        expert=True,
    ),
)
