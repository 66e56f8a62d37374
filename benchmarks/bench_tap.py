"""The tap against a bare loop of pyzmq, and what it costs a publisher.

    python benchmarks/bench_tap.py [SECONDS]

1. A process sends events of 100 bytes as cppTango does, at a steady rate. They are taken by a loop that does
   nothing but receive, and by the tap. Told: what each lost, and its processor time for an event.
2. A device server of this PyTango pushes to one subscriber, without and with a tap beside it. Told: the
   server's processor time for an event, and what it sends.
"""

from __future__ import annotations

import multiprocessing
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import tango
import zmq

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import tango_server, wait_until
from stem_device.polling.client import endpoints_of
from stem_device.wire.tap import Taps

RATE = 50_000
PAYLOAD = bytes(100)
TOPIC = b"tango://db:10000/lab/adc/1/value.idl5_change"
CALL = struct.Struct("<II13x")
BURST = 50
"""Events that are sent together: a pause of less than a millisecond cannot be slept."""

HERE = "tcp://127.0.0.1"
PROCESSES = multiprocessing.get_context("spawn")
CONNECT_SECONDS = 1.0


def send(port: Any, rate: int, seconds: float) -> None:
    """A publisher with the high-water mark of cppTango."""
    context = zmq.Context()
    socket = context.socket(zmq.PUB)
    socket.setsockopt(zmq.SNDHWM, 1000)
    port.value = socket.bind_to_random_port(HERE)
    time.sleep(CONNECT_SECONDS + 1.0)
    begun, count = time.perf_counter(), int(rate * seconds)
    for number in range(1, count + 1):
        socket.send_multipart([TOPIC, b"\x01", CALL.pack(1, number), PAYLOAD], copy=True)
        if number % BURST == 0:
            wait = begun + number / rate - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
    port.value = -round(count / (time.perf_counter() - begun))
    time.sleep(1.0)
    context.destroy(linger=500)


def bare(port: int, ended: Any) -> tuple[int, int, float]:
    """Receive and do nothing: events, lost, processor seconds."""
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, 50_000)
    socket.subscribe(b"")
    socket.connect(f"{HERE}:{port}")
    heard, last, before = 0, b"", time.process_time()
    while not ended():
        if not socket.poll(100):
            continue
        try:
            while True:
                frames = socket.recv_multipart(zmq.DONTWAIT)
                heard, last = heard + 1, frames[2]
        except zmq.Again:
            pass
    cpu = time.process_time() - before
    context.destroy(linger=0)
    return heard, CALL.unpack(last)[1] - heard, cpu


def tapped(port: int, ended: Any) -> tuple[int, int, float]:
    taps = Taps()
    tap = taps.watch("", [f"{HERE}:{port}"], [])
    before = time.process_time()
    while not ended():
        taps.listen(0.1)
    cpu = time.process_time() - before
    (topic,) = tap.counts().topics
    told = topic.heard, topic.lost_here + topic.lost_on_the_way, cpu
    print(f"    of these lost by the tap itself {topic.lost_here}, on the way {topic.lost_on_the_way}")
    taps.close()
    return told


def loops(seconds: float) -> None:
    print(f"1. {RATE:,} events/s of {len(PAYLOAD)} bytes for {seconds:g} s")
    for name, loop in (("bare loop", bare), ("tap", tapped), ("bare loop", bare), ("tap", tapped)):
        port = PROCESSES.Value("i", 0)
        sender = PROCESSES.Process(target=send, args=(port, RATE, seconds))
        sender.start()
        wait_until(lambda value=port: value.value, "the sender")
        heard, lost, cpu = loop(port.value, lambda process=sender: not process.is_alive())
        print(
            f"  {name:10} {-port.value:,} sent a second, {heard:,} heard, {lost:,} lost, "
            f"{cpu / heard * 1e6:.1f} us of processor an event, {cpu / seconds * 100:.0f} % of a core"
        )


def publisher_load(steps: int) -> None:
    print(f"2. a device server that pushes {steps:,} events to one subscriber")
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with EmbeddedDatabase(directory) as database:
            database.add_server("StemDemo/bench", [("Publisher", "test/publisher/bench")])
            log = directory / "server.log"
            host = database.tango_host
            with tango_server("stem_device.demo.devices", "bench", log=log, tango_host=host) as server:
                _pushes(server.pid, host, steps)


def _pushes(pid: int, host: str, steps: int) -> None:
    device = tango.DeviceProxy(f"tango://{host}/test/publisher/bench")
    device.set_timeout_millis(120_000)
    device.subscribe_event("number", tango.EventType.CHANGE_EVENT, lambda _event: None)
    admin = tango.DeviceProxy(f"tango://{host}/dserver/StemDemo/bench")
    ports = endpoints_of(admin.ZmqEventSubscriptionChange(["info"]))
    process = psutil.Process(pid)
    for round_ in range(2):
        for taps_beside in (0, 1):
            stop, ready, taps = PROCESSES.Event(), PROCESSES.Event(), []
            for _ in range(taps_beside):
                one = PROCESSES.Process(target=_tap_until, args=(ports.events, ports.heartbeats, ready, stop))
                one.start()
                taps.append(one)
                ready.wait()
            time.sleep(CONNECT_SECONDS)
            before, begun = process.cpu_times(), time.perf_counter()
            device.PushInBackground(["number", "change", str(steps), "0.0002"])
            wait_until(lambda: not device.IsPushing(), "the end", limit_seconds=300.0, interval_seconds=0.5)
            seconds, after = time.perf_counter() - begun, process.cpu_times()
            stop.set()
            for one in taps:
                one.join()
            cpu = after.user + after.system - before.user - before.system
            print(
                f"  round {round_ + 1}, {taps_beside} taps: {steps / seconds:,.0f} events/s, "
                f"{cpu / steps * 1e6:.1f} us of the server's processor an event"
            )


def _tap_until(events: tuple[str, ...], heartbeats: tuple[str, ...], ready: Any, stop: Any) -> None:
    taps = Taps()
    tap = taps.watch("", events, heartbeats)
    while not tap.counts().connected:
        taps.listen(0.1)
    ready.set()
    while not stop.is_set():
        taps.listen(0.1)
    for topic in tap.counts().topics:
        print(
            f"    tap: {topic.heard:,} heard, {topic.size / topic.heard:.0f} bytes each, {topic.size:,} bytes"
        )
    taps.close()


if __name__ == "__main__":
    loops(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
    publisher_load(20_000)
