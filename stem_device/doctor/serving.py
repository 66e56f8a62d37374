"""Links 5 to 7: where the server listens, whether it answers, and which versions it has."""

from __future__ import annotations

import ipaddress
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import tango

from stem_device.doctor.case import CALL_SECONDS, Case, connect_to_look, python_command
from stem_device.doctor.diagnosis import Finding, broken, ok, warning
from stem_device.doctor.ior import addresses_of
from stem_device.doctor.reaching import reach
from stem_device.model.topics import NO_DATABASE
from stem_device.polling.databases import answers_corba
from stem_device.polling.names import full_name
from stem_device.polling.tango_errors import first_words, is_about_connection

LEAST_IDL = 4
"""Events over ZeroMQ came with Tango 8, whose devices have IDL 4."""

BAD_ZMQ = {"4.2.0", "4.2.1"}
"""Tango's own notes advise against them: subscriptions get lost at reconnections."""


def address(case: Case) -> Finding:
    """Each address of the device, connected to."""
    if case.question.database:
        case.addresses = addresses_of(case.ior)
    else:
        host, _, port = case.host.rpartition(":")
        case.addresses = ((host.strip("[]"), int(port)),)
    if not case.addresses:
        return broken(
            "the database has no address of the device that could be understood",
            f"Start the server again: {case.start_command}",
        )
    with ThreadPoolExecutor(len(case.addresses)) as pool:
        problems = [*pool.map(lambda one: reach(*one), case.addresses)]
    told = [f"{_shown(one)} {why}" for one, why in zip(case.addresses, problems, strict=True) if why]
    case.addresses = tuple(one for one, why in zip(case.addresses, problems, strict=True) if not why)
    if not case.addresses:
        return _nowhere(case, told)
    first = f"{_shown(case.addresses[0])} accepts connections"
    if told:
        return warning(f"{first}, but {'; '.join(told)}", f"Name one address: {_endpoint(case)}")
    return ok(first)


def _nowhere(case: Case, told: list[str]) -> Finding:
    wrong = [host for host, _ in addresses_of(case.ior) if _means_elsewhere(case, host)]
    if wrong:
        return broken(
            f"{'; '.join(told)}; the server runs on {case.machine}, and {wrong[0]} means this machine here",
            f"Start it with an address that others can reach: {_endpoint(case)}",
        )
    if not case.question.database:
        return broken("; ".join(told), "Start the server, or correct the host and port in the name")
    return broken(
        f"the database says that {case.server} runs (pid {case.pid} on {case.machine}, started "
        f"{case.started}), but {'; '.join(told)}: it was killed, or its machine or the network is down",
        f"Start it again on {case.machine}: {case.start_command}",
    )


def _means_elsewhere(case: Case, host: str) -> bool:
    """Whether this address of another machine leads back to this one."""
    try:
        own = ipaddress.ip_address(host)
    except ValueError:
        return False
    away = case.machine.partition(".")[0].lower() != socket.gethostname().partition(".")[0].lower()
    return away and (own.is_loopback or own.is_unspecified)


def _endpoint(case: Case) -> str:
    return f"{case.start_command} -ORBendPoint giop:tcp:{case.machine or 'HOST'}:"


def _shown(place: tuple[str, int]) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def answers(case: Case) -> Finding:
    """``ping`` and ``state`` within a limit. A frozen process accepts connections and says nothing."""
    if not any(answers_corba(_shown(place), CALL_SECONDS) for place in case.addresses):
        return broken(
            f"{_shown(case.addresses[0])} accepts connections and says nothing for {CALL_SECONDS:g} s: the "
            f"process (pid {case.pid} on {case.machine}) is frozen or stopped",
            f"Let it go on, or end it and start {case.start_command} again: kill -CONT {case.pid or 'PID'}",
        )
    begun = time.monotonic()
    try:
        case.proxy = _ready(tango.DeviceProxy(case.device_name))
        case.proxy.state()
        took = time.monotonic() - begun
        case.admin_name = case.proxy.adm_name().lower()
        case.server = case.server or case.proxy.info().server_id
        case.access = _access(case.proxy)
        case.admin = _ready(connect_to_look(_admin_of(case)))
    except tango.DevFailed as error:
        return _silent(case, error, time.monotonic() - begun)
    return ok(f"ping and state answered in {took * 1000:.0f} ms")


def _ready(proxy: tango.DeviceProxy) -> tango.DeviceProxy:
    proxy.set_transparency_reconnection(False)
    proxy.ping()  # no time limit may be set before it is connected
    proxy.set_timeout_millis(round(CALL_SECONDS * 1000))
    return proxy


def _access(proxy: tango.DeviceProxy) -> str:
    """What access control lets this user and host do with the device, as cppTango sees it here."""
    try:
        return str(proxy.get_access_right()).rpartition("ACCESS_")[2].lower()
    except tango.DevFailed:
        return ""


def _admin_of(case: Case) -> str:
    path = "/".join(case.admin_name.removesuffix(NO_DATABASE).split("/")[-3:])
    return full_name(case.host, path, database=case.question.database)


def _silent(case: Case, error: tango.DevFailed, seconds: float) -> Finding:
    restart = python_command(f"tango.DeviceProxy({_guessed_admin(case)!r}).RestartServer()")
    if is_about_connection(error) and seconds >= CALL_SECONDS * 0.9:
        return broken(
            f"the process answers, the device does not within {CALL_SECONDS:g} s: a command, a read or a "
            "lock keeps it busy",
            f"Wait, or restart the server: {restart}",
        )
    return broken(f"the device answers with an error: {first_words(error)}", f"Restart it: {restart}")


def _guessed_admin(case: Case) -> str:
    return case.admin_name or f"dserver/{case.server.lower()}"


def versions(case: Case) -> Finding:
    """cppTango, ZeroMQ and IDL of the server, beside ours."""
    try:
        told = case.proxy.info()
        case.server_version = int(told.server_version)
        versions_told = dict(getattr(told, "version_info", None) or {})
    except tango.DevFailed as error:
        return warning(f"the versions are not told: {first_words(error)}")
    theirs = str(versions_told.get("cppTango", "unknown"))
    zmq = _zmq_version(str(versions_told.get("zmq", "")))
    ours = str(tango.constants.TgLibVers)
    evidence = (
        f"server: Tango {theirs}, IDL {case.server_version}, ZeroMQ {zmq or 'unknown'}; here: Tango {ours}"
    )
    if case.server_version < LEAST_IDL:
        return broken(
            f"{evidence}; a device of IDL {case.server_version} has no events over ZeroMQ",
            "Build the server with a later Tango: python3 -m pip install -U pytango",
        )
    if zmq in BAD_ZMQ:
        return warning(f"{evidence}; ZeroMQ {zmq} loses subscriptions", "Update libzmq of the server")
    return ok(evidence)


def _zmq_version(text: str) -> str:
    """``40305`` -> ``4.3.5``: ZMQ_MAKE_VERSION, major * 10000 + minor * 100 + patch."""
    if not text.isdigit() or len(text) < 5:
        return text
    number = int(text)
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"
