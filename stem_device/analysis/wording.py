"""A verdict in words, for Status, terminal, report and messages alike; :mod:`.causes` say why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from stem_device.analysis.facts import Coverage, Loss, Span
from stem_device.analysis.verdict import Ground, Level, Verdict, Why


@dataclass(frozen=True, slots=True)
class Words:
    """How things are said.

    ``short`` shows names, without the database that all of them share, say. ``steady``: without numbers that
    move while nothing happens. ``grouped``: thousands with commas.
    """

    short: Callable[[str], str] = str
    steady: bool = False
    grouped: bool = True

    def number(self, value: int) -> str:
        return f"{value:,}" if self.grouped else str(value)

    def many(self, value: int, word: str) -> str:
        """``1 event``, ``1,234 events``."""
        return f"{self.number(value)} {word}" if value == 1 else f"{self.number(value)} {word}s"


WORDS = Words()

SHORT_INTERVAL_NS = 10_000_000_000
"""Times that are closer to each other are told with milliseconds."""


def sentence(verdict: Verdict, words: Words = WORDS) -> str:
    """The verdict in one sentence."""
    return f"{conclusion(verdict, words)}; {coverage_text(verdict.coverage, words)}."


def conclusion(verdict: Verdict, words: Words = WORDS) -> str:
    """The main clause alone, without a full stop."""
    match verdict.level:
        case Level.LOST:
            return _lost(verdict, words)
        case Level.WAITING:
            first, *rest = verdict.waiting
            return ground_text(first, words) + _more(len(rest), words)
        case Level.UNKNOWN:
            first, *rest = verdict.uncovered
            begin = "It is not known whether anything was missed: "
            return begin + ground_text(first, words) + _more(len(rest), words)
        case Level.CLEAR:
            before = _before(verdict.missed_before, words)
            return f"Nothing was missed {_span_text(verdict.span, words)}{before}"


def _before(missed: int, words: Words) -> str:
    """What an all-clear does not hide: it was noticed in the span, and pushed before."""
    were = "was" if missed == 1 else "were"
    return f", but {words.many(missed, 'event')} pushed before monitoring began {were} lost" if missed else ""


def coverage_text(coverage: Coverage, words: Words = WORDS) -> str:
    """What an all-clear covers."""
    if not coverage.subscriptions:
        return "known subscriptions: 0"
    servers = words.many(coverage.subscribers, "server")
    return f"known subscriptions: {words.number(coverage.subscriptions)} in {servers}"


def loss_text(loss: Loss, words: Words = WORDS) -> str:
    """Who lost how many of what from whom, and when."""
    what = f"{words.short(loss.stream)} from {words.short(loss.publisher)}"
    who = words.short(loss.server) or "subscriptions that are not listed"
    unaccounted = f"{words.number(loss.unaccounted)} unaccounted (nobody can know whether they arrived)"
    if loss.missed:
        bound, share = "at least " if loss.at_least else "", loss.share
        of_all = ""
        if share is not None and loss.received is not None:
            of_all = f" ({percent(share)} of the {words.number(loss.received + loss.missed)} meant for it)"
        text = f"{who} missed {bound}{words.many(loss.missed, 'event')}"
        text += f" of {what}{of_all}" if loss.stream else of_all
        text += f", and {unaccounted}" if loss.unaccounted else ""
    else:
        text = f"{who} has {words.many(loss.unaccounted, 'event')}"
        text += f" of {what}" if loss.stream else ""
        text += " unaccounted (nobody can know whether they arrived)"
    lost = "lost " if loss.missed else ""  # of the others nobody knows that
    return f"{text}, {lost}{interval_text(loss.since_utc_ns, loss.until_utc_ns)}"


def interval_text(since_utc_ns: int, until_utc_ns: int) -> str:
    """``between 2026-01-31 12:00:00 and 12:00:10 UTC``."""
    close = until_utc_ns - since_utc_ns < SHORT_INTERVAL_NS
    begin, end = stamp(since_utc_ns, fine=close), stamp(until_utc_ns, fine=close)
    if begin[:10] == end[:10]:
        end = end[11:]
    return f"between {begin} and {end} UTC"


def ground_text(ground: Ground, words: Words = WORDS) -> str:
    """One ground as a clause, without a full stop."""
    fixed = _FIXED.get(ground.why)
    return fixed if fixed is not None else _CLAUSES[ground.why](_Told(ground, words))


class _Told:
    """What the clauses need of a ground."""

    def __init__(self, ground: Ground, words: Words) -> None:
        self.ground = ground
        self.words = words
        self.server, self.stream = words.short(ground.server), words.short(ground.stream)
        self.publisher = words.short(ground.publisher)
        self.listeners = _listeners(ground, words)
        self.text = " ".join(ground.text.split()).rstrip(".")

    def many(self, word: str) -> str:
        return f"{word}s" if self.words.steady else self.words.many(self.ground.number, word)

    def about(self) -> str:
        return f": {self.text}" if self.text else ""


def _overdue(told: _Told) -> str:
    events = "events" if told.words.steady else told.words.many(told.ground.number, "overdue event")
    return f"{told.server} waits for {events} of {told.stream} from {told.publisher}"


def _young(told: _Told) -> str:
    return f"{told.many('event')} of {told.stream} for {told.server} are just overdue"


def _refused(told: _Told) -> str:
    return f"{told.server} ended without having been stopped{told.listeners}{told.about()}"


def _silent(told: _Told) -> str:
    how_long = "" if told.words.steady else f" for {told.ground.seconds:.0f} s"
    return f"{told.server} has not answered{how_long}{told.listeners}{told.about()}"


def _unseen(told: _Told) -> str:
    number, certain = told.ground.number, told.ground.certain
    verb = "has" if number == 1 else "have"
    if not certain:
        verb = "may have"
    rest = f" ({told.words.number(number - certain)} of them: may have)" if 0 < certain < number else ""
    streams = told.words.many(number, "stream")
    return f"{streams} {verb} subscribers that are not monitored{rest}, {told.stream} for one"


def _overdue_unknown(told: _Told) -> str:
    subscriptions = told.words.many(told.ground.number, "subscription")
    return (
        f"overdue events of {subscriptions} are unknown: their publishers are not asked or do not tell, or "
        "their servers are no targets any more"
    )


def _unobserved(told: _Told) -> str:
    were, they = ("was", "it") if told.ground.number == 1 else ("were", "they")
    events = told.words.many(told.ground.number, "event")
    known = f"nothing tells whether {they} arrived"
    return f"{events} {were} pushed around a restart, an end or a beginning: {known}"


def _blind(told: _Told) -> str:
    seconds = "some time" if told.words.steady else f"{told.ground.seconds:,.3g} s"
    if not told.ground.number:
        return f"for {seconds} around a restart or an end nothing counted what was pushed"
    return (
        f"for up to {seconds} around a restart, an end or a late answer nothing counted what was pushed to "
        f"{told.many('subscription')}, by {told.publisher} for one"
    )


def _disconnected(told: _Told) -> str:
    if told.stream:
        return f"{told.server} is not connected to {told.stream}"
    return f"{told.server} has {told.words.many(told.ground.number, 'subscription')} that are not connected"


_FIXED = {
    Why.NO_POLL: "there is no poll",
    Why.ONE_POLL: "there is one poll, and events are counted from one poll to the next",
    Why.NO_SUBSCRIPTION: "no subscription is known",
    Why.UNBALANCED: "counters contradict each other, see booksUnbalanced and the log",
    Why.INCOMPLETE: "the recording is of a version that tells neither unaccounted events nor unseen clients",
}

_CLAUSES: dict[Why, Callable[[_Told], str]] = {
    Why.OVERDUE: _overdue,
    Why.REFUSED: _refused,
    Why.SILENT: _silent,
    Why.FAILING: lambda told: f"{told.server} cannot be monitored{told.about()}",
    Why.DISCONNECTED: _disconnected,
    Why.YOUNG_OVERDUE: _young,
    Why.OVERDUE_UNKNOWN: _overdue_unknown,
    Why.UNSEEN: _unseen,
    Why.NOT_ASKED: lambda told: f"{told.server} cannot be asked{told.listeners}{told.about()}",
    Why.NOT_ANSWERED: lambda told: (
        f"{told.server} did not answer the last poll{told.listeners}{told.about()}"
    ),
    Why.UNUSABLE: lambda told: f"{told.server} could not be monitored at the last poll{told.about()}",
    Why.CONNECTING: lambda told: f"{_disconnected(told)} yet",
    Why.DATABASE: lambda told: f"nothing is known of {told.server}{told.about()}",
    Why.UNCOUNTED_TIME: lambda told: f"events of {told.ground.seconds:,.3g} s are in no poll",
    Why.UNOBSERVED: _unobserved,
    Why.BLIND: _blind,
    Why.PROBLEM: lambda told: told.text,
    Why.STOPPED: lambda told: f"{told.server} does not run: it was stopped{told.listeners}",
}


def _lost(verdict: Verdict, words: Words) -> str:
    if not verdict.losses:
        return f"{words.many(verdict.lost, 'event')} were lost by subscriptions that are no longer listed"
    worst, others = verdict.losses[0], verdict.losers - 1
    text = loss_text(worst, words)
    if others:
        rest = verdict.lost - worst.lost
        text += f"; {words.many(others, 'other subscription')} lost {words.number(rest)} more"
    if verdict.overdue and not words.steady:
        text += f"; {words.many(verdict.overdue, 'event')} {'is' if verdict.overdue == 1 else 'are'} overdue"
    return text


def _listeners(ground: Ground, words: Words) -> str:
    if not ground.listening:
        return ""
    names = list(map(words.short, ground.listeners))
    hidden = ground.listening - len(names)
    if hidden:
        names.append(f"{hidden} more")
    listen = "listens" if ground.listening == 1 else "listen"
    return f", {_and(names)} {listen} to it"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _span_text(span: Span, words: Words) -> str:
    # A monitor that was started just now knows nothing of all the time that it is to judge by.
    judged_ns = span.end_utc_ns - span.begin_utc_ns
    if span.hold_seconds is not None and judged_ns >= round(span.hold_seconds * 1e9):
        return f"in the last {span.hold_seconds:g} s"
    if words.steady or span.hold_seconds is not None:
        return f"since {stamp(span.begin_utc_ns)} UTC"
    return interval_text(span.begin_utc_ns, span.end_utc_ns)


def stamp(time_utc_ns: int, *, fine: bool = False) -> str:
    """``2026-01-31 12:00:00``, of UTC; ``fine``: with milliseconds."""
    whole, rest = divmod(time_utc_ns, 1_000_000_000)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{rest // 1_000_000:03d}" if fine else text


def _more(number: int, words: Words) -> str:
    return f" (and {words.number(number)} more)" if number else ""


def percent(share: float) -> str:
    """``0.0123`` -> ``1.23 %``; never 100 % unless it is all, never 0 unless it is none."""
    if 0.9995 <= share < 1:
        return "99.9 %"
    return f"{share * 100:.3g} %"


def parts(verdict: Verdict, words: Words = WORDS) -> Iterator[str]:
    """Every sentence that follows from the verdict: conclusion, then what else waits or is not covered."""
    yield sentence(verdict, words)
    skip = {Level.WAITING: verdict.waiting[:1], Level.UNKNOWN: verdict.uncovered[:1]}.get(verdict.level, ())
    for ground in (*verdict.waiting, *verdict.uncovered, *verdict.told):
        if ground not in skip:
            yield f"{ground_text(ground, words)}."
