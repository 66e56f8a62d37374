"""What a rule answers, and the advice that belongs to each cause."""

from __future__ import annotations

from msgspec import Struct

from stem_device.model.finding import Cause

SAMPLE_ADVICE = (
    "To be certain, sample the timing of events (StartPerformanceMonitoring, or stem monitor with "
    "--enable-perfmon)."
)


class Named(Struct, frozen=True):
    """A cause with its evidence; see :class:`stem_device.model.finding.Finding`."""

    cause: Cause
    sentence: str
    evidence: dict[str, float]
    likely: bool = False
    named: str = ""


ADVICE = {
    Cause.NOT_RUNNING: "Start the subscriber again if it is needed; what was on its way to it is gone.",
    Cause.NEVER_CONNECTED: (
        "Let the subscriber's machine reach the publisher's event port: look for a firewall, NAT, a "
        "container without that port, or an address that means another machine there."
    ),
    Cause.FORMER_LIFE: (
        "cppTango reconnects within about 10 s; if it does not, restart the subscriber, or open the "
        "publisher's new heartbeat and event ports to it."
    ),
    Cause.PUBLISHER_GONE: "Start the publisher again; its subscribers reconnect within about 10 s.",
    Cause.CONSUMER_BLOCKED: (
        "See where a callback of the subscriber hangs (a lock, a device that does not answer): one thread "
        "calls them all, one after the other."
    ),
    Cause.CALLBACK_SLOW: (
        "Make the callbacks faster (put the event into a queue and return), or push fewer events."
    ),
    Cause.BURST: (
        "Spread the pushes, or make the queues longer: the property CtrlSystem/EventBufferHwm, or "
        "TANGO_DS_EVENT_BUFFER_HWM at the publisher and TANGO_EVENT_BUFFER_HWM at the subscriber."
    ),
    Cause.RENEWED: "Subscribe once and keep the subscription; what comes in between reaches neither.",
    Cause.RESTARTED: "If the restart was not meant, see why the process ended; read anew what is needed.",
    Cause.STARTING: "Wait: connecting takes seconds, thousands of subscriptions longer.",
    Cause.DRAINED: "Let one monitor read the samples of a server; counters are not affected.",
    Cause.DISCARDED: "Nothing to do: cppTango throws away what it has delivered already.",
    Cause.CLOCK: "Synchronise the clocks of both machines, or do not trust these latencies.",
    Cause.UNKNOWN: "Compare with the network and the logs of both servers at that time.",
}
"""One piece of advice a cause."""


def advice_for(named: Named) -> str:
    """The advice of the cause; with that to sample where only samples can tell."""
    advice = ADVICE[named.cause]
    if named.likely and named.cause in _TOLD_BY_SAMPLES:
        return f"{advice} {SAMPLE_ADVICE}"
    return advice


_TOLD_BY_SAMPLES = frozenset({Cause.CONSUMER_BLOCKED, Cause.CALLBACK_SLOW, Cause.BURST})
