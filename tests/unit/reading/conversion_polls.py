"""Polls of two servers whose counters rise, are lost, and begin again, as a monitor would have got them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from stem_device.model.poll import Answer, Failure, Identity, Poll, ServerState
from stem_device.responses import parse_reply

HOST = "tango://h:10000/"
PUBLISHER, SUBSCRIBER = HOST + "dserver/pub/1", HOST + "dserver/sub/1"
STREAMS = [f"{HOST}lab/pub/1/attr{number}.change" for number in range(3)]
START_NS = 1_795_320_000_123_456_000
STEP_NS = 2_000_000_000


def publisher_text(counters: list[int], samples: int | None, *, patched: bool) -> str:
    since, perf = (-1, "perf_stats") if patched else (None, "perf")
    rows = None if samples is None else [
        {"micros_since_last_event": since if row == 0 else row * 7, "push_event_micros": row + 3}
        for row in range(samples)
    ]  # fmt: skip
    server = {"event_counters": dict(zip(STREAMS, counters, strict=True)), perf: rows}
    return json.dumps({"server": server} if patched else {"version": 1, "server": server, "client": None})


def subscriber_text(
    rows: list[tuple[int, int, int]], endpoint: str, samples: int | None, *, patched: bool
) -> str:
    never: Any = "1970-01-01T00:00:00" if patched else None
    callbacks = {
        stream.replace(".change", ".idl5_change"): {
            "channel_name": PUBLISHER, "callback_count": 1, "server_counter": c, "event_count": e,
            "missed_event_count": m, "last_resubscribed": never,
        } | ({} if patched else {"discarded_event_count": 0})
        for stream, (c, e, m) in zip(STREAMS, rows, strict=True)
    }  # fmt: skip
    latency = "first_callback_lactency_micros" if patched else "first_callback_latency_micros"
    perf = None if samples is None else [
        {
            ("att_name" if patched else "attr_name"): f"attr{row % 3}", "micros_since_last_event": row * 11,
            "sleep_micros": row, "process_micros": row * 5, latency: None if row == 1 else row - 4,
            "callback_count": 1, "wake_count": 1,
        } | ({"event_type": "ATT_VALUE"} if patched else {"discarded": row == 2})
        for row in range(samples)
    ]  # fmt: skip
    client: dict[str, Any] = {
        "event_callbacks": callbacks,
        "event_channels": {PUBLISHER: {"endpoint": endpoint}},
    }
    client["perf_stats" if patched else "perf"] = perf
    if patched:
        return json.dumps({"server": {"event_counters": {}, "perf_stats": None}, "client": client})
    client["not_connected"] = [
        {
            "device": "a/b/c", "attribute": "x", "event_type": "change", "last_heartbeat": "then",
            "tango_host": None,
        }
    ] if rows[0][0] % 2 else []  # fmt: skip
    server: dict[str, object] = {"event_counters": {}, "perf": None}
    return json.dumps({"version": 1, "server": server, "client": client})


def texts(polls: int, seed: int = 1, *, patched: bool = False) -> Iterator[dict[str, str | None]]:
    """What the servers answer in each poll; None where one does not. With losses and a restart."""
    random = np.random.default_rng(seed)
    pushed = np.full(3, 100)
    seen, events, gaps = pushed.copy(), pushed.copy(), np.zeros(3, int)
    endpoint = "tcp://h:5000"
    for number in range(polls):
        if number and number % 13 == 0:
            pushed[:] = 0
            endpoint = f"tcp://h:{5000 + number}"
        new = random.integers(0, 9, 3)
        pushed = pushed + new
        late = random.random(3) < 0.2
        lost = np.where(random.random(3) < 0.3, np.minimum(new, 3), 0)
        arrived = ~late & (new > lost)
        gaps = gaps + (arrived & (pushed - seen > new - lost) & (pushed > seen))
        events = events + np.where(arrived, new - lost, 0)
        seen = np.where(arrived, pushed, seen)
        samples = None if number < 4 else int(random.integers(0, 12))
        rows = [(int(c), int(e), int(m)) for c, e, m in zip(seen, events, gaps, strict=True)]
        publisher = publisher_text((pushed + 1).tolist(), samples, patched=patched)
        subscriber = subscriber_text(rows, endpoint, samples, patched=patched)
        yield {
            PUBLISHER: None if number % 9 == 8 else publisher,
            SUBSCRIBER: None if number % 7 == 6 else subscriber,
        }


def poll(number: int, replies: dict[str, str | None]) -> Poll:
    """As the poller makes it, with what no line of JSON tells."""
    at = number * STEP_NS
    answers = []
    for name, text in replies.items():
        reply = None if text is None else parse_reply(text)
        sides = [] if reply is None else [side for side in (reply.server, reply.client) if side is not None]
        answers.append(
            Answer(
                server=name,
                state=ServerState.UNREACHABLE if reply is None else ServerState.MONITORED,
                reason="did not answer within 3 s" if reply is None else "",
                failure=Failure.SILENT if reply is None else Failure.NONE,
                identity=Identity(
                    1 + number // 13, 4711, "26th November 2026 at 14:00:00", START_NS + at // 13
                ),
                event_endpoints=(f"tcp://h:{5000 + number // 13 * 13}",) if name == PUBLISHER else (),
                since_utc_ns=START_NS,
                tango_version="10.3.3",
                reply=reply,
                texts=() if text is None else (text,),
                queries=1,
                sampling=any(side.perf is not None for side in sides),
                asked_utc_ns=START_NS + at,
                asked_monotonic_ns=at,
                answered_monotonic_ns=at,
            )
        )
    return Poll(number, START_NS + at, at, 0.01, 0.001, 0, tuple(answers))
