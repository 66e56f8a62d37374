"""Clock, client, proxy and directory for the tests of polling; nothing here talks to Tango."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import tango

from stem_device.errors import TargetDatabaseError, TargetUnreachableError
from stem_device.polling.client import Endpoints
from stem_device.polling.directory import Entry
from stem_device.polling.identity import Process

EMPTY = '{"version":1,"server":null,"client":null}'
OFF = '{"version":1,"server":{"event_counters":{},"perf":null},"client":null}'
ON = '{"version":1,"server":{"event_counters":{},"perf":[]},"client":null}'


def publisher(counter: int, samples: int) -> str:
    """A reply of a publisher with one stream and so many samples."""
    perf = ",".join('{"micros_since_last_event":10,"push_event_micros":5}' for _ in range(samples))
    server = f'{{"event_counters":{{"a/b/c/d.change":{counter}}},"perf":[{perf}]}}'
    return f'{{"version":1,"server":{server},"client":null}}'


class FakeClock:
    """Time that passes only when told."""

    def __init__(self, monotonic_ns: int = 1_000_000_000) -> None:
        self.now_ns = monotonic_ns
        self.utc_offset_ns = 1_700_000_000_000_000_000

    def utc_ns(self) -> int:
        return self.now_ns + self.utc_offset_ns

    def monotonic_ns(self) -> int:
        return self.now_ns

    def advance(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


class FakeClient:
    """Answers what it is told to; a StemError or another exception is raised."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.switches: list[bool] = []
        self.switch_error: Exception | None = None
        self.queries = 0
        self.process: Process | None = Process("the first")
        self.asks_database = False
        self.endpoints_now = Endpoints()
        self.endpoints_asked = 0

    def endpoints(self) -> Endpoints:
        self.endpoints_asked += 1
        return self.endpoints_now

    def query(self) -> str:
        self.queries += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def switch_sampling(self, on: bool) -> None:
        if self.switch_error is not None:
            raise self.switch_error
        self.switches.append(on)

    def tango_version(self) -> str:
        return "10.3.3"


def dev_failed(*causes: tuple[str, str]) -> tango.DevFailed:
    """As cppTango raises it: a stack of (reason, description)."""
    errors = []
    for reason, description in causes:
        error = tango.DevError()
        error.reason, error.desc, error.origin = reason, description, "somewhere at (/src/x.cpp:1)"
        errors.append(error)
    return tango.DevFailed(*errors)


MISSING = dev_failed(("API_CommandNotFound", "Command X not found"), ("API_CommandFailed", "Failed to"))
REFUSED = dev_failed(
    ("API_CorbaException", "TRANSIENT CORBA system exception: TRANSIENT_ConnectFailed"),
    ("API_CommunicationFailed", "Failed to execute command_inout on device a/b/c"),
)
DELAYED = dev_failed(
    ("API_CantConnectToDevice", "Failed to connect to device a/b/c\nThe connection request was delayed."),
)
TIMED_OUT = dev_failed(
    ("API_CorbaException", "TRANSIENT CORBA system exception: TRANSIENT_CallTimedout"),
    ("API_CommunicationFailed", "Failed to execute command_inout on device a/b/c"),
)
TURNED_AWAY = dev_failed(
    ("API_CorbaException", "TRANSIENT CORBA system exception: TRANSIENT_POANoResource"),
    ("API_CommunicationFailed", "Failed to execute command_inout on device a/b/c"),
)
NOT_EXPORTED = dev_failed(("API_DeviceNotExported", "Device a/b/c is not exported (hint: ...)"))
NOT_DEFINED = dev_failed(("DB_DeviceNotDefined", "device a/b/c not defined in the database !"))
NO_DATABASE = dev_failed(
    ("API_CorbaException", "TRANSIENT CORBA system exception: TRANSIENT_ConnectFailed"),
    ("API_CantConnectToDatabase", "Failed to connect to database on host x with port 1"),
)
OTHER = dev_failed(("Weird_Reason", "the flux\ncapacitor is empty"), ("API_CommandFailed", "Failed to"))


class FakeProxy:
    """One connection. ``commands`` maps a name to its answer, an error or a function of the argument."""

    def __init__(self, commands: dict[str, Any], *, version: str = "10.3.3") -> None:
        self.commands = commands
        self.version = version
        self.calls: list[tuple[str, Any]] = []
        self.timeout_millis = 0
        self.ping_error: Exception | None = None
        self.transparent = True

    def command_inout(self, name: str, argument: Any = None, /) -> Any:
        self.calls.append((name, argument))
        answer = self.commands.get(name, MISSING)
        if callable(answer) and not isinstance(answer, Exception):
            answer = answer(argument)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ping(self) -> int:
        if self.ping_error is not None:
            raise self.ping_error
        return 0

    def set_timeout_millis(self, millis: int, /) -> None:
        self.timeout_millis = millis

    def set_transparency_reconnection(self, on: bool, /) -> None:
        self.transparent = on

    def info(self) -> Any:
        return SimpleNamespace(version_info={"cppTango": self.version} if self.version else {})

    def get_tango_lib_version(self) -> int:
        return 902


class FakeDirectory:
    """Databases as dictionaries: host -> device -> Entry. ``down`` hosts raise."""

    def __init__(self, default: str = "db:10000") -> None:
        self.default = default
        self.hosts: dict[str, dict[str, Entry]] = {default: {}}
        self.identities: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.relays: set[str] = set()
        self.hung: set[str] = set()
        self.down: set[str] = set()
        self.asked: list[str] = []
        self.looked_up: list[str] = []

    def add(
        self, device: str, server: str, class_name: str = "Motor", *, host: str = "", exported: bool = True
    ) -> None:
        self.hosts.setdefault(host or self.default, {})[device] = Entry(
            f"dserver/{server}", class_name, exported
        )

    def default_host(self) -> str:
        return self.default

    def identity(self, host: str) -> str:
        self._check(host)
        return self.identities.get(host, host)

    def address(self, host: str) -> str:
        return self.addresses.get(host, host)

    def matching(self, host: str, pattern: str) -> tuple[str, ...]:
        self._check(host)
        parts = pattern.split("/")
        return tuple(
            sorted(
                device
                for device in self._devices(host)
                if all(p in ("*", d) for p, d in zip(parts, device.split("/"), strict=True))
            )
        )

    def entry(self, host: str, device: str) -> Entry | None:
        self._check(host)
        self.looked_up.append(device)
        return self._devices(host).get(device)

    def present_name(self, name: str) -> str:
        return name

    def process(self, device: str) -> Process:
        return Process(f"process of {device}", 1)

    def device_of_alias(self, host: str, alias: str) -> str | None:
        self._check(host)
        return self.aliases.get(alias)

    def has_query(self, device: str) -> bool:
        self.asked.append(device)
        if device in self.hung:
            raise TargetUnreachableError(device, "hangs")
        return device in self.relays

    def admin_without_database(self, device: str) -> str:
        if device in self.hung:
            raise TargetUnreachableError(device, "hangs")
        return "dserver/x/y"

    def _devices(self, host: str) -> dict[str, Entry]:
        return self.hosts[host]

    def _check(self, host: str) -> None:
        if host in self.down or host not in self.hosts:
            raise TargetDatabaseError(host, "does not answer; start it")


def run_now(gives: bool, run: Callable[[], None]) -> None:
    """Run a worker if it says that it must be run."""
    if gives:
        run()
