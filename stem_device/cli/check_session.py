"""What ``stem check`` does, once its arguments are understood."""

from __future__ import annotations

import sys

import tango

from stem_device.accounting.ledger import Ledger
from stem_device.analysis.facts import Patience
from stem_device.analysis.live import Running
from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.failures import tell
from stem_device.cli.json_output import print_json
from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.polling import Poller, check_target
from stem_device.report.check import CheckReport, check_document, check_lines, check_report

EVERYTHING = "dserver/*/*"


def run_check(
    targets: tuple[str, ...], timeout_seconds: float, *, plain: bool, as_json: bool = False
) -> ExitCode:
    """Ask every target once and report; without targets, all servers. Raises OptionError."""
    for target in targets:
        check_target(target, "DEVICE")
    tango.ApiUtil.instance()
    if not targets:
        targets = (EVERYTHING,)
        host = tango.ApiUtil.get_env_var("TANGO_HOST") or "no TANGO_HOST is set"
        tell(f"no device is named: all servers in the database are checked ({host})")
    options = Options(target_devices=targets, target_timeout=timeout_seconds, follow_publishers=False)
    clock = SystemClock()
    poller = Poller(options, clock=clock)
    try:
        poll = poller.poll()
        report = check_report(
            poll, Running(Patience.of(options), once=True).take(Ledger(clock).account(poll))
        )
    finally:
        poller.close()
    if as_json:
        print_json(check_document(report))
    elif plain or not sys.stdout.isatty():
        print("\n".join(check_lines(report)))
    else:
        _draw(report)
    return _code(report)


def _draw(report: CheckReport) -> None:
    from rich.console import Console  # noqa: PLC0415 - lines need no tables

    from stem_device.report.check_table import check_table  # noqa: PLC0415

    Console().print(check_table(report))


def _code(report: CheckReport) -> ExitCode:
    if report.complete:
        return ExitCode.OK
    return ExitCode.SOME_TARGETS if report.monitored else ExitCode.NO_TARGET
