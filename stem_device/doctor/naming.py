"""Links 3 and 4: whether the database knows the device, and says that its server runs."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import tango

from stem_device.doctor.case import Case, python_command
from stem_device.doctor.diagnosis import Finding, broken, not_tested, ok
from stem_device.polling.names import as_sent
from stem_device.polling.tango_errors import UNDEFINED
from stem_device.responses import from_latin_1

MOST_SIMILAR = 3
LIKENESS = 0.6
"""Below this difflib itself takes words for unlike."""

_UNKNOWN_TIME = {"", "?"}


def name(case: Case) -> Finding:
    """A device of this name, or of this alias; else similar names."""
    case.device = case.question.device
    if not case.question.database:
        return not_tested("the name ends in #dbase=no: no database is asked")
    alias = ""
    if "/" not in case.device:
        found = _ask(case, "DbGetAliasDevice", case.device)
        if found is None:
            return _misspelt(case, "alias", "DbGetDeviceAliasList", "*")
        alias, case.device = case.device, str(found).lower()
    info = _ask(case, "DbGetDeviceInfo", case.device)
    if info is None:
        return _misspelt(case, "device", "DbGetDeviceWideList", "*")
    _take(case, info)
    return ok(f"{f'alias {alias} of ' if alias else ''}{case.device}, a device of server {case.server}")


def _ask(case: Case, command: str, argument: str) -> Any:
    """What the database says; None where it knows no such name."""
    try:
        return case.databases.ask(case.host, command, as_sent(argument))
    except tango.DevFailed as error:
        if any(item.reason in UNDEFINED for item in error.args):
            return None
        raise


def _take(case: Case, info: Any) -> None:
    numbers, texts = info
    texts = [from_latin_1(str(text)) for text in texts]
    case.exported, case.pid = bool(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0
    case.ior, case.server, case.machine = texts[1], texts[3], texts[4]
    case.started, case.stopped = texts[5], texts[6] if len(texts) > 6 else ""


def _misspelt(case: Case, kind: str, command: str, pattern: str) -> Finding:
    known = [from_latin_1(str(one)).lower() for one in _ask(case, command, pattern) or ()]
    if not case.device.startswith("dserver/"):
        known = [one for one in known if not one.startswith("dserver/")]
    alike = similar(case.device, known)
    evidence = f"the database at {case.host} knows no {kind} {case.device}"
    if not alike:
        listed = python_command("print(*tango.Database().get_device_exported('*'))")
        return broken(f"{evidence} and none like it", f"List what runs: {listed}")
    again = f"{alike[0]}/{case.question.attribute}" if case.question.attribute else alike[0]
    return broken(f"{evidence}; similar: {', '.join(alike)}", f"Correct the name: stem doctor {again}")


def similar(wanted: str, known: Sequence[str]) -> list[str]:
    """The names most like ``wanted``, the likest first."""
    return difflib.get_close_matches(wanted.lower(), known, MOST_SIMILAR, LIKENESS)


def exported(case: Case) -> Finding:
    """Whether the server runs, as the database has it; since when it does not."""
    if not case.question.database:
        return not_tested("the name ends in #dbase=no: no database is asked")
    if not case.exported:
        since = "" if case.stopped in _UNKNOWN_TIME else f"; it stopped on {case.stopped}"
        started = "was never started" if case.started in _UNKNOWN_TIME and not since else "does not run"
        place = f" on {case.machine}" if case.machine not in {*_UNKNOWN_TIME, "nada"} else ""
        return broken(
            f"server {case.server} {started}, or does not export {case.device}{since}",
            f"Start it{place}: {case.start_command}",
        )
    return ok(f"{case.server} runs on {case.machine}, pid {case.pid}, started {case.started}")
