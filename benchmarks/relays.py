"""A device server whose devices answer QueryEventSystem like busy servers: moving counters, sample buffers.

    python benchmarks/relays.py <instance>

Each device publishes and subscribes to ``Streams`` streams, and its reply carries ``Samples`` samples of each
kind while sampling is on. One process with many devices stands for many servers: what it costs itself does
not matter, for the benchmarks measure the process that asks. Each is its own publisher, so that the
publishers of all subscriptions are targets: names that no database knows are looked up again and again.
"""

from __future__ import annotations

import os
import random
import sys
import time

from tango.server import Device, command, device_property, run

EXECUTABLE = "BenchmarkRelays"


class Relay(Device):
    """Answers in the dialect of cppTango >= 10.1, with counters that grow at every query."""

    Streams = device_property(dtype=int, default_value=50)
    Samples = device_property(dtype=int, default_value=256)
    EventsPerSecond = device_property(
        dtype=float, default_value=1000.0, doc="of all streams together, pushed and as many received"
    )
    LosesOneIn = device_property(dtype=int, default_value=0, doc="of so many events one; 0: none")
    SamplingAtStart = device_property(dtype=bool, default_value=False)

    def init_device(self) -> None:
        super().init_device()
        self._begun = time.monotonic()
        self._sampling = self.SamplingAtStart
        self._template = template(self.get_name(), self.Streams, os.environ["TANGO_HOST"])
        self._perf = samples(self.get_name(), self.Samples)
        self._asked: list[float] = []

    @command(dtype_out=str)
    def QueryEventSystem(self) -> str:  # noqa: N802
        now = time.monotonic()
        self._asked.append(now)
        push, receive = self._perf if self._sampling else ("null", "null")
        pushed = int((now - self._begun) * self.EventsPerSecond / self.Streams)
        text = self._template
        if self.LosesOneIn:
            lost = pushed // self.LosesOneIn
            text = text.replace('"event_count":@C', f'"event_count":{pushed - lost}')
            text = text.replace('"missed_event_count":0', f'"missed_event_count":{lost}')
        return text.replace("@C", str(pushed)).replace("@P", str(pushed + 1)) % (push, receive)

    @command(dtype_in=bool)
    def EnableEventSystemPerfMon(self, on: bool) -> None:  # noqa: N802
        self._sampling = on

    @command(dtype_out=(float,), doc_out="when it was asked since the last call, monotonic seconds")
    def TakeTimes(self) -> list[float]:  # noqa: N802
        asked, self._asked = self._asked, []
        return asked


def template(device: str, streams: int, tango_host: str = "127.0.0.1:10000") -> str:
    """A reply with @C and @P for the counters and two %s for the samples."""
    host = f"tango://{tango_host}"
    publisher = f"{host}/{device}"
    counters = ",".join(f'"{host}/{device}/attribute_{i}.change":@P' for i in range(streams))
    callbacks = ",".join(
        f'"{host}/{device}/attribute_{i}.idl5_change":{{"channel_name":"{publisher}","callback_count":1,'
        f'"server_counter":@C,"event_count":@C,"missed_event_count":0,"discarded_event_count":1,'
        f'"last_resubscribed":"2026-11-22T03:12:31"}}'
        for i in range(streams)
    )
    return (
        f'{{"version":1,"server":{{"event_counters":{{{counters}}},"perf":%s}},'
        f'"client":{{"event_callbacks":{{{callbacks}}},"not_connected":[],'
        f'"event_channels":{{"{publisher}":{{"endpoint":"tcp://127.0.0.1:39713"}}}},"perf":%s}}}}'
    )


def samples(seed: str, count: int) -> tuple[str, str]:
    """Two JSON lists of ``count`` samples, of pushed and of received events."""
    rng = random.Random(seed)
    push = ",".join(
        f'{{"micros_since_last_event":{int(rng.expovariate(1 / 900))},'
        f'"push_event_micros":{rng.randint(2, 60)}}}'
        for _ in range(count)
    )
    receive = ",".join(
        f'{{"attr_name":"attribute_{rng.randint(0, 9)}",'
        f'"micros_since_last_event":{int(rng.expovariate(1 / 900))},'
        f'"sleep_micros":{int(rng.expovariate(1 / 800))},"process_micros":{rng.randint(40, 300)},'
        f'"first_callback_latency_micros":{int(rng.gauss(400, 90))},"callback_count":1,"wake_count":1,'
        f'"discarded":false}}'
        for _ in range(count)
    )
    return f"[{push}]", f"[{receive}]"


if __name__ == "__main__":
    run([Relay], [EXECUTABLE, *sys.argv[1:]])
