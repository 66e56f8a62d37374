"""Rules about how fast events come and how fast they are consumed."""

from __future__ import annotations

from operator import itemgetter

from stem_device.analysis.causes.facts import Case, Stall, stalls, trailing_stall
from stem_device.analysis.causes.named import Named
from stem_device.analysis.causes.rules_of_lives import since_seconds
from stem_device.analysis.causes.words import events, milliseconds, rate, seconds, short
from stem_device.analysis.wording import stamp
from stem_device.model.finding import Cause, Standing

BLOCKED_SECONDS = 3.0
"""A callback of a second or two is slow; one that lets nothing through for longer blocks, as far as a reader
is concerned. Half of it would call every callback of 2 s blocked."""

MANY_CALLBACKS = 5.0
"""... and it has to last this many times as long as the callbacks took before. Half of it would call one
blocked that takes a second as a rule and three once; with twice as much, it would be called slow for 10
s."""

PAUSES_TOLD_SECONDS = 0.1
"""Of pauses of a garbage collector in all. Every process has short ones, which explain nothing: half of it
is what a busy one has in some seconds anyway. In twice as much 200 events come at 1000 a second, which
matters."""

SMALL_QUEUE = 100
"""What anybody sets a high-water mark to, at least. A consumer that received as many and then nothing more of
a silent publisher emptied its queue; one that received fewer stopped in the midst of it. With half of it, a
callback that blocks after 50 events of 300 would pass for a queue that was emptied."""

INTERRUPTED_SECONDS = 5.0
"""A connection may have been interrupted where nothing arrived for so long. cppTango connects again within
10 s, after 6 s in the median (measured): with twice as much, hardly one would be told. Half of it is what a
callback of 2 s makes of two polls."""


def discarded(case: Case) -> Named | None:
    """What seems overdue was thrown away as a duplicate."""
    duplicates = case.now.discarded - case.episode[0].discarded
    if case.lost or not 0 < case.overdue <= duplicates or case.now.counter != case.episode[0].counter:
        return None
    return Named(
        Cause.DISCARDED,
        f"{events(case.overdue)} came and were thrown away as duplicates.",
        {"discarded": duplicates, "overdue": case.overdue},
    )


def consumer_blocked(case: Case) -> Named | None:
    """The thread that calls the callbacks gets no further."""
    if case.silent and case.overdue:
        return _silent(case)
    stall = _longest(case) if case.lost else trailing_stall(case.episode)
    if stall is None or not _is_blocked(case, stall):
        return None
    last = f", last busy with {case.last_processed}" if case.last_processed else ""
    return Named(
        Cause.CONSUMER_BLOCKED,
        f"{short(case.subscriber.name)} received nothing for {seconds(stall.seconds)} while events "
        f"waited{last}: a callback keeps the thread that calls them all.",
        {
            "stalled_seconds": stall.seconds,
            "stalled_polls": stall.polls,
            "pushed_meanwhile": stall.published,
            "samples_meanwhile": stall.samples,
            "overdue": case.overdue,
        },
        likely=not case.subscriber.sampling,
        named=case.last_processed,
    )


def callback_slow(case: Case) -> Named | None:
    """Processing time x arrival rate is 1 or more: the queue can only grow."""
    took, load = case.processing, case.load
    paused, longest = _paused(case)
    if took is None or load is None or took.seconds * load.rate < 1.0:
        return None
    if not took.samples and not took.received:
        return None
    how = "Callbacks take" if took.samples else "While events waited, callbacks took"
    return Named(
        Cause.CALLBACK_SLOW,
        f"{how} {milliseconds(took.seconds)} an event, enough for {rate(1 / took.seconds)} events/s; "
        f"{rate(load.rate)}/s came.{_collected(case)}",
        {
            "processing_seconds": took.seconds,
            "arrival_rate": load.rate,
            "utilisation": took.seconds * load.rate,
            "samples": took.samples,
            "averaged_seconds": load.seconds,
            **({"gc_pause_seconds": paused, "gc_longest_pause_seconds": longest} if paused else {}),
        },
        likely=not took.samples,
        named=case.last_processed,
    )


def _paused(case: Case) -> tuple[float, float]:
    """How long the garbage collector of the subscriber stopped it in the episode: in all, and at most."""
    lengths = [one.seconds for one in case.episode_pauses]
    return sum(lengths), max(lengths, default=0.0)


def _collected(case: Case) -> str:
    """A sentence about those pauses, where they were long enough to matter: a tenth of a second in all."""
    paused, longest = _paused(case)
    if paused < PAUSES_TOLD_SECONDS:
        return ""
    worst = max(case.episode_pauses, key=lambda one: one.seconds)
    return (
        f" Meanwhile its garbage collector stopped the process for {milliseconds(paused)}, "
        f"{milliseconds(longest)} of them up to {stamp(worst.end_utc_ns)} UTC."
    )


