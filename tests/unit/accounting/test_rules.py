"""The arithmetic of one subscription between two polls, as a table. Numbers marked (m) were measured."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from stem_device.accounting.books import Books
from stem_device.accounting.ended import OTHERS, EndedSubscriptions
from stem_device.accounting.moment import Moment
from stem_device.accounting.rules import began_again, jumped, lost_before, unwrap
from stem_device.accounting.sight import Sight
from stem_device.accounting.stream import StreamAccount
from stem_device.accounting.subscription import SubscriptionAccount
from stem_device.model.snapshot import Link, Unseen
from tests.unit.accounting.replies import SECOND, STREAM, callback

ENDPOINT, NEW_ENDPOINT = "tcp://127.0.0.1:5000", "tcp://127.0.0.1:6000"
TOPIC = "tango://127.0.0.1:10000/test/pub/1/attr.idl5_change"


class Case:
    """A publisher of known lives and its subscription, a poll a second."""

    def __init__(self, pushed, now, *, ports=True, baseline=True):
        self.moment = Moment()
        self.ports, self.baseline = ports, baseline
        self.stream = self._stream(pushed, baseline=True)
        self.account: Any = None  # a SubscriptionAccount from the first poll on
        self.poll(pushed, now)

    def _stream(self, pushed, *, baseline=False, life=1):
        stream = StreamAccount(STREAM, pushed + 1, life=life, baseline=baseline)
        stream.ports = frozenset({"5000" if life == 1 or not self.ports else "6000"})
        return stream

    def poll(self, pushed, now, *, endpoint=ENDPOINT, seconds=1):
        before, at = self.moment, self.moment.monotonic_ns + round(seconds * SECOND)
        self.moment = before.next(at, at)
        if self.account is not None:
            if self.stream.ended:
                self.stream.hold(self.moment)
            else:
                self.stream.update(pushed + 1, self.moment)
        if self.account is None:
            sight = Sight(now, endpoint, self.stream, self.stream.life, self.moment)
            self.account = SubscriptionAccount(TOPIC, sight, baseline=self.baseline)
        else:
            self.account.update(now, endpoint, self.stream, self.stream.life, self.moment)
        return self.account.record

    def publisher_ends(self):
        self.stream.end(self.moment, self.moment.monotonic_ns)

    def publisher_begins_again(self, pushed=0):
        self.stream.end(self.moment, self.moment.monotonic_ns)
        successor = self.stream.successor(pushed + 1, life=self.stream.life + 1)
        successor.ports = frozenset({"6000" if self.ports else "5000"})
        self.stream = successor


def figures(record):
    return (record.received_total, record.missed_total, record.unaccounted_total, record.overdue)


ONE_LIFE = [
    ("nothing happened", callback(5, 5), callback(5, 5), (0, 0, 0, 0)),
    ("all received", callback(5, 5), callback(25, 25), (20, 0, 0, 0)),
    ("a duplicate", callback(5, 5, d=0), callback(5, 5, d=1), (0, 0, 0, 0)),
    ("loss noticed (m)", callback(38_499, 38_499), callback(159_013, 38_500, 1), (1, 120_513, 0, 0)),
    ("loss after a cut (m)", callback(10, 10), callback(215, 12, 1), (2, 203, 0, 0)),
    ("a gap of one event is not torn", callback(10, 10), callback(12, 11, 1), (1, 1, 0, 0)),
    ("two gaps", callback(10, 10), callback(40, 20, 2), (10, 20, 0, 0)),
    ("a renewal that overtook", callback(10, 10), callback(130, 20), (20, 0, 0, 0)),
    ("a renewal that lost", callback(10, 10, 1), callback(130, 20, 1), (20, 1, 99, 0)),
    ("a renewal, no event yet", callback(110, 110), callback(0, 0), (0, 0, 0, 0)),
]


@pytest.mark.parametrize(
    ("last", "now", "expected"), [case[1:] for case in ONE_LIFE], ids=[case[0] for case in ONE_LIFE]
)
def test_one_life(last, now, expected):
    case = Case(last.server_counter, last)
    assert figures(case.poll(max(now.server_counter, last.server_counter), now)) == expected


def test_first_event_after_others_that_never_came_is_a_loss_without_a_gap():
    """Measured: 1000 pushed while the connection was blocked, then number 1001: m stays 0."""
    case = Case(0, callback(0, 0))
    case.poll(1000, callback(0, 0))
    record = case.poll(1000, callback(0, 0))
    assert (record.overdue, record.lag_seconds) == (1000, 2.0)
    record = case.poll(1001, callback(1001, 1))
    assert figures(record) == (1, 1000, 0, 0)
    assert not record.missed_at_least
    assert record.lost_since_utc_ns == SECOND


def test_losses_from_before_monitoring_are_no_losses_of_its_time():
    case = Case(159_012, callback(38_499, 38_499))
    assert case.poll(159_012, callback(38_499, 38_499)).overdue == 120_513
    record = case.poll(159_013, callback(159_013, 38_500, 1))
    assert (record.missed_total, record.missed_before, record.unaccounted_total) == (0, 120_513, 0)


def test_renewed_with_overdue_events_nobody_knows_whether_they_arrived():
    case = Case(10, callback(10, 10))
    case.poll(30, callback(10, 10))
    assert case.poll(30, callback(10, 10)).overdue == 20
    record = case.poll(40, callback(40, 3))
    assert figures(record) == (3, 0, 20, 0)
    assert record.unaccounted_delta == 20
    assert record.lost_since_utc_ns == SECOND, "the poll by which all had arrived, not that of the renewal"


def test_a_second_callback_shows_though_nothing_was_pushed():
    case = Case(5, callback(5, 5))
    case.poll(5, callback(5, 5))
    record = case.poll(5, structs.replace(callback(5, 5), callback_count=2))
    assert record.callback_count == 2


@pytest.mark.parametrize("ports", [True, False], ids=["free ports", "fixed ports"])
def test_a_healthy_restart_of_the_publisher_loses_nothing(ports):
    """Measured: c 3 -> 101, e 3 -> 4, m 0 -> 1, nothing lost after the reconnection."""
    case = Case(3, callback(3, 3), ports=ports)
    case.publisher_begins_again(50)
    endpoint = NEW_ENDPOINT if ports else ENDPOINT
    assert case.poll(50, callback(3, 3), endpoint=ENDPOINT).link is Link.FORMER
    record = case.poll(101, callback(101, 4, 1), endpoint=endpoint)
    assert figures(record) == (1, 0, 0, 0)
    assert record.link is Link.LIVE
    record = case.poll(120, callback(110, 13, 1), endpoint=endpoint)
    assert case.poll(120, callback(110, 13, 1), endpoint=endpoint).overdue == 10


@pytest.mark.parametrize("pushed", [5000, 120])
def test_a_queue_that_still_drains_is_of_the_former_life(pushed):
    """With a fixed port nothing but the quiet after the queue tells, however much the new life has pushed."""
    case = Case(100, callback(100, 100), ports=False)
    case.poll(1000, callback(100, 100))
    case.publisher_begins_again()
    for counter in (150, 151, 600, 1000):
        record = case.poll(pushed, callback(counter, counter))
        assert (record.link, record.overdue) == (Link.FORMER, 1000 - counter or None)
        assert figures(record)[:3] == (counter - 100, 0, 0)


def test_a_counter_ahead_of_the_publishers_answer_was_pushed_between_the_two_questions():
    """Measured: publisher asked at P=967, 17 ms later its subscriber at c=968."""
    case = Case(967, callback(968, 967))
    assert (case.account.record.link, case.account.record.overdue) == (Link.LIVE, 0)
    record = case.poll(1012, callback(1013, 1012))
    assert figures(record) == (45, 0, 0, 0)
    assert case.account.books.unbalanced_delta == 0


@pytest.mark.parametrize("ports", [True, False], ids=["free ports", "fixed ports"])
def test_a_first_event_of_a_new_life_that_is_ahead_of_the_publishers_answer(ports):
    case = Case(3, callback(3, 3), ports=ports)
    case.publisher_begins_again(50)
    endpoint = NEW_ENDPOINT if ports else ENDPOINT
    case.poll(100, callback(101, 4, 1), endpoint=endpoint)
    record = case.poll(120, callback(121, 24, 1), endpoint=endpoint)
    assert figures(record) == (21, 0, 0, 0)
    assert (record.link, case.account.books.unbalanced_delta) == (Link.LIVE, 0)


def test_a_stale_counter_that_more_has_arrived_than_it_rose_by_is_not_torn():
    """The first events of a new life, 60 of them, after 50 of the former one."""
    case = Case(50, callback(50, 50))
    case.publisher_begins_again(0)
    for _ in range(4):
        record = case.poll(0, callback(50, 50), endpoint=NEW_ENDPOINT)
    assert record.link is Link.FRESH
    record = case.poll(60, callback(60, 110), endpoint=NEW_ENDPOINT)
    assert figures(record) == (60, 0, 0, 0)
    assert record.resets_total == 1


def test_with_fixed_ports_nothing_is_overdue_where_nothing_was_pushed():
    case = Case(3, callback(3, 3), ports=False)
    case.publisher_begins_again(0)
    assert case.poll(0, callback(3, 3)).overdue == 0
    assert case.poll(5, callback(3, 3)).overdue is None


def test_the_first_event_of_a_new_life_may_be_taken_for_a_duplicate():
    """Measured with constant polled attributes: c=1 e=1 d=0 becomes c=1 e=1 d=1, or e rises with d."""
    for now in (callback(1, 1, d=1), callback(1, 2, d=1)):
        case = Case(1, callback(1, 1))
        case.publisher_begins_again(1)
        record = case.poll(1, now, endpoint=NEW_ENDPOINT)
        assert (record.missed_total, record.overdue, record.link) == (0, 0, Link.LIVE)


def test_what_a_dead_publisher_owes_is_lost_once_the_queue_is_empty():
    case = Case(10, callback(10, 10))
    case.poll(1000, callback(100, 100))
    case.publisher_ends()
    record = case.poll(0, callback(150, 150))
    assert figures(record) == (140, 0, 0, 850), "its queue may still drain"
    for _ in range(3):
        record = case.poll(0, callback(160, 160), seconds=14)
        assert figures(record) == (150, 0, 0, 840)
    record = case.poll(0, callback(160, 160), seconds=14)
    assert figures(record) == (150, 840, 0, 0)
    assert record.missed_at_least
    assert record.lost_since_utc_ns == SECOND


def test_a_new_life_tells_how_much_of_the_former_one_was_lost_at_least():
    case = Case(10, callback(10, 10))
    case.poll(1000, callback(100, 100))
    case.publisher_ends()
    case.poll(0, callback(100, 100))
    case.publisher_begins_again(5)
    record = case.poll(40, callback(40, 150, 0), endpoint=NEW_ENDPOINT)
    assert figures(record) == (140, 850, 50, 0), "of 900 that were owed, 50 may have arrived"


def test_an_ended_subscription_leaves_what_was_overdue_unaccounted():
    case = Case(10, callback(10, 10))
    case.poll(60, callback(16, 16))
    case.poll(60, callback(16, 16))
    case.account.end(case.moment)
    record = case.account.record
    assert (record.overdue, record.unaccounted_total, record.missed_total, record.ended) == (0, 44, 0, True)
    case.account.resume(Sight(callback(50, 50), ENDPOINT, case.stream, 1, case.moment))
    assert (case.account.record.unaccounted_total, case.account.record.unaccounted_delta) == (0, -44)


def test_what_was_pushed_after_the_last_poll_of_an_ended_subscription_is_unobserved():
    case = Case(10, callback(10, 10))
    case.poll(60, callback(60, 60))
    case.stream.update(261, case.moment)
    case.account.end(case.moment)
    record = case.account.record
    assert (record.unobserved_total, record.unaccounted_total, record.missed_total) == (200, 0, 0)
    case.account.resume(Sight(callback(260, 260), ENDPOINT, case.stream, 1, case.moment))
    assert case.account.record.unobserved_total == 0


def test_what_a_dead_publisher_owed_and_is_booked_is_not_unobserved_too():
    case = Case(10, callback(10, 10))
    case.poll(1000, callback(100, 100))
    case.publisher_ends()
    case.poll(0, callback(100, 100))
    case.poll(0, callback(100, 100))
    case.poll(0, callback(100, 100), seconds=30)
    assert case.account.record.missed_total == 900
    case.account.end(case.moment)
    record = case.account.record
    assert (record.missed_total, record.unobserved_total, record.unaccounted_total) == (900, 0, 0)


def test_what_its_successor_received_in_the_same_poll_is_observed():
    case = Case(10, callback(10, 10))
    case.poll(60, callback(60, 60))
    case.stream.update(261, case.moment)
    case.account.end(case.moment)
    case.account.renew(Sight(callback(260, 150), ENDPOINT, case.stream, 1, case.moment))
    assert case.account.record.unobserved_total == 50


def test_overdue_from_before_monitoring_does_not_vanish_when_the_subscription_ends():
    case = Case(1000, callback(10, 10))
    case.poll(1000, callback(30, 30))
    assert case.account.record.overdue == 970
    case.account.end(case.moment)
    record = case.account.record
    assert (record.unobserved_total, record.unaccounted_total, record.missed_total) == (970, 0, 0)


def test_overdue_from_before_monitoring_does_not_vanish_when_the_publisher_ends():
    case = Case(1000, callback(10, 10))
    case.poll(1000, callback(30, 30))
    case.publisher_ends()
    record = case.poll(0, callback(30, 30))
    assert (record.unobserved_total, record.unaccounted_total, record.missed_total) == (970, 0, 0)


def test_a_counter_that_no_life_explains_unbalances_the_books():
    case = Case(100, callback(100, 100))
    case.stream.pushed = 50
    case.poll(50, callback(100, 100))
    assert case.account.books.unbalanced_delta == 1
    assert case.account.record.overdue is None


def test_counters_of_32_bits_come_full_circle():
    case = Case(2**32 - 10, callback(2**32 - 10, 10))
    case.poll(0, callback(2**32 - 1, 19))
    record = case.poll(5, callback(5, 24))
    assert figures(record) == (14, 0, 0, 0)
    assert case.stream.pushed == 2**32 + 5
    assert unwrap(callback(10, 10), callback(5, 5)).server_counter == 5


@pytest.mark.parametrize(
    ("lost", "last", "now", "boundary", "expected"),
    [
        (100, 10, 200, 5, (0, 0)),
        (100, 10, 200, 500, (100, 100)),
        (100, 10, 200, 60, (0, 50)),
        (185, 10, 200, 60, (46, 50)),
    ],
    ids=["all after", "all before", "nobody knows", "most of it lost"],
)
def test_what_was_lost_before_monitoring_began(lost, last, now, boundary, expected):
    assert lost_before(lost, last, now, boundary) == expected


def test_what_only_a_new_subscription_does():
    since = "2026-11-22T03:12:31"
    assert began_again(callback(10, 10, since=since), callback(50, 20))
    assert began_again(callback(10, 10, 1), callback(50, 20))
    assert not began_again(callback(10, 10), callback(5, 10))
    assert jumped(callback(10, 10), callback(130, 20))
    assert jumped(callback(10, 10), callback(130, 120)), "it has received all that was pushed since"
    assert not jumped(callback(10, 10), callback(130, 121)), "more than was pushed since"
    assert not jumped(callback(193_396, 134_851), callback(193_579, 134_943)), "the reply before was torn"


def test_while_one_life_goes_on_everything_is_counted():
    case = Case(5, callback(5, 5))
    assert case.poll(9, callback(7, 7)).blind_seconds == 0
    assert case.poll(9, callback(7, 7), seconds=10).blind_seconds == 0


def test_a_restart_is_blind_from_the_last_answer_to_the_connection():
    case = Case(5, callback(5, 5))
    case.publisher_begins_again()
    assert case.poll(0, callback(5, 5)).blind_seconds == 1  # its last answer was a poll ago
    assert case.poll(3, callback(5, 5), seconds=8).blind_seconds == 9
    case.poll(3, callback(5, 5), endpoint=NEW_ENDPOINT)
    case.poll(3, callback(5, 5), endpoint=NEW_ENDPOINT)
    record = case.poll(3, callback(5, 5), endpoint=NEW_ENDPOINT)
    assert (record.link, record.blind_seconds) == (Link.FRESH, 11)
    assert case.poll(9, callback(9, 11), endpoint=NEW_ENDPOINT).blind_seconds == 11


def test_a_publisher_that_does_not_run_pushes_nothing():
    case = Case(5, callback(5, 5))
    case.publisher_ends()
    assert case.poll(5, callback(5, 5)).blind_seconds == 1  # it may have pushed before its end
    assert case.poll(5, callback(5, 5), seconds=60).blind_seconds == 1
    case.publisher_begins_again()
    assert case.poll(0, callback(5, 5), seconds=2).blind_seconds == 3  # since the poll before
    assert case.poll(0, callback(5, 5), seconds=60).blind_seconds == 3  # its counter says that nothing came


def test_a_subscription_that_ends_with_its_publisher_is_blind_since_the_last_answer():
    case = Case(5, callback(5, 5))
    case.publisher_ends()
    case.account.end(case.moment.next(*2 * (case.moment.monotonic_ns + 4 * SECOND,)))
    assert case.account.record.blind_seconds == 4


def test_a_subscription_that_ends_while_its_publisher_is_silent_is_blind_since_the_last_answer():
    case = Case(5, callback(5, 5))
    later = case.moment.next(*2 * (case.moment.monotonic_ns + 3 * SECOND,))
    case.stream.hold(later)
    case.account.end(later)
    assert case.account.record.blind_seconds == 3


def test_what_a_living_publisher_pushed_until_a_subscription_ended_is_known():
    case = Case(5, callback(5, 5))
    case.stream.update(31, case.moment)
    case.account.end(case.moment)
    assert (case.account.record.unobserved_total, case.account.record.blind_seconds) == (25, 0)


def test_a_first_event_after_the_publishers_end_tells_of_its_base_at_the_earliest():
    """What had been pushed before monitoring began is no loss of its time."""
    case = Case(40, callback(0, 0))
    case.stream.update(60, case.moment)
    case.publisher_ends()
    record = case.poll(60, callback(55, 10, 1))
    assert (record.received_total, record.missed_total, record.missed_at_least) == (10, 5, True)


def test_what_was_pushed_while_a_new_subscription_connected_is_unobserved():
    case = Case(0, callback(0, 0), baseline=False)
    record = case.poll(3, callback(3, 1))
    assert (record.received_total, record.missed_total, record.unobserved_total) == (1, 0, 2)


def test_how_long_a_new_subscription_may_take_to_connect():
    """A second: what is pushed until the first poll after it is unobserved, what comes later is overdue."""
    case = Case(0, callback(0, 0), baseline=False)
    assert case.poll(3, callback(0, 0), seconds=0.9).unobserved_total == 3
    assert case.poll(5, callback(0, 0), seconds=0.1).unobserved_total == 5
    case.poll(9, callback(0, 0))
    record = case.poll(9, callback(0, 0))
    assert (record.unobserved_total, record.overdue) == (5, 4)


def test_a_single_poll_is_no_end_of_a_queue_however_late_it_comes():
    case = Case(10, callback(10, 10))
    case.poll(1000, callback(100, 100))
    case.publisher_ends()
    case.poll(0, callback(150, 150))  # its queue is being worked off
    assert figures(case.poll(0, callback(150, 150), seconds=60)) == (140, 0, 0, 850)
    assert figures(case.poll(0, callback(150, 150), seconds=60)) == (140, 850, 0, 0)


@pytest.mark.parametrize(("seconds", "link"), [(1.9, Link.FORMER), (2.0, Link.LIVE)])
def test_with_fixed_ports_two_seconds_of_quiet_are_between_two_lives(seconds, link):
    """A callback of a second or so is no quiet: what comes after it still is of the former life."""
    case = Case(3, callback(3, 3), ports=False)
    case.publisher_begins_again(50)
    case.poll(50, callback(3, 3))
    case.poll(50, callback(3, 3), seconds=0.5)
    assert case.poll(50, callback(4, 4), seconds=seconds - 0.5).link is link


def test_what_did_not_arrive_from_a_queue_that_was_booked_is_not_overdue_again():
    """The publisher had refused its connections for a minute, and is the same process."""
    case = Case(10, callback(10, 10))
    case.poll(1000, callback(100, 100))
    case.publisher_ends()
    for _ in range(2):
        case.poll(0, callback(100, 100), seconds=60)
    case.stream.go_on()
    for _ in range(3):
        record = case.poll(1000, callback(100, 100))
        assert (record.link, record.missed_total, record.overdue) == (Link.LIVE, 900, 0)


def test_a_duplicate_of_the_last_event_that_was_pushed_contradicts_nothing():
    case = Case(5, callback(5, 5))
    record = case.poll(5, callback(5, 5, d=1))
    assert (record.link, case.account.books.unbalanced_delta) == (Link.LIVE, 0)


def test_a_lag_is_exact_however_long_it_lasts():
    """Of the many polls since then only a few are remembered, the first of them always."""
    case = Case(10, callback(10, 10))
    for number in range(300):
        record = case.poll(20 + number, callback(10, 10))
        assert record.lag_seconds == (number + 1 if number else 0)


@pytest.mark.parametrize(
    ("seconds", "since", "unseen"),
    [(600, 0, Unseen.NOT_TOLD), (600.1, 0, Unseen.CERTAIN), (600.1, 0.1, Unseen.MAYBE)],
)
def test_for_how_long_after_its_last_subscriber_a_stream_tells_of_no_other(seconds, since, unseen):
    """Its publisher goes on counting for 600 s (measured)."""
    stream = StreamAccount(STREAM, 6, life=1, baseline=True)
    stream.subscribed_ns, stream.delta = 0, 1
    stream.look_for_unseen(round(seconds * SECOND), round(since * SECOND))
    assert stream.unseen is unseen


def ended(number: int, **totals: int) -> EndedSubscriptions:
    """So many subscriptions that are no more, with these totals each."""
    subscriptions = EndedSubscriptions()
    for topic in range(number):
        books = Books()
        for name, value in totals.items():
            setattr(books, name, value)
        account: Any = SimpleNamespace(topic=str(topic), books=books, record=topic)
        subscriptions.add(account)
    return subscriptions


def test_how_many_ended_subscriptions_have_a_row_of_their_own():
    all_shown: tuple[Any, ...] = ended(256, missed=1).records()
    assert all_shown == tuple(range(256))
    *rows, others = ended(300, missed=1).records()
    assert (len(rows), others.topic, others.missed_total) == (256, OTHERS, 44)


@pytest.mark.parametrize(("number", "known"), [(10_000, True), (10_001, False)])
def test_how_many_ended_subscriptions_go_on_if_they_come_back(number, known):
    subscriptions = ended(number, received=1)
    (others,) = subscriptions.records()
    assert others.received_total == number
    assert (subscriptions.take("0") is not None) is known


def test_of_nothing_nothing_is_missed_at_least():
    books = Books()
    books.miss(0, at_least=True)
    assert (books.missed, books.at_least) == (0, False)


def test_an_attribute_that_was_removed_may_be_there_again_and_uncounted():
    case = Case(5, callback(5, 5))
    stream = case.stream
    case.publisher_ends()
    for number in (1, 2, 3):
        case.moment = case.moment.next(*2 * (case.moment.monotonic_ns + SECOND,))
        case.account.update(callback(5, 5), ENDPOINT, None, stream.life, case.moment)
        record = case.account.record
        assert (record.overdue, record.blind_seconds) == (None, number)
