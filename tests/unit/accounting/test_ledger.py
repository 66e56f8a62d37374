"""The ledger over several polls: both sides of a stream, outages, vanishing, totals."""

import math

import pytest
from msgspec import structs

from stem_device.accounting import Ledger
from stem_device.model.poll import Answer, Failure, ServerState
from stem_device.model.reply import Dialect, NotConnected, PublisherReply, Reply, SubscriberSample
from stem_device.model.snapshot import Link
from stem_device.model.topics import stream_of
from tests.unit.accounting.replies import (
    DATABASE,
    PUBLISHER,
    SECOND,
    STREAM,
    SUBSCRIBER,
    TOPIC,
    answer,
    callback,
    poll,
    publisher,
    subscriber,
)


class World:
    """A ledger and the polls it is given."""

    def __init__(self):
        self.ledger = Ledger()
        self.number = 0

    def poll(self, pushed, now, *, endpoint="tcp://127.0.0.1:5000"):
        """One poll of a publisher and a subscriber. None: no stream, no subscription; "down": no answer."""
        self.number += 1
        replies = {
            PUBLISHER: None if pushed == "down" else publisher(pushed),
            SUBSCRIBER: None if now == "down" else subscriber(now, endpoint=endpoint),
        }
        self.snapshot = self.ledger.account(poll(self.number, replies))
        return self.snapshot

    @property
    def subscription(self):
        return self.snapshot.servers[1].subscriptions[0]

    @property
    def counts(self):
        return self.snapshot.counts


@pytest.fixture
def world():
    return World()


def test_the_first_poll_is_the_baseline(world):
    world.poll(1000, callback(900, 800, 3, 1))
    counts = world.counts
    assert (counts.published, counts.received, counts.missed, counts.gaps, counts.discarded) == (
        0,
        0,
        0,
        0,
        0,
    )
    assert world.subscription.gaps_before == 3


def test_events_in_flight_are_not_overdue(world):
    world.poll(1_000, callback(900, 900))
    assert world.counts.overdue == 0, "at the first poll nobody knows how long they have been under way"
    world.poll(1_000, callback(1_000, 1_000))
    assert (world.counts.overdue, world.counts.received) == (0, 100)


def test_events_in_flight_at_a_later_poll_are_not_overdue(world):
    world.poll(0, callback(0, 0))
    world.poll(24, callback(23, 23))
    assert (world.counts.overdue, world.counts.missed, world.counts.received) == (0, 0, 23)


def test_a_poll_right_after_another_does_not_take_events_in_flight_for_overdue(world):
    world.poll(10, callback(10, 10))
    world.poll(20, callback(18, 18))
    on_demand = poll(3, {PUBLISHER: publisher(20), SUBSCRIBER: subscriber(callback(18, 18))})
    on_demand = structs.replace(on_demand, started_monotonic_ns=2 * SECOND + 1_000_000)
    assert world.ledger.account(on_demand).counts.overdue == 0
    world.number = 3
    assert world.poll(20, callback(18, 18)).counts.overdue == 2


@pytest.mark.parametrize(("seconds", "overdue"), [(0.19, 0), (0.2, 2)])
def test_how_soon_a_poll_after_another_tells_of_overdue_events(world, seconds, overdue):
    world.poll(10, callback(10, 10))
    world.poll(20, callback(18, 18))
    soon = poll(3, {PUBLISHER: publisher(20), SUBSCRIBER: subscriber(callback(18, 18))})
    soon = structs.replace(soon, started_monotonic_ns=2 * SECOND + round(seconds * SECOND))
    assert world.ledger.account(soon).counts.overdue == overdue


def test_a_late_answer_is_compared_with_what_was_pushed_before_it_was_asked_for(world):
    world.poll(10, callback(10, 10))
    world.poll(20, callback(18, 18))
    late = poll(3, {PUBLISHER: publisher(30), SUBSCRIBER: subscriber(callback(18, 18))})
    publisher_answer, subscriber_answer = late.answers
    subscriber_answer = structs.replace(subscriber_answer, asked_monotonic_ns=2 * SECOND)
    late = structs.replace(late, answers=(publisher_answer, subscriber_answer))
    assert world.ledger.account(late).counts.overdue == 0
    world.number = 3
    assert world.poll(30, callback(18, 18)).counts.overdue == 12


