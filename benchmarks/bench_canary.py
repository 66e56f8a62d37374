"""A canary against a bare pyzmq loop: CPU of the receiving process for each event, and what is lost.

The publisher pushes numbered events at a steady pace; each receiver is a process of its own that measures its
CPU time between the first and the last of them. The bare loop receives the frames of the same stream and
counts them; it decodes nothing, and calls nothing.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import tango
import zmq
from stage import START_SECONDS, Stage, machine, table, verdict

sys.path.insert(0, str(Path(__file__).parents[1]))

from stem_device.demo.processes import tango_server
from stem_device.model.clock import SystemClock
from stem_device.model.options import CanaryOptions
from stem_device.polling.canary import Canaries
from tests.system.harness import Publisher

TARGET = 15.0
"""Times the CPU of the bare loop: cppTango decodes the event, and a Python callback is called for it."""
DEVICE = "bench/publisher/1"
IDLE_SECONDS = 2.0
KEPT = 20_000


def canary(attribute: str, _: str, talk: Connection) -> None:
    """Receive as the monitor does."""
    tango.ApiUtil.instance()
    options = CanaryOptions(canary_attributes=(f"{attribute}.change",))
    canaries = Canaries(options, clock=SystemClock())
    canaries.start()
    while not canaries.figures[0].event:
        time.sleep(0.05)
    _answer(talk, lambda: canaries.figures[0].received)
    canaries.close()


def bare(attribute: str, endpoint: str, talk: Connection) -> None:
    """Receive frames, and count those of the attribute."""
    socket = zmq.Context().socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, KEPT)
    socket.setsockopt_string(zmq.SUBSCRIBE, attribute.lower())
    socket.connect(endpoint)
    received = 0

    def receive() -> int:
        nonlocal received
        with suppress(zmq.Again):
            while True:
                socket.recv_multipart(zmq.DONTWAIT)
                received += 1
        return received

    _answer(talk, receive)


def _answer(talk: Connection, received: Callable[[], int]) -> None:
    """Say that all is ready; then how many came and what they cost, once no others come."""
    talk.send("ready")
    talk.recv()
    before, seen, still = time.process_time(), received(), time.monotonic() + 30.0
    cpu = before
    while time.monotonic() - still < IDLE_SECONDS:
        time.sleep(0.05)
        if (now := received()) != seen:
            seen, still, cpu = now, time.monotonic(), time.process_time()
    talk.send((seen, cpu - before))


def run(
    receiver: Callable[..., None], publisher: Publisher, endpoint: str, events: int, period: float
) -> tuple[int, float]:
    """How many events arrived, and CPU seconds for each."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    attribute = f"{publisher.device}/number"
    process = multiprocessing.get_context("spawn").Process(target=receiver, args=(attribute, endpoint, there))
    process.start()
    try:
        here.recv()
        time.sleep(1.0)  # ZeroMQ connects, and tells nobody
        here.send("go")
        publisher.push_in_background("number", steps=events, period_seconds=period)
        received, cpu = here.recv()
    finally:
        process.join(10)
        process.kill()
    return received, cpu / max(1, received)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=2_000.0, help="events per second")
    given = parser.parse_args()
    print(machine())
    with Stage() as stage:
        stage.database.add_server("StemDemo/bench", [("Publisher", DEVICE)])
        process = tango_server(
            "stem_device.demo.devices",
            "bench",
            log=stage.directory / "publisher.log",
            tango_host=stage.database.tango_host,
        )
        process.start(limit_seconds=START_SECONDS)
        try:
            publisher = Publisher(f"tango://{stage.database.tango_host}/{DEVICE}")
            # A Tango client, so that there is a socket.
            number = publisher.proxy.subscribe_event("number", tango.EventType.CHANGE_EVENT, lambda _: None)
            admin = tango.DeviceProxy(publisher.proxy.adm_name())
            told = admin.command_inout("ZmqEventSubscriptionChange", ["info"])
            endpoint = next(str(line).partition(": ")[2] for line in told[1] if str(line).startswith("Event"))
            rows, costs = [], {}
            for name, receiver in (("canary", canary), ("bare pyzmq loop", bare)):
                received, seconds = run(receiver, publisher, endpoint, given.events, 1 / given.rate)
                costs[name] = seconds
                rows.append((name, f"{received:,} of {given.events:,}", f"{seconds * 1e6:.1f} us"))
            publisher.proxy.unsubscribe_event(number)
        finally:
            process.stop()
    table(f"{given.rate:g} events/s", [("receiver", "received", "CPU for each event"), *rows])
    ratio = costs["canary"] / costs["bare pyzmq loop"]
    print(f"a canary takes {ratio:.1f} times the bare loop (target: {TARGET:g}): {verdict(ratio <= TARGET)}")


if __name__ == "__main__":
    main()
