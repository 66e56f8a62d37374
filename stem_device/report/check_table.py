"""The outcome of ``stem check`` as a rich table. Needs the extra "cli"."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stem_device.analysis.wording import Words, ground_text, sentence
from stem_device.model.poll import ServerState
from stem_device.report.check import CheckReport, outcome, summary, uncovered
from stem_device.report.number_text import common_prefix, without


def check_table(report: CheckReport) -> RenderableType:
    """A row a server, below it problems and what a single look can tell of losses, the summary last."""
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
    words = Words(lambda name: without(prefix, name))
    seen = [sentence(report.verdict, words), *(ground_text(one, words) + "." for one in uncovered(report))]
    told = [Text(text, style="dim") for text in seen]
    return Group(table, *problems, Text(), *told, Text(summary(report), style="bold"))