def test_a_silent_loss_is_overdue_and_then_missed(world):
    """The burst of the contract: 120,513 lost, noticed only when the publisher pushes again."""
    world.poll(9_006, callback(9_006, 9_006))
    world.poll(159_012, callback(38_499, 38_499))
    assert world.counts.overdue == 0, "a whole period must pass first"
    world.poll(159_012, callback(38_499, 38_499))
    assert (world.counts.overdue, world.counts.missed) == (120_513, 0)
    world.poll(159_013, callback(159_013, 38_500, 1))
    assert (world.counts.overdue, world.counts.missed, world.counts.gaps) == (0, 120_513, 1)
    assert not world.subscription.missed_at_least


def test_a_late_delivery_was_overdue_and_is_not_missed(world):
    world.poll(11, callback(11, 11))
    world.poll(37, callback(11, 11))
    world.poll(37, callback(11, 11))
    assert world.counts.overdue == 26
    world.poll(37, callback(37, 37))
    assert (world.counts.overdue, world.counts.missed, world.counts.received) == (0, 0, 26)


def test_publisher_restarts(world):
    world.poll(100, callback(100, 100))
    world.poll("down", callback(100, 100))
    world.poll(4, callback(4, 104), endpoint="tcp://127.0.0.1:6000")
    counts = world.counts
    assert (counts.published, counts.received, counts.missed, counts.overdue) == (4, 4, 0, 0)
    assert counts.resets == 2, "the stream's and the subscription's"


def test_one_stream_that_falls_tells_of_the_restart_of_all():
    """Measured: only a restart sets a counter back. 50 -> 60 pushed is then a new life of 60."""
    ledger = Ledger()

    def server(one, other):
        return Reply(
            Dialect.CPPTANGO_1, PublisherReply({"a.change": one + 1, "b.change": other + 1}, None), None
        )

    ledger.account(poll(1, {PUBLISHER: server(50, 1000)}))
    snapshot = ledger.account(poll(2, {PUBLISHER: server(60, 3)}))
    assert [stream.published_total for stream in snapshot.servers[0].streams] == [60, 3]
    assert snapshot.counts.resets == 2
    snapshot = ledger.account(poll(3, {PUBLISHER: server(60, 0)}))
    assert snapshot.counts.published == 123, "pushed counts of the third life: 60 and 0"


def test_a_publisher_restart_seen_in_steps_is_one_reset(world):
    """Measured: gone; back without a stream; connected again, with the old counter; first events."""
    new = "tcp://127.0.0.1:6000"
    world.poll(200_123, callback(200_123, 7))
    world.poll("down", callback(200_123, 7))
    world.poll(None, callback(200_123, 7))
    world.poll(0, callback(200_123, 7), endpoint=new)
    assert world.subscription.server_counter == 200_123, "shown as cppTango tells it"
    world.poll(20, callback(200_123, 7), endpoint=new)
    world.poll(20, callback(200_123, 7), endpoint=new)
    assert world.counts.overdue == 0, "what was pushed while it connected is not observed"
    world.poll(30, callback(200_123, 7), endpoint=new)
    world.poll(30, callback(200_123, 7), endpoint=new)
    assert world.counts.overdue == 10, "the old counter hides nothing"
    world.poll(30, callback(30, 17), endpoint=new)
    counts = world.counts
    assert (counts.received, counts.missed, counts.overdue, counts.published) == (10, 0, 0, 30)
    assert counts.unobserved == 20
    assert (world.subscription.resets_total, world.snapshot.servers[0].streams[0].resets_total) == (1, 1)


def test_events_of_a_new_life_before_the_connection_is_back_are_not_observed(world):
    """Measured with another subscriber that keeps the stream: 20 pushes before ours is connected again."""
    new = "tcp://127.0.0.1:6000"
    world.poll(3, callback(3, 3))
    world.poll("down", callback(3, 3))
    world.poll(20, callback(3, 3), endpoint=new)
    world.poll(20, callback(3, 3), endpoint=new)
    assert (world.counts.overdue, world.counts.unobserved) == (0, 20)
    world.poll(21, callback(21, 4, 1), endpoint=new)
    assert (world.counts.missed, world.counts.overdue, world.counts.received) == (0, 0, 1)
    assert world.subscription.resets_total == 1


def test_subscriber_restarts(world):
    world.poll(100, callback(100, 100))
    world.poll(120, callback(120, 120))
    world.poll(150, callback(150, 10))
    assert (world.counts.received, world.counts.missed, world.counts.resets) == (30, 0, 1)


