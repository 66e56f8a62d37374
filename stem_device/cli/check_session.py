"""What ``stem check`` does, once its arguments are understood."""

from __future__ import annotations

import tango
from rich.console import Console

from stem_device.accounting.ledger import Ledger
from stem_device.analysis.live import Running
from stem_device.cli.exit_codes import ExitCode
from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.monitor.monitor import patience_of
from stem_device.polling import Poller, check_target
from stem_device.report.check import CheckReport, check_lines, check_report
from stem_device.report.check_table import check_table


def run_check(targets: tuple[str, ...], timeout_seconds: float, *, plain: bool) -> ExitCode:
    """Ask every target once and report. Raises OptionError."""
    for target in targets:
        check_target(target)
    tango.ApiUtil.instance()
    options = Options(target_devices=targets, target_timeout=timeout_seconds, follow_publishers=False)
    clock = SystemClock()
    poller = Poller(options, clock=clock)
    try:
        poll = poller.poll()
        report = check_report(
            poll, Running(patience_of(options), once=True).take(Ledger(clock).account(poll))
        )
    finally:
        poller.close()
    console = Console()
    if plain or not console.is_terminal:
        print("\n".join(check_lines(report)))
    else:
        console.print(check_table(report))
    return _code(report)


def _code(report: CheckReport) -> ExitCode:
    if report.complete:
        return ExitCode.OK
    return ExitCode.SOME_TARGETS if report.monitored else ExitCode.NO_TARGET
