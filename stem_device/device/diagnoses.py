"""The command Doctor: diagnoses that run in processes of their own while the device goes on.

A client waits 3 s for a command by default, a diagnosis takes 15 s. So a call starts it, waits a moment,
and returns what is known; the same call again returns what is known by then, and at the end all.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from stem_device.doctor import (
    DeviceSurvey,
    Diagnosis,
    Examined,
    Request,
    diagnose,
    diagnosis_of,
    names_attribute,
    survey,
)
from stem_device.errors import OptionError, StemError
from stem_device.model.limits import DOCTOR_WAIT_SECONDS

DOCTOR_IN = (
    "Name of an attribute or of a device; or a JSON object: attribute, and as you like event, subscriber, "
    "wait, patience"
)
DOCTOR_OUT = "JSON object: state (running, done, failed), and what stem doctor --json gives; see doctor.md"

MOST_AT_ONCE = 4
"""Each is a process of its own, of 60 MB."""

KEPT_SECONDS = 60.0
"""A result is there for so long, for the client that asks again; then the same call begins anew."""

PATIENCE_SECONDS = 2.0
"""How long a call waits for the result: less than the 3 s that clients wait by default."""

Seconds = Annotated[float, Meta(gt=0, le=3600)]


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Argument of Doctor. ``wait``: as ``--wait``; ``patience``: seconds that the call waits for it."""

    attribute: Annotated[str, Meta(min_length=1, max_length=1024)]
    event: Annotated[str, Meta(max_length=64)] = "change"
    subscriber: Annotated[str, Meta(max_length=1024)] = ""
    wait: Seconds = DOCTOR_WAIT_SECONDS
    patience: Annotated[float, Meta(ge=0, le=3600)] = PATIENCE_SECONDS


def parse_asked(text: str) -> Asked:
    """A name, or JSON. Raises OptionError."""
    if not text.strip().startswith("{"):
        text = json.dumps({"attribute": text.strip()})
    try:
        return msgspec.json.decode(text, type=Asked)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise OptionError("Doctor", text, str(error)) from error


class _Running:
    """One diagnosis on a thread. ``document`` is complete at any time, if not final."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._links: list[Examined] = []
        self._outcome: dict[str, Any] | None = None
        self.ended: float | None = None
        self.done = threading.Event()
        threading.Thread(target=self._run, name="doctor", daemon=True).start()

    def document(self) -> dict[str, Any]:
        outcome = self._outcome
        if outcome is not None:
            return outcome
        if not names_attribute(self._asked.attribute):
            return {"state": "running", "device": self._asked.attribute}
        partial = diagnosis_of(self._request(), tuple(self._links))
        return {"state": "running", **msgspec.to_builtins(partial)}

    def _request(self) -> Request:
        asked = self._asked
        return Request(
            text=asked.attribute, event=asked.event, subscriber=asked.subscriber, wait_seconds=asked.wait
        )

    def _run(self) -> None:
        try:
            self._outcome = {"state": "done", **msgspec.to_builtins(self._found())}
        except StemError as error:
            self._outcome = {"state": "failed", "reason": str(error)}
        except Exception as error:  # noqa: BLE001 - told to the client
            self._outcome = {"state": "failed", "reason": f"{type(error).__name__}: {error}"}
        self.ended = time.monotonic()
        self.done.set()

    def _found(self) -> Diagnosis | DeviceSurvey:
        if names_attribute(self._asked.attribute):
            return diagnose(self._request(), self._links.append)
        return survey(self._asked.attribute)


class Diagnoses:
    """All that run and those that ended a moment ago. For any number of threads."""

    def __init__(self, begin: Callable[[Asked], _Running] = _Running) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self._by_request: dict[Asked, _Running] = {}

    def ask(self, text: str) -> str:
        """Begin, or go on with, what ``text`` asks; JSON, ASCII. Raises OptionError, StemError."""
        asked = parse_asked(text)
        running = self._running(asked)
        running.done.wait(asked.patience)
        return json.dumps(running.document())

    def _running(self, asked: Asked) -> _Running:
        key = msgspec.structs.replace(asked, patience=0.0)
        with self._lock:
            self._forget()
            if key not in self._by_request:
                if sum(not one.done.is_set() for one in self._by_request.values()) >= MOST_AT_ONCE:
                    raise StemError(f"{MOST_AT_ONCE} diagnoses are under way; ask again when one is done")
                self._by_request[key] = self._begin(asked)
            return self._by_request[key]

    def _forget(self) -> None:
        old = time.monotonic() - KEPT_SECONDS
        for key, one in list(self._by_request.items()):
            if one.ended is not None and one.ended < old:
                del self._by_request[key]
