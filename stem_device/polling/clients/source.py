"""The source of clients: takes their reports from any thread, and answers for them at each poll."""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct

from stem_device.errors import ClientReportError
from stem_device.model.client_report import ClientAnswer, ClientReport
from stem_device.model.clock import Clock
from stem_device.model.options import ClientOptions
from stem_device.polling.clients.allowance import Allowance
from stem_device.polling.clients.client import Client
from stem_device.polling.clients.reading import PREFIX, parse_report
from stem_device.polling.source import Answers, PollStart

CHARACTERS_PER_SECOND = 2_000_000
CHARACTERS_AT_ONCE = 8_000_000
"""Of all reports together. Reading a million takes some 15 ms, in which polls wait: 3 % of the time."""

SHORTEST_PERIOD, LONGEST_PERIOD = 0.2, 10.0
"""Seconds between two reports. What comes between two polls is counted at the second, so more is no use."""

COMPARABLE_SECONDS = 0.2
"""How long an event may be under way: as for any late answer, a report is compared with what publishers had
pushed one poll further back, and polls that follow sooner than this are one to the accounts."""

LEAST_KEPT_SECONDS = 60.0
"""A client that is gone is shown at least so long, with who lost what, and as long as State tells of it."""

TOLD_SECONDS = 60.0
"""For so long after it a refusal is one of the problems."""


class ClientsHealth(Struct, frozen=True):
    """How many clients are known, and how many reports were refused since the start."""

    clients: int = 0
    reports: int = 0
    refused: int = 0
    last_refusal: str = ""


class ClientReports:
    """A :class:`stem_device.polling.Source`. ``take`` and ``health`` are for any thread.

    ``period_seconds`` and ``sampling`` are what clients are told: that of the polls, and whether to sample.
    """

    name = "clients"

    def __init__(
        self,
        options: ClientOptions,
        *,
        clock: Clock,
        period_seconds: Callable[[], float],
        sampling: Callable[[], bool],
        queries: int = 1,
        hold_seconds: float = 0.0,
    ) -> None:
        self._most = options.max_clients
        self._clock = clock
        self._period_seconds = period_seconds
        self._sampling = sampling
        self._queries = queries
        self._kept_ns = round(max(LEAST_KEPT_SECONDS, hold_seconds) * 1e9)
        self._allowance = Allowance(clock, per_second=CHARACTERS_PER_SECOND, most=CHARACTERS_AT_ONCE)
        self._lock = threading.Lock()
        self._clients: dict[str, Client] = {}
        self._reports = self._refused = 0
        self._last_refusal, self._refused_ns = "", 0
        self._polls_ns: list[int] = []

    @property
    def health(self) -> ClientsHealth:
        with self._lock:
            return ClientsHealth(len(self._clients), self._reports, self._refused, self._last_refusal)

    def take(self, text: str) -> ClientAnswer:
        """Take a report, and say what is wanted of the client. Raises ClientReportError."""
        with self._lock:
            try:
                client = self._taken(text)
            except ClientReportError as error:
                self._refused += 1
                self._last_refusal, self._refused_ns = str(error), self._clock.monotonic_ns()
                raise
            self._reports += 1
        period = min(max(self._period_seconds(), SHORTEST_PERIOD), LONGEST_PERIOD)
        return ClientAnswer(
            server=client.server, period_seconds=period, sampling=self._sampling(), queries=self._queries
        )

    def collect(self, start: PollStart) -> Answers:
        """One Answer a client; those that are gone for long are left out, and so leave."""
        with self._lock:
            now, utc_ns = start.started_monotonic_ns, start.started_utc_ns
            self._clients = {
                name: one for name, one in self._clients.items() if one.gone_ns(now) <= self._kept_ns
            }
            comparable = self._comparable_since(now)
            answers = tuple(one.answer(now, utc_ns, comparable) for one in self._clients.values())
            told = self._refused and now - self._refused_ns < TOLD_SECONDS * 1e9
            problems = (f"a report of a client was refused: {self._last_refusal}",) if told else ()
        return Answers(answers=answers, problems=problems)

    def close(self) -> None:
        with self._lock:
            self._clients.clear()

    def _taken(self, text: str) -> Client:
        if not self._most:
            raise ClientReportError("$", "this monitor takes no reports: its property MaxClients is 0")
        if not self._allowance.take(len(text)):
            raise ClientReportError("$", "too much comes at once from all clients together; it is sent again")
        report = parse_report(text)
        now = self._clock.monotonic_ns()
        client = self._client_of(report, now)
        client.take(report, now, self._clock.utc_ns())
        self._clients[client.server] = client
        return client

    def _client_of(self, report: ClientReport, now_ns: int) -> Client:
        """The one under whose name this process reports; a new one takes the place of one that is gone."""
        same = [one for one in self._clients.values() if one.name == report.name and one.host == report.host]
        for one in same:
            if one.is_of(report):
                return one
        for one in same:
            if one.gone_ns(now_ns):
                return one
        if report.ended:
            raise ClientReportError("$.ended", "nothing was reported before of this process")
        self._make_room(now_ns)
        return Client(self._free_name(report), report)

    def _make_room(self, now_ns: int) -> None:
        if len(self._clients) < self._most:
            return
        gone = max(self._clients.values(), key=lambda one: one.gone_ns(now_ns))
        if not gone.gone_ns(now_ns):
            raise ClientReportError(
                "$", f"there are {len(self._clients)} clients, and no more are taken (MaxClients)"
            )
        del self._clients[gone.server]

    def _free_name(self, report: ClientReport) -> str:
        """``client/synoptic/pc3``; of several at one time the second is ``client/synoptic/pc3-2``."""
        base = f"{PREFIX}{report.name}/{report.host}"
        names = (base, *(f"{base}-{number}" for number in range(2, len(self._clients) + 3)))
        return next(name for name in names if name not in self._clients)

    def _comparable_since(self, now_ns: int) -> int:
        """The start of the last poll that was not just now: see COMPARABLE_SECONDS."""
        before = [one for one in self._polls_ns if now_ns - one >= COMPARABLE_SECONDS * 1e9]
        self._polls_ns = [*before[-1:], *self._polls_ns[len(before) :], now_ns]
        return before[-1] if before else 0
