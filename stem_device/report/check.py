"""Which servers can be monitored, from one poll."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from stem_device.analysis.verdict import Ground, Verdict, Why
from stem_device.analysis.wording import ground_text, sentence
from stem_device.model.poll import Answer, Poll, ServerState
from stem_device.report.lines import quoted

SCHEMA = "stem-device.check"
SCHEMA_VERSION = 1


class CheckedServer(Struct, frozen=True, gc=False):
    """One server; ``reason`` is empty if it can be monitored. The counts are None where it did not tell."""

    server: str
    state: ServerState
    tango_version: str
    streams: int | None
    subscriptions: int | None
    reason: str


class CheckReport(Struct, frozen=True):
    """All servers, those with a problem first; ``problems`` are about targets that lead to no server.

    ``verdict`` is that of a single look, so never an all-clear.
    """

    servers: tuple[CheckedServer, ...]
    problems: tuple[str, ...]
    verdict: Verdict

    @property
    def monitored(self) -> int:
        return sum(server.state is ServerState.MONITORED for server in self.servers)

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for can be monitored."""
        return bool(self.servers) and self.monitored == len(self.servers) and not self.problems


def check_report(poll: Poll, verdict: Verdict) -> CheckReport:
    """Sort the answers: what needs attention comes first."""
    servers = (_checked(answer) for answer in poll.answers)
    ordered = sorted(servers, key=lambda server: (server.state.is_counted, server.server))
    return CheckReport(servers=tuple(ordered), problems=poll.problems, verdict=verdict)


def check_lines(report: CheckReport) -> Iterator[str]:
    """One line a server, in the words of ``stem monitor``; then the problems, the verdict and a summary."""
    for server in report.servers:
        told = f"streams={server.streams or 0} subscriptions={server.subscriptions or 0}"
        why = f"reason={quoted(server.reason)}" if server.reason else told
        version = server.tango_version or "unknown"
        yield f"server={server.server} state={quoted(server.state)} tango={version} {why}"
    for problem in report.problems:
        yield f"problem {quoted(problem)}"
    level = report.verdict.level.word
    yield f"verdict level={level} text={quoted(sentence(report.verdict))}"
    for ground in uncovered(report):
        yield f"uncovered code={ground.why} text={quoted(ground_text(ground))}"
    yield f"summary monitored={report.monitored}/{len(report.servers)}"


def check_document(report: CheckReport) -> dict[str, Any]:
    """For JSON, in the spelling of the device's; documented in docs/reference/command-line.md."""
    return {
        "schema": SCHEMA,
        "version": SCHEMA_VERSION,
        "monitored": report.monitored,
        "servers": [
            {
                "name": server.server,
                "state": str(server.state),
                "reason": server.reason,
                "tangoVersion": server.tango_version,
                "streams": server.streams,
                "subscriptions": server.subscriptions,
            }
            for server in report.servers
        ],
        "problems": list(report.problems),
        "verdict": report.verdict.level.word,
        "verdictText": sentence(report.verdict),
        "uncovered": [{"code": str(one.why), "text": ground_text(one)} for one in uncovered(report)],
    }


def uncovered(report: CheckReport) -> tuple[Ground, ...]:
    """What no later poll would tell either, and no line of a server or problem does."""
    told = {Why.ONE_POLL, Why.OVERDUE_UNKNOWN, Why.PROBLEM}
    return tuple(
        ground for ground in report.verdict.uncovered if ground.why not in told and not ground.server
    )


def summary(report: CheckReport) -> str:
    """The last line of the table."""
    return f"{report.monitored} of {len(report.servers)} servers can be monitored"


def outcome(server: CheckedServer) -> str:
    """What it says, or why it does not, on one line."""
    if server.reason:
        return " ".join(server.reason.split())
    return f"{_many(server.streams, 'stream')}, {_many(server.subscriptions, 'subscription')}"


def _many(number: int | None, word: str) -> str:
    return f"{number or 0} {word}" if number == 1 else f"{number or 0} {word}s"


def _checked(answer: Answer) -> CheckedServer:
    publisher = answer.reply.server if answer.reply else None
    subscriber = answer.reply.client if answer.reply else None
    return CheckedServer(
        server=answer.server,
        state=answer.state,
        tango_version=answer.tango_version,
        streams=len(publisher.event_counters) if publisher else None,
        subscriptions=len(subscriber.event_callbacks) if subscriber else None,
        reason=answer.reason,
    )