def test_unsubscribed_and_subscribed_again(world):
    """Measured: the topic is gone, then 0, 0, 0, then 130, 20, 0."""
    world.poll(10, callback(10, 10))
    world.poll(10, None)
    world.poll(110, callback(0, 0))
    world.poll(110, callback(0, 0))
    assert world.counts.overdue == 0
    world.poll(130, callback(130, 20))
    counts = world.counts
    assert (counts.received, counts.missed, counts.overdue, counts.published) == (20, 0, 0, 120)


def test_a_fresh_subscription_that_gets_nothing_is_overdue_for_what_was_pushed_since(world):
    world.poll(110, callback(0, 0))
    world.poll(130, callback(0, 0))
    world.poll(130, callback(0, 0))
    assert world.counts.overdue == 20


def test_a_stream_that_vanishes_and_returns_begins_again(world):
    world.poll(50, None)
    world.poll(60, None)
    world.poll(None, None)
    world.poll(7, None)
    stream = world.snapshot.servers[0].streams[0]
    assert (stream.published_total, stream.resets_total) == (17, 1)
    assert world.counts.published == 17


def test_a_new_stream_and_subscription_count_from_their_start(world):
    world.poll(None, None)
    world.poll(5, callback(5, 5))
    assert (world.counts.published, world.counts.received, world.counts.resets) == (5, 5, 0)


def test_a_server_that_does_not_answer_keeps_its_values_and_its_age(world):
    world.poll(10, callback(10, 10))
    world.poll(20, callback(15, 15))
    world.poll(20, "down")
    server = world.snapshot.servers[1]
    assert server.state is ServerState.UNREACHABLE
    assert server.subscriptions[0].received_total == 5
    assert server.subscriptions[0].received_delta == 0
    assert server.age_seconds == pytest.approx(1.0, abs=0.01)
    world.poll(30, callback(30, 30))
    assert world.counts.received == 20, "the difference spans the outage"
    assert world.snapshot.servers[1].age_seconds == 0


def test_a_server_that_never_answered_has_no_age(world):
    world.poll("down", "down")
    assert world.snapshot.servers[0].age_seconds is None
    world.poll(1000, callback(1000, 1000))
    assert world.counts.published == 0, "its first answer is the baseline, whenever it comes"


def test_a_stale_publisher_says_what_it_had_pushed(world):
    world.poll(10, callback(10, 10))
    world.poll(50, callback(10, 10))
    world.poll("down", callback(10, 10))
    assert world.counts.overdue == 40


def test_reset_begins_all_totals_again(world):
    world.poll(0, callback(0, 0))
    world.poll(50, callback(50, 40, 1))
    world.ledger.reset()
    world.poll(51, callback(51, 41, 1))
    counts = world.counts
    assert (counts.published, counts.received, counts.missed, counts.gaps) == (1, 1, 0, 0)
    assert world.subscription.received_total == 1


def test_a_departed_server_leaves_its_totals(world):
    world.poll(0, callback(0, 0))
    world.poll(50, callback(50, 40, 1))
    snapshot = world.ledger.account(poll(3, {PUBLISHER: publisher(60)}))
    assert (snapshot.counts.received, snapshot.counts.missed, snapshot.counts.published) == (40, 10, 60)
    assert snapshot.counts.overdue == 0


def test_rates_are_per_second_of_monotonic_time(world):
    world.poll(0, callback(0, 0))
    world.ledger.account(poll(2, {PUBLISHER: publisher(10), SUBSCRIBER: subscriber(callback(10, 10))}))
    snapshot = world.ledger.account(
        poll(6, {PUBLISHER: publisher(50), SUBSCRIBER: subscriber(callback(30, 30))})
    )
    assert (snapshot.published_rate, snapshot.received_rate) == (10.0, 5.0)
    assert snapshot.monotonic_ns == 6 * SECOND


def test_without_a_monitored_publisher_overdue_is_unknown():
    ledger = Ledger()
    snapshot = ledger.account(poll(1, {SUBSCRIBER: subscriber(callback(5, 5))}))
    assert snapshot.servers[0].subscriptions[0].overdue is None


def test_a_second_callback_shows_although_no_event_came():
    ledger = Ledger()
    one = callback(5, 4)
    two = structs.replace(one, callback_count=2)
    counts = [
        ledger.account(poll(number, {SUBSCRIBER: subscriber(now)})).servers[0].subscriptions[0].callback_count
        for number, now in enumerate((one, one, two, two), start=1)
    ]
    assert counts == [1, 1, 2, 2]


