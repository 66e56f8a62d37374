"""The child process that taps, seen from its parent: whom to tap goes in, what is counted comes out."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from typing import IO

import msgspec

from stem_device.wire.counting import TopicCounts
from stem_device.wire.tap import TapCounts

logger = logging.getLogger(__name__)

END_SECONDS = 2.0

_DECODER = msgspec.json.Decoder(dict[str, TapCounts])


class Heard:
    """What one publisher's tap has told so far: ``last`` as a whole, ``topics`` by name."""

    def __init__(self) -> None:
        self.last: TapCounts | None = None
        self.topics: dict[str, TopicCounts] = {}

    def take(self, counts: TapCounts) -> None:
        self.topics.update((topic.topic, topic) for topic in counts.topics)
        self.last = counts


class TapProcess:
    """Runs ``python -m stem_device.wire`` as long as somebody is to be tapped. Safe from any thread.

    ``ended`` says why, once it has ended by itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: dict[str, Heard] = {}
        self.ended = ""
        self._closed = False
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "stem_device.wire"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self._thread = threading.Thread(target=self._read, name="stem-tap", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def watch(
        self,
        key: str,
        events: tuple[str, ...],
        heartbeats: tuple[str, ...],
        topics: tuple[str, ...],
        hosts: tuple[str, ...],
    ) -> None:
        """Tap this publisher from now on."""
        with self._lock:
            self._heard[key] = Heard()
        told = {"key": key, "events": events, "heartbeats": heartbeats, "topics": topics, "hosts": hosts}
        self._say({"watch": told})

    def forget(self, key: str) -> None:
        """Tap it no longer."""
        with self._lock:
            self._heard.pop(key, None)
        self._say({"forget": key})

    def heard(self, key: str) -> tuple[TapCounts | None, dict[str, TopicCounts]]:
        """The last report, and all topics; (None, {}) before the first."""
        with self._lock:
            heard = self._heard.get(key)
            return (None, {}) if heard is None else (heard.last, dict(heard.topics))

    def close(self) -> None:
        """End it, and wait for that."""
        self._closed = True
        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(OSError):
                stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join(END_SECONDS)

    def _say(self, command: object) -> None:
        stdin: IO[bytes] | None = self._process.stdin
        if stdin is None or self.ended:
            return
        try:
            stdin.write(msgspec.json.encode(command) + b"\n")
            stdin.flush()
        except OSError:
            pass  # its end is told by the thread that reads

    def _read(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        with stdout:
            for line in stdout:
                reports = _DECODER.decode(line)
                with self._lock:
                    for key, counts in reports.items():
                        if key in self._heard:
                            self._heard[key].take(counts)
        code = self._process.wait()
        if not self._closed:
            self.ended = f"the process that taps ended with code {code}"
            logger.error("%s", self.ended)
