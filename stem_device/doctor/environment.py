"""Links 1 and 2: which database the library asks, and whether one is there and answers."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor

import tango

from stem_device.doctor.case import CALL_SECONDS, Case
from stem_device.doctor.diagnosis import Finding, broken, not_tested, ok, warning
from stem_device.doctor.reaching import reach
from stem_device.errors import TargetDatabaseError
from stem_device.polling.databases import answers_corba
from stem_device.polling.directory import default_addresses
from stem_device.polling.names import full_name
from stem_device.polling.tango_errors import DATABASE, first_words

_SET_IT = "Name the host and port of the database: export TANGO_HOST=HOST:10000"


def environment(case: Case) -> Finding:
    """``TANGO_HOST`` as the library sees it, or the host in the name; each resolved and connected to."""
    named = case.question.host
    addresses = (named,) if named else default_addresses()
    if not addresses:
        return broken("TANGO_HOST is not set, neither in the environment nor in a tangorc file", _SET_IT)
    with ThreadPoolExecutor(len(addresses)) as pool:
        problems = [*pool.map(_problem, addresses)]
    bad = [f"{address} {problem}" for address, problem in zip(addresses, problems, strict=True) if problem]
    good = [address for address, problem in zip(addresses, problems, strict=True) if not problem]
    case.host = named or (good or addresses)[0]
    where = "the name says" if named else f"TANGO_HOST ({_origin()}) is"
    if not good:
        return broken(f"{where} {', '.join(addresses)}: {'; '.join(bad)}", _remedy(case, addresses[0]))
    if bad:
        others = f"{where} {', '.join(addresses)}: {'; '.join(bad)}; {good[0]} can be reached"
        return warning(others, f"Name those that are there: export TANGO_HOST={','.join(good)}")
    several = f" and {len(good) - 1} more" if len(good) > 1 else ""
    return ok(f"{where} {good[0]}{several}, which can be reached")


def _origin() -> str:
    return "from the environment" if os.environ.get("TANGO_HOST") else "from a tangorc file"


def _problem(address: str) -> str:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        return "is not HOST:PORT"
    return reach(host.strip("[]"), int(port))


def _remedy(case: Case, address: str) -> str:
    port = address.rpartition(":")[2]
    if not case.question.database:
        return f"Start the server there, with -ORBendPoint giop:tcp::{port}, or correct the name"
    start = f"DataBaseds 2 -ORBendPoint giop:tcp::{port}"
    return f"Start the database there: {start} - or name another one: export TANGO_HOST=HOST:PORT"


def database(case: Case) -> Finding:
    """Whether what listens there is a Tango database that answers within seconds."""
    if not case.question.database:
        return not_tested("the name ends in #dbase=no: no database is asked")
    if not answers_corba(case.host, CALL_SECONDS):
        return broken(
            f"{case.host} accepts connections and says nothing to a CORBA request for {CALL_SECONDS:g} s: "
            "the database hangs, or something else listens on this port",
            f"See what listens there, and restart the database if it hangs: {_listener(case.host)}",
        )
    try:
        case.databases.ask(case.host, "DbImportDevice", DATABASE)
    except (TargetDatabaseError, tango.DevFailed) as error:
        told = first_words(error) if isinstance(error, tango.DevFailed) else error.reason
        return broken(
            f"what listens at {case.host} is no Tango database in order: {told}",
            f"See what it is, and correct TANGO_HOST or restart the database: {_listener(case.host)}",
        )
    return ok(f"{full_name(case.host, DATABASE)} answers")


def _listener(host: str) -> str:
    name, _, port = host.rpartition(":")
    command = f"ss -ltnp 'sport = :{port}'"
    return command if _is_here(name) else f"ssh {name} {command!r}"


def _is_here(name: str) -> bool:
    return name in {"localhost", "127.0.0.1", "[::1]", socket.gethostname()}
