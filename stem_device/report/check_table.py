"""The outcome of ``stem check`` as a rich table. Needs the extra "cli"."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stem_device.model.poll import ServerState
from stem_device.report.check import CheckReport, outcome, verdict
from stem_device.report.numbers import common_prefix


def check_table(report: CheckReport) -> RenderableType:
    """A row a server, problems below, the verdict last."""
    prefix = common_prefix(server.server for server in report.servers)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold dim")
    for heading in ("SERVER", "STATE", "TANGO", "WHY, OR WHAT IT TELLS"):
        table.add_column(heading, overflow="fold")
    for server in report.servers:
        style = "green" if server.state is ServerState.MONITORED else "bold red"
        table.add_row(
            Text(server.server.removeprefix(prefix)),
            Text(server.state, style=style),
            Text(server.tango_version or "-"),
            Text(outcome(server)),
        )
    problems = [Text(problem, style="red") for problem in report.problems]
    return Group(table, *problems, Text(), Text(verdict(report), style="bold"))