def test_one_name_in_two_servers_belongs_to_the_one_the_channel_names():
    """Without a database the names of streams collapse to tango://host:0/..."""
    ledger = Ledger()
    for number in (1, 2):
        replies = {
            DATABASE + "dserver/other/1": publisher(1_000_000),
            PUBLISHER: publisher(10),
            SUBSCRIBER: subscriber(callback(10, 10)),
        }
        snapshot = ledger.account(poll(number, replies))
    assert snapshot.servers[2].subscriptions[0].overdue == 0
    del replies[PUBLISHER]
    replies[DATABASE + "dserver/third/1"] = publisher(5)
    snapshot = ledger.account(poll(3, replies))
    assert snapshot.servers[1].subscriptions[0].overdue is None, "nobody can tell whose stream it is"


def test_not_connected_subscriptions_are_counted():
    waiting = NotConnected("tango://h:1/a/b/c", "attr", "change", "2026-11-22T03:12:31", None)
    snapshot = Ledger().account(poll(1, {SUBSCRIBER: subscriber(None, not_connected=[waiting])}))
    assert snapshot.counts.disconnected == 1
    assert snapshot.servers[0].not_connected == (waiting,)


@pytest.mark.parametrize(
    ("topic", "stream"),
    [
        (TOPIC, STREAM),
        ("tango://h:1/dev/a/b/attr.idl5_archive", "tango://h:1/dev/a/b/attr.archive"),
        ("tango://h:1/dev/a/b/attr.alarm", "tango://h:1/dev/a/b/attr.alarm"),
        ("tango://h:1/dev/a/b/attr.idl5_attr_conf", "tango://h:1/dev/a/b/attr.attr_conf"),
        ("tango://h:1/dev/a/b.intr_change", "tango://h:1/dev/a/b.intr_change"),
        ("tango://h:0/Dev/a/b/Attr#dbase=no.idl6_change", "tango://h:0/dev/a/b/attr#dbase=no.change"),
        ("tango://h.idl5_x:1/dev/a/b/attr.change", "tango://h.idl5_x:1/dev/a/b/attr.change"),
    ],
)
def test_topics_belong_to_streams(topic, stream):
    assert stream_of(topic) == stream


def _sample(latency=100, process=50):
    return SubscriberSample("attr", None, 10, process, latency, 1, 1, discarded=False)


class TestSamples:
    def test_coverage_is_the_share_of_events_with_a_sample(self):
        ledger = Ledger()
        ledger.account(poll(1, {PUBLISHER: publisher(0, samples=0)}, sampling=True))
        snapshot = ledger.account(poll(2, {PUBLISHER: publisher(1024, samples=256)}, sampling=True))
        assert snapshot.sample_coverage == 0.25
        assert not snapshot.servers[0].drained_by_others

    def test_a_poll_in_which_sampling_was_switched_on_is_not_judged(self):
        ledger = Ledger()
        ledger.account(poll(1, {PUBLISHER: publisher(0)}))
        snapshot = ledger.account(poll(2, {PUBLISHER: publisher(1000, samples=3)}, sampling=True))
        assert snapshot.sample_coverage == 1.0
        assert not snapshot.servers[0].drained_by_others

    def test_nothing_sampled_is_nan(self):
        assert math.isnan(Ledger().account(poll(1, {PUBLISHER: publisher(0)})).sample_coverage)

    def test_samples_that_somebody_else_took_are_noticed(self):
        ledger = Ledger()
        ledger.account(poll(1, {PUBLISHER: publisher(0, samples=0)}, sampling=True))
        snapshot = ledger.account(poll(2, {PUBLISHER: publisher(100, samples=40)}, sampling=True))
        assert snapshot.servers[0].drained_by_others

    @pytest.mark.parametrize(
        ("events", "samples", "drained"), [(9, 0, False), (10, 7, True), (10, 8, False), (1000, 204, True)]
    )
    def test_how_many_samples_must_be_missing(self, events, samples, drained):
        """Of few events one that falls between the two moments of a reply is a large share."""
        ledger = Ledger()
        ledger.account(poll(1, {PUBLISHER: publisher(0, samples=0)}, sampling=True))
        snapshot = ledger.account(poll(2, {PUBLISHER: publisher(events, samples=samples)}, sampling=True))
        assert snapshot.servers[0].drained_by_others is drained

    def test_quantiles_are_in_seconds_and_leave_out_what_has_no_value(self):
        samples = [_sample(latency=None), _sample(latency=-100), _sample(latency=300), _sample(latency=100)]
        snapshot = Ledger().account(poll(1, {SUBSCRIBER: subscriber(callback(4, 4), samples=samples)}))
        assert snapshot.timings.latency_median_seconds == pytest.approx(100e-6)
        assert snapshot.timings.processing_p99_seconds == pytest.approx(50e-6)
        assert math.isnan(snapshot.timings.push_p99_seconds)
        assert snapshot.subscriber_samples.attr_name == ("attr",) * 4

    def test_samples_carry_the_index_of_their_server(self):
        replies = {
            PUBLISHER: publisher(3, samples=3),
            DATABASE + "dserver/a/1": None,
            DATABASE + "dserver/b/1": publisher(2, stream="s", samples=2),
        }
        snapshot = Ledger().account(poll(1, replies))
        assert snapshot.publisher_samples.server.tolist() == [0, 0, 0, 2, 2]


