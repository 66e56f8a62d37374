"""A device server whose devices answer QueryEventSystem like busy servers: moving counters, full sample buffers.

    python -m benchmarks.relays <instance>

Each device publishes and subscribes to ``Streams`` streams. With ``Samples`` > 0 every reply carries
that many samples of each kind. One process with many devices stands for many servers: what it costs
itself does not matter, for the benchmarks measure the process that asks.
"""

from __future__ import annotations

import random
import sys

import tango
from tango.server import Device, command, device_property, run


class Relay(Device):
    """Answers in the dialect of cppTango >= 10.1, with counters that grow at every query."""

    Streams = device_property(dtype=int, default_value=50)
    Samples = device_property(dtype=int, default_value=0)

    def init_device(self) -> None:
        super().init_device()
        self._queries = 0
        self._sampling = self.Samples > 0
        self._template = _template(self.get_name(), self.Streams)
        self._perf = _samples(self.get_name(), self.Samples)

    @command(dtype_out=str)
    def QueryEventSystem(self) -> str:  # noqa: N802
        self._queries += 1
        push, receive = self._perf if self._sampling else ("null", "null")
        pushed = self._queries * 7
        return self._template.replace("@C", str(pushed)).replace("@P", str(pushed + 1)) % (push, receive)

    @command(dtype_in=bool)
    def EnableEventSystemPerfMon(self, on: bool) -> None:  # noqa: N802
        self._sampling = on and self.Samples > 0


def _template(device: str, streams: int) -> str:
    host = "tango://127.0.0.1:10000"
    publisher = f"{host}/dserver/relay/{device.rpartition('/')[2]}"
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


def _samples(seed: str, count: int) -> tuple[str, str]:
    rng = random.Random(seed)
    push = ",".join(
        f'{{"micros_since_last_event":{int(rng.expovariate(1 / 900))},"push_event_micros":{rng.randint(2, 60)}}}'
        for _ in range(count)
    )
    receive = ",".join(
        f'{{"attr_name":"attribute_{rng.randint(0, 9)}","micros_since_last_event":{int(rng.expovariate(1 / 900))},'
        f'"sleep_micros":{int(rng.expovariate(1 / 800))},"process_micros":{rng.randint(40, 300)},'
        f'"first_callback_latency_micros":{int(rng.gauss(400, 90))},"callback_count":1,"wake_count":1,'
        f'"discarded":false}}'
        for _ in range(count)
    )
    return f"[{push}]", f"[{receive}]"


if __name__ == "__main__":
    run([Relay], [sys.argv[0], *sys.argv[1:]])
    tango.Util.instance(False)
