"""Recordings of any size whose truth is known: what was published, received, missed, and every sample.

Benchmarks import it too. A million samples and 500 subscriptions
take a few seconds.

Traps for readers, as real recordings have them: numbers of polls do not begin at 0, the first poll has deltas
(which precede the recording), totals count from long before, a server that does not answer repeats its
records with deltas of 0 and makes up for it afterwards, attributes of samples are cut to 31 characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from msgspec import structs

from stem_device.model.poll import ServerState
from stem_device.model.snapshot import (
    Counts,
    PublisherSamples,
    ServerRecord,
    Snapshot,
    StreamRecord,
    SubscriberSamples,
    SubscriptionRecord,
    Timings,
)
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.recording.layout import Part
from tests.unit.plain_records import SERVER, STREAM, SUBSCRIPTION

if TYPE_CHECKING:
    from stem_device.model.mark import Mark

HOST = "tango://control.example.org:10000/"
START_UTC_NS = 1_795_320_000_000_000_000
START_MONOTONIC_NS = 5_000_000_000_000
RECORDING_ID = "0d4d1f6e-3a55-4f0c-9d0f-6a3b6c1e0001"
FIRST_POLL = 1000
BEFORE = 700
"""Events of every stream before the recording; the first poll says that they were published just now."""
ATTR_NAME_CHARACTERS = 31

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Loss:
    """``missed`` events and ``gaps`` in ``subscription`` (a row) of ``server``, noticed by poll ``poll``.

    Polls count from 0. At most as many are lost as were published since the poll before.
    """

    poll: int
    server: int
    subscription: int
    missed: int
    gaps: int = 1


@dataclass(frozen=True)
class Outage:
    """``server`` does not answer in ``polls`` polls from ``poll`` (at least 1) on."""

    poll: int
    server: int
    polls: int = 1


@dataclass(frozen=True)
class Plan:
    """What is recorded.

    ``streams``, ``subscriptions`` and ``samples`` (of each kind, a poll) are those of one server. Row r of
    server s subscribes to stream r (modulo) of server s + 1 (modulo). ``polls_a_file`` = 0 for one file.
    ``marks`` are written after the poll of their key. ``rate`` is the mean of events of a stream and poll,
    ``latency_micros`` the median latency; ``slow`` has factors on it by server.
    """

    polls: int = 20
    servers: int = 4
    streams: int = 5
    subscriptions: int = 5
    samples: int = 50
    period_seconds: float = 10.0
    rate: float = 100.0
    latency_micros: float = 400.0
    slow: Mapping[int, float] = field(default_factory=dict)
    losses: Sequence[Loss] = ()
    outages: Sequence[Outage] = ()
    marks: Mapping[int, Sequence[Mark]] = field(default_factory=dict)
    polls_a_file: int = 0
    label: str = "synthetic"
    host: str = "control-7"
    recording_id: str = RECORDING_ID
    start_utc_ns: int = START_UTC_NS
    seed: int = 1

    @classmethod
    def of_samples(cls, samples: int, *, subscriptions: int = 500, polls: int = 200, **more: Any) -> Plan:
        """``samples`` samples of received events and ``subscriptions`` in all, nearly; of 20 servers."""
        return cls(
            polls=polls,
            servers=20,
            streams=subscriptions // 20,
            subscriptions=subscriptions // 20,
            samples=samples // polls // 20,
            **more,
        )


@dataclass(frozen=True)
class Truth:
    """What was written. Arrays have the shapes (polls, servers, streams or subscriptions).

    They are the deltas as recorded, the first poll included, which does not count: see the sums.
    Samples are in the order of the file, of all polls; ``*_poll`` and ``*_server`` are indices from 0.
    """

    plan: Plan
    paths: tuple[Path, ...]
    servers: tuple[str, ...]
    streams: tuple[tuple[str, ...], ...]
    topics: tuple[tuple[str, ...], ...]
    subscribed: tuple[tuple[str, ...], ...]
    publishers: tuple[tuple[str, ...], ...]
    time_utc_ns: Integers
    published: Integers
    received: Integers
    missed: Integers
    gaps: Integers
    subscriber_samples: dict[str, npt.NDArray[Any]]
    publisher_samples: dict[str, npt.NDArray[Any]]

    @property
    def published_total(self) -> int:
        """Events published between the first and the last poll."""
        return int(self.published[1:].sum())

    @property
    def received_total(self) -> int:
        return int(self.received[1:].sum())

    @property
    def missed_total(self) -> int:
        return int(self.missed[1:].sum())

    @property
    def gaps_total(self) -> int:
        return int(self.gaps[1:].sum())


def server_name(server: int) -> str:
    return f"{HOST}dserver/motion/{server:03d}"


def stream_name(server: int, stream: int) -> str:
    """Every fourth attribute has a name that cppTango cuts in samples."""
    long = "_of_the_third_axis_of_the_goniometer" if stream % 4 == 3 else ""
    return f"{HOST}lab/axis/{server:03d}/position{stream:02d}{long}.change"


def attr_name(stream: str) -> str:
    """As the samples of cppTango have it."""
    return stream.rsplit("/", 1)[1].split(".", maxsplit=1)[0][:ATTR_NAME_CHARACTERS]


def synthetic_snapshots(plan: Plan) -> Iterator[Snapshot]:
    """The Snapshots of ``plan``, always the same ones for one plan."""
    made = _Maker(plan)
    for poll in range(plan.polls):
        yield made.snapshot(poll)


def write_recording(path: Path, plan: Plan = Plan()) -> Truth:
    """Write ``plan`` to ``path`` (further parts beside it, ``<stem>.2.h5``...); return what is in there."""
    maker = _Maker(plan)
    paths = [path]
    recorder = _recorder(path, plan, 1, 0)
    for poll in range(plan.polls):
        if poll and plan.polls_a_file and poll % plan.polls_a_file == 0:
            recorder.close()
            paths.append(path.with_name(f"{path.stem}.{len(paths) + 1}{path.suffix}"))
            recorder = _recorder(paths[-1], plan, len(paths), poll)
        recorder.write(maker.snapshot(poll))
        for mark in plan.marks.get(poll, ()):
            recorder.write_mark(mark)
    recorder.close()
    return maker.truth(tuple(paths))


def _recorder(path: Path, plan: Plan, number: int, poll: int) -> Hdf5Recorder:
    context = RecordingContext(
        label=plan.label,
        targets=("dserver/*/*",),
        properties={
            "PollPeriod": str(plan.period_seconds),
            "MaxRecordingBytes": str(int(plan.polls_a_file > 0)),
        },
        host=plan.host,
        versions={"stem-device": "0.2.0", "pytango": "10.3.1"},
    )
    begun = plan.start_utc_ns + round(poll * plan.period_seconds * 1e9)
    part = Part(plan.recording_id, number, plan.start_utc_ns, START_MONOTONIC_NS, begun)
    return Hdf5Recorder(path, context, part=part, clock=_Stopped(begun))


@dataclass(frozen=True)
class _Stopped:
    """A clock, so that files are the same each time."""

    utc: int

    def utc_ns(self) -> int:
        return self.utc

    def monotonic_ns(self) -> int:
        return START_MONOTONIC_NS


class _Maker:
    """Makes Snapshots in order and remembers what is in them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._random = np.random.default_rng(plan.seed)
        self._rates = self._random.uniform(0.5, 1.5, (plan.servers, plan.streams)) * plan.rate
        self._servers = tuple(map(server_name, range(plan.servers)))
        self._streams = tuple(
            tuple(stream_name(server, stream) for stream in range(plan.streams))
            for server in range(plan.servers)
        )
        source = (np.arange(plan.servers) + 1) % plan.servers
        self._source = source[:, None]
        self._source_stream = np.arange(plan.subscriptions)[None, :] % max(plan.streams, 1)
        self._subscribed = tuple(
            tuple(self._streams[source[server]][row % plan.streams] for row in range(plan.subscriptions))
            for server in range(plan.servers)
        )
        self._topics = tuple(
            tuple(name.replace(".change", ".idl5_change") for name in names) for names in self._subscribed
        )
        self._attr_names = [
            np.array([*map(attr_name, names), "", ""][: max(len(names), 1)], dtype=object)
            for names in self._subscribed
        ]
        shape_streams = (plan.servers, plan.streams)
        shape_subscriptions = (plan.servers, plan.subscriptions)
        # What happened and was not told yet, and totals as told.
        self._pending = {
            "published": np.zeros(shape_streams, np.int64),
            **{name: np.zeros(shape_subscriptions, np.int64) for name in ("received", "missed", "gaps")},
        }
        self._totals = {name: np.zeros_like(values) for name, values in self._pending.items()}
        self._told: dict[str, list[Integers]] = {name: [] for name in self._pending}
        self._records: list[ServerRecord] = []
        self._since = [plan.start_utc_ns] * plan.servers
        self._answered = [plan.start_utc_ns] * plan.servers
        self._samples: dict[str, list[dict[str, npt.NDArray[Any]]]] = {"subscriber": [], "publisher": []}

    def truth(self, paths: tuple[Path, ...]) -> Truth:
        plan = self.plan
        return Truth(
            plan=plan,
            paths=paths,
            servers=self._servers,
            streams=self._streams,
            topics=self._topics,
            subscribed=self._subscribed,
            publishers=tuple(
                (server_name((server + 1) % plan.servers),) * plan.subscriptions
                for server in range(plan.servers)
            ),
            time_utc_ns=np.array([self._time(poll) for poll in range(plan.polls)]),
            subscriber_samples=_joined(self._samples["subscriber"]),
            publisher_samples=_joined(self._samples["publisher"]),
            **{name: np.stack(values) for name, values in self._told.items()},
        )

    def snapshot(self, poll: int) -> Snapshot:
        plan = self.plan
        silent = {
            outage.server for outage in plan.outages if outage.poll <= poll < outage.poll + outage.polls
        }
        deltas = self._deltas(poll, silent)
        subscriber, publisher = self._subscriber_samples(poll, silent), self._publisher_samples(poll, silent)
        self._records = [
            self._unreachable(self._records[server], poll)
            if server in silent
            else self._server(server, poll, {name: values[server] for name, values in deltas.items()})
            for server in range(plan.servers)
        ]
        total = {name: int(values.sum()) for name, values in self._totals.items()}
        return Snapshot(
            poll=FIRST_POLL + poll,
            time_utc_ns=self._time(poll),
            monotonic_ns=START_MONOTONIC_NS + self._time(poll) - plan.start_utc_ns,
            duration_seconds=0.01 + 0.001 * (poll % 7),
            spread_seconds=0.0001,
            overruns_total=0,
            monitoring_since_utc_ns=plan.start_utc_ns - 3600 * 10**9,
            counts=Counts(**total),
            published_rate=float(deltas["published"].sum()) / plan.period_seconds,
            received_rate=float(deltas["received"].sum()) / plan.period_seconds,
            sample_coverage=0.5 if plan.samples else float("nan"),
            timings=Timings(0.0004, 0.002, 0.001, 0.0001),
            servers=tuple(self._records),
            publisher_samples=publisher,
            subscriber_samples=subscriber,
            problems=(f"sys/nothing/{poll}: no device of this name is in the database",)
            if poll % 7 == 3
            else (),
        )

    def _time(self, poll: int) -> int:
        return self.plan.start_utc_ns + round(poll * self.plan.period_seconds * 1e9)

    def _deltas(self, poll: int, silent: set[int]) -> dict[str, Integers]:
        """What this poll tells: what happened since the server answered last, 0 of silent servers."""
        published = self._random.poisson(self._rates) if poll else np.full(self._rates.shape, BEFORE)
        arriving = published[self._source, self._source_stream] if self.plan.subscriptions else 0
        missed, gaps = np.zeros_like(self._pending["missed"]), np.zeros_like(self._pending["gaps"])
        for loss in self.plan.losses:
            if loss.poll == poll:
                missed[loss.server, loss.subscription] += loss.missed
                gaps[loss.server, loss.subscription] += loss.gaps
        missed = np.minimum(missed, arriving)
        new = {"published": published, "received": arriving - missed, "missed": missed, "gaps": gaps}
        told = {}
        answers = np.array([server not in silent for server in range(self.plan.servers)])[:, None]
        for name, values in new.items():
            self._pending[name] += values
            told[name] = np.where(answers, self._pending[name], 0)
            self._pending[name] -= told[name]
            self._totals[name] += told[name]
            self._told[name].append(told[name])
        return told

    def _server(self, server: int, poll: int, deltas: dict[str, Integers]) -> ServerRecord:
        plan, time = self.plan, self._time(poll)
        if self._records and self._records[server].state is not ServerState.MONITORED:
            self._since[server] = time
        self._answered[server] = time
        totals = {name: values[server] for name, values in self._totals.items()}
        return structs.replace(
            SERVER,
            name=self._servers[server],
            since_utc_ns=self._since[server],
            asked_utc_ns=time + server * 1000,
            asked_monotonic_ns=START_MONOTONIC_NS + time - plan.start_utc_ns + server * 1000,
            round_trip_seconds=0.0003 + server * 1e-5,
            sampling=plan.samples > 0,
            sampling_ours=plan.samples > 0,
            publisher_samples=plan.samples,
            subscriber_samples=plan.samples,
            sampled_events=plan.samples * 2,
            counts=Counts(**{name: int(values.sum()) for name, values in totals.items()}),
            streams=self._stream_records(server, totals, deltas),
            subscriptions=self._subscription_records(server, totals, deltas),
            channels={
                server_name((server + 1) % plan.servers): f"tcp://10.0.0.{server % 250}:{40_000 + server}"
            },
        )

    def _stream_records(
        self, server: int, totals: dict[str, Integers], deltas: dict[str, Integers]
    ) -> tuple[StreamRecord, ...]:
        return tuple(
            structs.replace(STREAM, name=name, pushed=total, published_total=total, published_delta=delta)
            for name, total, delta in zip(
                self._streams[server],
                totals["published"].tolist(),
                deltas["published"].tolist(),
                strict=True,
            )
        )

    def _subscription_records(
        self, server: int, totals: dict[str, Integers], deltas: dict[str, Integers]
    ) -> tuple[SubscriptionRecord, ...]:
        publisher = server_name((server + 1) % self.plan.servers)
        columns = [
            values[name].tolist() for name in ("received", "missed", "gaps") for values in (totals, deltas)
        ]
        return tuple(
            structs.replace(
                SUBSCRIPTION,
                topic=topic,
                stream=stream,
                publisher=publisher,
                server_counter=received + missed,
                event_count=received,
                missed_event_count=gaps,
                received_total=received,
                received_delta=received_delta,
                missed_total=missed,
                missed_delta=missed_delta,
                gaps_total=gaps,
                gaps_delta=gaps_delta,
            )
            for topic, stream, received, received_delta, missed, missed_delta, gaps, gaps_delta in zip(
                self._topics[server], self._subscribed[server], *columns, strict=True
            )
        )

    def _unreachable(self, record: ServerRecord, poll: int) -> ServerRecord:
        """The last answer again, with its age."""
        server, time = self._servers.index(record.name), self._time(poll)
        if record.state is ServerState.MONITORED:
            self._since[server] = time
        return structs.replace(
            record,
            state=ServerState.UNREACHABLE,
            reason="it does not answer; see whether it runs",
            since_utc_ns=self._since[server],
            age_seconds=(time - self._answered[server]) / 1e9,
            publisher_samples=0,
            subscriber_samples=0,
            sampled_events=0,
            streams=tuple(structs.replace(row, published_delta=0) for row in record.streams),
            subscriptions=tuple(
                structs.replace(row, received_delta=0, missed_delta=0, gaps_delta=0)
                for row in record.subscriptions
            ),
        )

    def _subscriber_samples(self, poll: int, silent: set[int]) -> SubscriberSamples:
        random, server = self._random, self._sampled_servers(silent)
        count = len(server)
        slow = np.ones(self.plan.servers)
        slow[list(self.plan.slow)] = list(self.plan.slow.values())
        discarded = random.random(count) < 0.01
        names = np.empty(count, dtype=object)
        picked = random.integers(0, 1 << 30, count)
        for number, known in enumerate(self._attr_names):
            own = server == number
            names[own] = known[picked[own] % len(known)]
        names[discarded] = ""
        latency = np.floor(random.lognormal(np.log(self.plan.latency_micros), 0.5, count) * slow[server])
        latency[(random.random(count) < 0.001) | discarded] = np.nan
        processed = random.lognormal(4.0, 0.3, count).astype(np.int64)
        processed[discarded] = 0  # as cppTango reports what no callback saw
        columns: dict[str, Any] = {
            "micros_since_last_event": np.floor(random.lognormal(9.2, 0.3, count)),
            "sleep_micros": random.lognormal(9.1, 0.3, count).astype(np.int64),
            "process_micros": processed,
            "first_callback_latency_micros": latency,
            "callback_count": np.ones(count, dtype=np.int64),
            "wake_count": 1 + (random.random(count) < 0.05).astype(np.int64),
            "discarded": discarded,
        }
        self._samples["subscriber"].append(
            {"poll": np.full(count, poll), "server": server, "attr_name": names, **columns}
        )
        return SubscriberSamples(server=server, attr_name=tuple(names), event_type=(None,) * count, **columns)

    def _publisher_samples(self, poll: int, silent: set[int]) -> PublisherSamples:
        random, server = self._random, self._sampled_servers(silent)
        count = len(server)
        columns: dict[str, Any] = {
            "micros_since_last_event": np.floor(random.lognormal(9.2, 0.3, count)),
            "push_event_micros": random.lognormal(3.4, 0.3, count).astype(np.int64),
        }
        self._samples["publisher"].append({"poll": np.full(count, poll), "server": server, **columns})
        return PublisherSamples(server=server, **columns)

    def _sampled_servers(self, silent: set[int]) -> Integers:
        servers = [server for server in range(self.plan.servers) if server not in silent]
        return np.repeat(np.array(servers, dtype=np.int64), self.plan.samples)


def _joined(polls: list[dict[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    return {name: np.concatenate([poll[name] for poll in polls]) for name in polls[0]}