@pytest.mark.parametrize("host", [None, DATABASE])
@pytest.mark.parametrize("known", [False, True])
def test_a_subscription_that_was_retried_is_blind_from_when_its_publisher_runs(world, host, known):
    """Its publisher begins to run after the fourth poll."""
    waiting = NotConnected("Test/pub/1", "Attr", "change", "2026-11-22T03:12:31", host)
    down = structs.replace(answer(PUBLISHER, None, 0), failure=Failure.NOT_EXPORTED, ended=True)
    world.poll(5, callback(5, 5) if known else None)
    for number in range(2, 9):
        one = poll(
            number,
            {PUBLISHER: publisher(None), SUBSCRIBER: subscriber(None, not_connected=[waiting])},
        )
        if number <= 4:
            one = structs.replace(one, answers=(down, one.answers[1]))
        blind = world.ledger.account(one).counts.blind_seconds
    last = poll(9, {PUBLISHER: publisher(0), SUBSCRIBER: subscriber(callback(0, 0))})
    assert world.ledger.account(last).counts.blind_seconds - blind == 5


def test_until_a_publisher_that_runs_has_answered_nothing_is_counted(world):
    world.poll("down", callback(0, 0))
    assert world.counts.overdue_unknown == 1
    world.poll(3, callback(0, 0))
    assert (world.counts.blind_seconds, world.counts.unobserved, world.counts.overdue_unknown) == (1, 0, 0)


def test_what_was_pushed_in_a_new_stream_before_it_was_seen_is_unobserved(world):
    """The publisher was asked first, and had no such stream then."""
    world.poll(None, callback(0, 0))
    world.poll(3, callback(0, 0))
    assert (world.counts.blind_seconds, world.counts.unobserved) == (0, 3)


def test_what_the_life_before_pushed_to_a_new_subscription_is_not_known(world):
    world.poll(5, None)
    world.poll(0, callback(0, 0))  # the publisher's counter fell: it was restarted
    assert (world.counts.blind_seconds, world.counts.unobserved) == (1, 0)


def test_when_a_server_was_asked_is_unknown_where_nothing_came(world):
    world.poll(0, None)
    silent = Answer(PUBLISHER, ServerState.UNREACHABLE)
    (row,) = world.ledger.account(structs.replace(poll(9, {}), answers=(silent,))).servers
    assert (row.asked_utc_ns, row.asked_monotonic_ns) == (None, None)
    assert math.isnan(row.round_trip_seconds)
    assert (row.age_seconds, row.queries) != (0.0, 1)


@pytest.mark.parametrize(("complete", "known"), [(frozenset(), False), (frozenset({TOPIC}), True)])
def test_what_is_complete_by_its_period_waits_for_nothing(complete, known):
    """Of a canary, whose publisher tells nothing: unknown is not 0, and what is known is not unknown."""
    ledger = Ledger()

    def account(number, now, complete):
        told = answer(SUBSCRIBER, subscriber(now), number)
        asked = structs.replace(told, complete=complete)
        return ledger.account(structs.replace(poll(number, {}), answers=(asked,)))

    account(1, callback(5, 5), complete)
    snapshot = account(2, callback(6, 6), complete)
    row = snapshot.servers[0].subscriptions[0]
    assert (row.overdue, row.lag_seconds) == ((0, 0.0) if known else (None, None))
    assert (row.link, row.received_delta) == (Link.UNKNOWN, 1)
    assert snapshot.counts.overdue_unknown == (0 if known else 1)

    snapshot = account(3, callback(9, 8, 1), complete)
    assert (snapshot.counts.missed, snapshot.counts.overdue_unknown) == (1, 0 if known else 1)
    snapshot = account(4, callback(9, 8, 1), frozenset())
    assert snapshot.counts.overdue_unknown == 1, "something is due by now"