def collector_slow(case: Case) -> Named | None:
    """More came during one pause of the subscriber's garbage collector than the queues hold."""
    if not case.lost:
        return None
    pauses = ((case.came_during(one), one) for one in case.episode_pauses)
    came, worst = max(pauses, key=itemgetter(0), default=(0.0, None))
    if worst is None or came <= case.queue_events:
        return None
    came_rate = came / worst.seconds
    return Named(
        Cause.CALLBACK_SLOW,
        f"The garbage collector of {short(case.subscriber.name)} stopped it for "
        f"{milliseconds(worst.seconds)} up to {stamp(worst.end_utc_ns)} UTC, callbacks too; "
        f"{rate(came_rate)} events/s came, so that more than the {case.queue_events:,} that the queues hold "
        "waited.",
        {
            "gc_pause_seconds": _paused(case)[0],
            "gc_longest_pause_seconds": worst.seconds,
            "arrival_rate": came_rate,
            "queue_events": case.queue_events,
        },
        named=case.last_processed,
    )


def burst(case: Case) -> Named | None:
    """The consumer keeps up on average, but more was pushed at once than the queues hold."""
    pushed = case.largest_push
    if pushed is None:
        return None
    if not case.lost and case.standing is Standing.RECOVERING:
        return _worked_off(case, pushed) if pushed else None
    if pushed < SMALL_QUEUE or not (case.lost or _left_behind(case)):
        return None
    beyond = pushed > case.queue_events
    hold = (
        f"more than the {case.queue_events:,} that the queues of both sides hold"
        if beyond
        else f"and the queues of both sides hold {case.queue_events:,} unless they were made shorter"
    )
    took = case.processing
    pace = (
        f" Its callbacks take {milliseconds(took.seconds)} an event and keep up on average." if took else ""
    )
    return Named(
        Cause.BURST,
        f"{events(pushed)} were pushed from one poll to the next, {hold}.{pace}",
        {
            "pushed_at_once": pushed,
            "queue_events": case.queue_events,
            "processing_seconds": took.seconds if took else -1.0,
            "samples": took.samples if took else 0,
        },
        likely=not (beyond and took is not None and took.samples),
    )


def unknown(case: Case) -> Named:
    """No rule applies; what is known is said."""
    stall = _longest(case)
    lasted = stall.seconds if stall else 0.0
    pushed = stall.published if stall else 0
    if stall is not None and pushed and lasted >= INTERRUPTED_SECONDS:
        sentence = (
            f"Nothing arrived for {seconds(lasted)} while {events(pushed)} were pushed, and then what came "
            "later: the connection was interrupted, or the queue was not read."
        )
    elif case.lost:
        sentence = f"{events(case.lost)} were lost; nothing in the counters says why."
    elif case.standing is Standing.RECOVERING:
        sentence = (
            f"{events(case.overdue)} wait, pushed before anybody watched; the subscriber works them off."
        )
    else:
        sentence = f"{events(case.overdue)} wait; nothing says why yet."
    return Named(
        Cause.UNKNOWN,
        sentence,
        {"stalled_seconds": lasted, "pushed_meanwhile": pushed, "lost": case.lost, "overdue": case.overdue},
        likely=True,
    )


def _worked_off(case: Case, pushed: int) -> Named:
    return Named(
        Cause.BURST,
        f"{events(pushed)} were pushed from one poll to the next; the subscriber works them off, and none is "
        "lost so far.",
        {"pushed_at_once": pushed, "queue_events": case.queue_events, "overdue": case.overdue},
        likely=True,
    )


def _silent(case: Case) -> Named:
    ago = since_seconds(case, case.subscriber)
    return Named(
        Cause.CONSUMER_BLOCKED,
        f"{short(case.subscriber.name)} has not answered since "
        f"{stamp(case.subscriber.since_utc_ns)} UTC: its process is frozen or overloaded.",
        {"silent_seconds": ago, "overdue": case.overdue},
        likely=True,
        named="process",
    )


def _longest(case: Case) -> Stall | None:
    return max(stalls(case.episode), key=lambda stall: stall.seconds, default=None)


def _is_blocked(case: Case, stall: Stall) -> bool:
    if stall.polls < 2 or stall.seconds < BLOCKED_SECONDS or stall.others or stall.samples:
        return False
    took = case.processing
    if took is not None and stall.seconds < MANY_CALLBACKS * took.seconds:
        return False
    if case.lost:
        return stall.after >= SMALL_QUEUE
    return bool(stall.published) or stall.before < SMALL_QUEUE


def _left_behind(case: Case) -> bool:
    """Whether the queue was emptied and events are still missing, which nobody has noticed yet."""
    stall = trailing_stall(case.episode)
    return stall is not None and not stall.published and stall.before >= SMALL_QUEUE
