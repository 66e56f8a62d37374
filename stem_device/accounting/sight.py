"""What one poll, and two, show of a subscription and its publisher."""

from __future__ import annotations

from msgspec import Struct

from stem_device.accounting.moment import Moment
from stem_device.accounting.rules import Change
from stem_device.accounting.stream import StreamAccount, port_of
from stem_device.model.reply import EventCallback


class Sight(Struct, frozen=True, gc=False):
    """What one poll shows of a subscription.

    ``stream`` is its publisher's account, None where the publisher is not asked or has no such stream;
    ``life`` the number of the publisher's life, 0 where it is not known; ``endpoint`` where the subscriber
    gets the publisher's heartbeats from. ``late``: the subscriber was asked in an earlier poll.
    """

    now: EventCallback
    endpoint: str
    stream: StreamAccount | None
    life: int
    moment: Moment
    late: bool = False


class Step(Struct, frozen=True, gc=False):
    """One poll of a subscription that was not made anew: its counters before and now, both mended."""

    sight: Sight
    last: EventCallback
    now: EventCallback
    change: Change
    gap_before: bool
    """Whether a gap was booked at the last poll, whose reply may have been torn."""
    owed: int
    """What was overdue at the last poll."""

    @property
    def quiet(self) -> bool:
        """Nothing has arrived since the last poll."""
        return not (self.change.counter or self.change.received or self.change.discarded)


def unwatched_ns(stream: StreamAccount | None, moment: Moment) -> int:
    """For how long nobody has counted what is pushed to a subscription, before it ends at this poll."""
    if stream is not None:
        return stream.unwatched_ns(moment)
    return moment.monotonic_ns - unwatched_since(None, moment)


def unwatched_since(stream: StreamAccount | None, moment: Moment) -> int:
    """Since when nobody counts what a publisher pushes whose life has ended, monotonic ns.

    Since it last answered; where nothing but the subscription tells of the end, since the poll before.
    """
    return stream.observed_ns if stream is not None and stream.ended else moment.marks[-2][1]


def is_another(stream: StreamAccount, endpoint: str, sight: Sight) -> bool:
    """Whether the publisher's stream is another one; without identities an endpoint that changes tells."""
    if sight.stream is None:
        return False
    return sight.stream is not stream or (not stream.life and bool(endpoint) and sight.endpoint != endpoint)


def present_stream(sight: Sight) -> StreamAccount | None:
    """The stream in the publisher's present life; None if it is gone or has no such stream yet."""
    stream = sight.stream
    return None if stream is None or stream.ended else stream


def is_ahead(counter: int, held: int | None, stream: StreamAccount, sight: Sight) -> bool | None:
    """Whether a counter is higher than the publisher's life of ``stream`` can explain.

    The two are asked one after the other: what is ahead at one poll may have been pushed in between, and
    only what is still ahead of the publisher's next answer is of another life. None: that is to be seen.
    """
    if counter <= stream.pushed or sight.late:
        return False
    return None if held is None or not stream.answered else held > stream.pushed


def is_elsewhere(endpoint: str, stream: StreamAccount) -> bool:
    """Whether an endpoint is none of those of the publisher's present life, as far as they are known."""
    return bool(stream.ports) and port_of(endpoint) not in stream.ports


def unplaced_since(sight: Sight, stream: StreamAccount) -> int | None:
    """Since when it is open whether the subscriber listens to the publisher's present life, monotonic ns.

    The publisher's ports, which tell it, are asked for after its first answer only. None: it is not open.
    """
    return None if stream.ports else sight.moment.monotonic_ns
